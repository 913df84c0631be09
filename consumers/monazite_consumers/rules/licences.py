"""Export licences: drawn like a cap by what their holders dispatched on them of the products that they cover."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.entries import Licence
from monazite_consumers.rules.registry import Registry
from monazite_contracts.months import day_of
from monazite_contracts.quantities import grams

LATEST_MAX: Final = 10
"""Draws that a finding names one by one: the latest are the ones to stop."""


class Exported(NamedTuple):
    """What a current dispatch that names a licence has taken abroad of one product, in grams."""

    at: datetime
    plant: str
    waybill: str
    declaration: str
    product: str
    net_g: int
    arrived_at: datetime

    def told(self) -> Mapping[str, Any]:
        """As findings show it."""
        return {
            "plant": self.plant, "waybill": self.waybill, "declaration": self.declaration,
            "on": f"{day_of(self.at)}", "product": self.product, "net_g": self.net_g,
        }  # fmt: skip


class Drawn(NamedTuple):
    """What has drawn on a licence, the earliest first; never empty.

    What was refused abroad nobody states: it counts.
    """

    draws: tuple[Exported, ...]

    @property
    def net_g(self) -> int:
        """In all."""
        return sum(each.net_g for each in self.draws)

    @property
    def at(self) -> datetime:
        """When last."""
        return self.draws[-1].at

    @property
    def arrived_at(self) -> datetime:
        """When the last of them arrived."""
        return max(each.arrived_at for each in self.draws)

    @property
    def declarations(self) -> int:
        """Customs declarations: each is one export."""
        return len({each.declaration for each in self.draws})


def is_of(licence: Licence, plant: str, at: datetime, registry: Registry) -> bool:
    """Whether its holder answers for a plant on the day: nobody else can draw on it, whatever number he names."""
    return licence.enterprise in registry.answerable(plant, day_of(at))


def drawn_by(licence: Licence, exported: Iterable[Exported], registry: Registry) -> Drawn | None:
    """Goods that it does not cover draw nothing from it, nor does anybody else's dispatch; None: nothing was drawn."""
    draws = sorted(
        each for each in exported if each.product in licence.products and is_of(licence, each.plant, each.at, registry)
    )
    return Drawn(tuple(draws)) if draws else None


def licence_problems(licence: Licence, drawn: Drawn) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Rule, measure and arithmetic of what is wrong with how a licence was used."""
    granted_g = grams(licence.net_mass_kg)
    detail = {
        "licence": licence.number,
        "granted_g": granted_g,
        "exported_g": drawn.net_g,
        "declarations": drawn.declarations,
        "draws": len(drawn.draws),
        "latest": [each.told() for each in drawn.draws[: -LATEST_MAX - 1 : -1]],
    }
    if drawn.net_g > granted_g:
        yield "licence-overdrawn", drawn.net_g - granted_g, detail
    if licence.form == "single" and drawn.declarations > 1:
        yield "licence-reused", drawn.declarations - 1, detail
