"""What the report itself, and the catalogue, say that codes are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from monazite.rendering.tables import Named
from monazite_contracts.catalogue import PRODUCTS
from monazite_contracts.reports import TraceabilityReport

CAP_KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {"mining_rock": "mining, rock", "mining_ionic": "mining, ionic", "separation": "separation"}
)


@dataclass(frozen=True, slots=True)
class Names:
    """What the report itself says that codes are called."""

    plants: Mapping[str, str]
    holders: Mapping[str, str]

    def plant(self, code: str) -> Named:
        """A plant of the scope, or one that only its code is known of."""
        return Named(code, self.plants.get(code, ""))

    def holder(self, code: str) -> Named:
        """An enterprise."""
        return Named(code, self.holders.get(code, ""))

    def either(self, code: str) -> Named:
        """Whoever acts: a plant, an enterprise, or a word."""
        return Named(code, self.plants.get(code) or self.holders.get(code, ""))


def names_in(report: TraceabilityReport) -> Names:
    """The names of a report's plants and enterprises."""
    holders = {part.code: part.name for part in report.parts if part.level == "enterprise"}
    holders |= {cap.holder: cap.name for cap in report.caps}
    holders |= {plant.enterprise: plant.enterprise_name for plant in report.plants}
    return Names({plant.code: plant.name for plant in report.plants}, holders)


def product(code: str) -> Named:
    """A product with both its names; one that the catalogue does not know stands by its code."""
    known = PRODUCTS.get(code)
    return Named(code, f"{known.name_zh} {known.name}" if known else "")


def cap_kind(code: str) -> str:
    """A cap's kind in words."""
    return CAP_KINDS.get(code, code)
