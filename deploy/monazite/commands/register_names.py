"""Names that a person types, held against the register: of what it does not have the nearest is shown."""

from typing import TYPE_CHECKING

from monazite.errors import CommandError
from monazite_consumers.registry.problems import did_you_mean

if TYPE_CHECKING:
    from monazite_consumers.rules.registry import Registry


def require_plant(plant: str, registry: "Registry") -> None:
    """Refuses a plant that the register does not have."""
    if plant not in registry.plants:
        raise CommandError(f"the register has no plant {plant}{did_you_mean(plant, registry.plants)}")


def require_enterprise(enterprise: str, registry: "Registry") -> None:
    """Refuses an enterprise, or a group, that the register does not have."""
    known = registry.enterprises
    if enterprise not in known:
        raise CommandError(f"the register has no enterprise {enterprise}{did_you_mean(enterprise, known)}")
