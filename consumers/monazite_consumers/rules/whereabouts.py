"""Whereabouts: where what is left of a lot is now, and what share of a traced lot that is."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from monazite_consumers.rules.custody import LotState
from monazite_consumers.rules.sharing import apportion
from monazite_consumers.rules.shipment_states import State
from monazite_consumers.rules.tracing import Traced


class How(StrEnum):
    """How a mass of a lot is somewhere."""

    ON_HAND = "on hand"
    UNDER_WAY = "under way"
    MISSING = "missing on the way"
    LEFT = "left the register"
    LOST = "lost"
    CIRCLE = "in a circle"
    BEYOND = "not followed further"
    UNACCOUNTED = "unaccounted for"


class Sent(NamedTuple):
    """A lot on a shipment. `arrived_g`: of `sent_g` what was accepted, by anybody, or is its consignor's again."""

    lot: str
    shipment: str
    consignor: str
    consignee: str
    state: str
    due_at: datetime | None
    sent_g: int
    arrived_g: int


class Stay(NamedTuple):
    """Where grams of a lot are: `where` is a plant, or whom they were sent to with a shipment.

    `units`: what share of what is traced that is, of `WHOLE`.
    """

    lot: str
    how: How
    where: str
    net_g: int
    shipment: str | None = None
    consignor: str | None = None
    due_at: datetime | None = None
    units: int = 0


_NOTHING: Final[Mapping[tuple[str, str, str], int]] = MappingProxyType({})

_ON_THE_WAY = {State.UNDER_WAY: How.UNDER_WAY, State.LEFT: How.LEFT}


def stays_of(
    held: Iterable[tuple[str, str, int, int]],
    sent: Iterable[Sent],
    back: Mapping[tuple[str, str, str], int] = _NOTHING,
) -> dict[str, list[Stay]]:
    """By lot: what is on hand, was lost, or was sent and has not arrived.

    `held`: (lot, plant, grams on hand, grams lost). `back`: grams of (lot, consignor, party) that had left the register
    and came back, of the first that was sent.
    """
    came = Counter(back)
    found: dict[str, list[Stay]] = {}
    for lot, plant, held_g, lost_g in held:
        for how, net_g in ((How.ON_HAND, held_g), (How.LOST, lost_g)):
            if net_g > 0:
                found.setdefault(lot, []).append(Stay(lot, how, plant, net_g))
    for each in sent:
        net_g = each.sent_g - each.arrived_g
        if each.state == State.LEFT:
            came_g = min(net_g, came[each.lot, each.consignor, each.consignee])
            came[each.lot, each.consignor, each.consignee] -= came_g
            net_g -= came_g
        if net_g > 0:
            how = _ON_THE_WAY.get(State(each.state), How.MISSING)
            stay = Stay(each.lot, how, each.consignee, net_g, each.shipment, each.consignor, each.due_at)
            found.setdefault(each.lot, []).append(stay)
    return found


def spread(
    lots: Sequence[Traced],
    stays: Mapping[str, Sequence[Stay]],
    states: Mapping[str, LotState],
    gone: Mapping[str, int],
    unfollowed: frozenset[str],
) -> list[Stay]:
    """Every stay with its part of the units that end at its lot, which all together add to exactly `WHOLE`.

    `gone`: grams of each lot that went into others and were followed there.
    """
    found: list[Stay] = []
    for each in lots:
        here = list(stays.get(each.lot, ()))
        state = states.get(each.lot)
        passed_g = 0 if each.circle else gone.get(each.lot, 0)
        left_g = max(0, (state.net_g if state else 0) - passed_g - sum(stay.net_g for stay in here))
        if left_g or (each.ends and not here):
            how = How.CIRCLE if each.circle else How.BEYOND if each.lot in unfollowed else How.UNACCOUNTED
            where = state.plant if state else each.lot.partition("/")[0]
            here.append(Stay(each.lot, how, where, left_g))
        found += _with_units(here, each.ends)
    return found


def _with_units(stays: Sequence[Stay], units: int) -> list[Stay]:
    if not stays:
        return []
    masses = {f"{number:06}": stay.net_g for number, stay in enumerate(stays)}
    if not any(masses.values()):
        return [stays[0]._replace(units=units)]
    parts = apportion(units, masses)
    return [stay._replace(units=parts[number]) for stay, number in zip(stays, masses, strict=True)]
