"""A desk: intake, watch and registry on a real database, without Kafka."""

from regulator_desk import desk, open_desk

__all__ = ["desk", "open_desk"]
