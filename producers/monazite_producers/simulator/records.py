"""Writes a simulated plant's records as events: plain JSON of the contract, without the cost of validating it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple

from monazite_contracts.envelope import event_hash
from monazite_contracts.identifiers import event_id
from monazite_contracts.quantities import kilograms
from monazite_producers.simulator.assaying import Assay

Event = dict[str, Any]
SYSTEM: Final = "mes"


@dataclass(slots=True, eq=False)
class Lot:
    """Material with one origin and one assay; `left_g` is what nobody has used or shipped yet."""

    code: str
    product: str
    origin: str
    assay: Assay
    mass_g: int
    reo_g: int
    left_g: int


class Shift(NamedTuple):
    """The span of a day in which a lot was made, in seconds from midnight."""

    day: date
    start_s: int
    end_s: int


@lru_cache(maxsize=4096)  # a day's shifts and hours recur at every site
def clock(day: date, second: int) -> str:
    """An instant of a day in Asia/Shanghai, as the wire writes it; `second` may pass midnight."""
    if second >= 86_400:
        return clock(day + timedelta(days=1), second - 86_400)
    return f"{day}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}+08:00"


def event(kind: str, plant: str, record: str, recorded_at: str, data: Event) -> Event:
    """One event of a plant."""
    return {
        "specversion": "1.0",
        "id": event_id(plant, SYSTEM, record),
        "source": plant,
        "type": f"monazite.{kind}.v1",
        "time": recorded_at,
        "datacontenttype": "application/json",
        "sourcesystem": SYSTEM,
        "recordid": record,
        "data": data,
    }


def lot_line(lot: Lot, claimed_g: int) -> Event:
    """What a statement says of a whole lot."""
    return {
        "lot": lot.code,
        "product": lot.product,
        "net_mass_kg": kilograms(lot.mass_g),
        "assay": lot.assay,
        "claimed_reo_kg": kilograms(claimed_g),
    }


def production(activity: str, lot: Lot, claimed_g: int, inputs: Sequence[Event], shift: Shift) -> Event:
    """The data of a production statement."""
    return lot_line(lot, claimed_g) | {
        "activity": activity,
        "inputs": list(inputs),
        "origin": lot.origin,
        "period": {"start": clock(shift.day, shift.start_s), "end": clock(shift.day, shift.end_s)},
    }


def used(lot: Lot, mass_g: int) -> Event:
    """One input of a production."""
    return {"lot": lot.code, "product": lot.product, "net_mass_kg": kilograms(mass_g), "assay": lot.assay}


def shipped(lot: Lot, mass_g: int) -> Event:
    """One line of a waybill."""
    return {"lot": lot.code, "product": lot.product, "net_mass_kg": kilograms(mass_g)}


def target(amended: Event) -> Event:
    """How an amendment names the version that it amends."""
    return {"id": amended["id"], "hash": event_hash(amended).hex()}
