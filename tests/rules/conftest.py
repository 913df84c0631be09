"""A desk for the rules that need state."""

from regulator_desk import desk, open_desk

__all__ = ["desk", "open_desk"]
