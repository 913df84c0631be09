"""What both ends of a shipment state: whom goods go to, what is under way, and what is found when they arrive."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from monazite_contracts.quantities import kilograms
from monazite_producers.simulator import records
from monazite_producers.simulator.records import Event, Lot

if TYPE_CHECKING:
    from monazite_producers.simulator.sites import Site

Contents = Sequence[tuple[Lot, int]]
"""Lots, or parts of lots, in grams."""


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whom goods are sent to: a simulated site, or somebody outside the register (`site` None)."""

    party: dict[str, str]
    end_use: str
    site: "Site | None" = None


@dataclass(frozen=True, slots=True)
class Shipment:
    """Goods under way."""

    waybill: str
    consignor: str
    consignee: "Site | None"
    contents: Contents


@dataclass(frozen=True, slots=True)
class Found:
    """What a consignee finds of each lot, in thousandths of what was sent; `reason` where that is not everything."""

    outcome: str
    accepted_per_mille: int
    refused_per_mille: int = 0
    reason: str | None = None

    def accepted_g(self, sent_g: int) -> int:
        """Taken in."""
        return sent_g * self.accepted_per_mille // 1000

    def refused_g(self, sent_g: int) -> int:
        """Sent back."""
        return sent_g * self.refused_per_mille // 1000


WHOLE: Final = Found("accepted", 1000)
"""Goods arrive as they were sent."""


def party(plant: str) -> dict[str, Any]:
    """A registered party, as the wire names it."""
    return {"kind": "plant", "plant": plant}


def dispatched(waybill: str, buyer: Buyer, contents: Contents, at: str) -> Event:
    """The data of a dispatch."""
    return {
        "waybill": waybill, "consignee": buyer.party, "end_use": buyer.end_use,
        "lines": [records.shipped(lot, mass_g) for lot, mass_g in contents], "dispatched_at": at,
    }  # fmt: skip


def received(shipment: Shipment, found: Found, at: str) -> Event:
    """The data of a receipt."""
    reason = {} if found.reason is None else {"reason": found.reason}
    lines = [
        {
            "lot": lot.code, "accepted_kg": kilograms(found.accepted_g(mass_g)),
            "refused_kg": kilograms(found.refused_g(mass_g)),
        } | reason
        for lot, mass_g in shipment.contents
    ]  # fmt: skip
    return {
        "waybill": shipment.waybill, "consignor": party(shipment.consignor), "outcome": found.outcome,
        "lines": lines, "received_at": at,
    }  # fmt: skip


def part(lot: Lot, mass_g: int) -> Lot:
    """So much of a lot, in somebody's stock."""
    return Lot(lot.code, lot.product, lot.origin, lot.assay, mass_g, lot.reo_g * mass_g // lot.mass_g, mass_g)
