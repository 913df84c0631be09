"""Contradictions: what is stated of one lot that its mass, its content or its origin does not allow."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from monazite_consumers.rules.balances import uncertainty_g
from monazite_consumers.rules.custody import ORES, LotState, Maker, Parent
from monazite_consumers.rules.moves import KINDS, is_output
from monazite_consumers.rules.origins import UNKNOWN, read_feed
from monazite_consumers.rules.sharing import WHOLE
from monazite_contracts.months import day_of, day_start, month_end
from monazite_contracts.quantities import PPM, divide_half_even


class Allowance(NamedTuple):
    """How far what should be equal may lie apart: masses, and one standard deviation of an assayed line."""

    mass_ppm: int
    assay_ppm: int


def blended_otherwise(state: LotState, parents: Sequence[Parent], allowed: Allowance) -> Mapping[str, Any] | None:
    """The arithmetic of a blend that weighs or holds more or less than what went into it; None where it does not."""
    used_g = sum(parent.used_g for parent in parents)
    found = {"lot": state.lot, "used_g": used_g, "made_g": state.net_g}
    used_reo = [_reo_of(parent) for parent in parents]
    known = [reo_g for reo_g in used_reo if reo_g is not None]
    if state.reo_g is not None and len(known) == len(parents):
        used_reo_g, one = sum(known), uncertainty_g(sum(g * g for g in (*known, state.reo_g)), allowed.assay_ppm)
        found |= {"used_reo_g": used_reo_g, "made_reo_g": state.reo_g, "uncertainty_g": one}
        slack_g = 2 * one + allowed.mass_ppm * used_reo_g // PPM
        if abs(state.reo_g - used_reo_g) > slack_g:
            return found
    return found if abs(state.net_g - used_g) * PPM > allowed.mass_ppm * used_g else None


def _reo_of(parent: Parent) -> int | None:
    if parent.reo_g is None or not parent.net_g:
        return None
    return divide_half_even(parent.used_g * parent.reo_g, parent.net_g)


class SplitUp(NamedTuple):
    """One split of a lot. `left_g`: of what was split in none of the parts; below zero they weigh more."""

    plant: str
    split_g: int
    left_g: int
    at: datetime
    arrived_at: datetime


def split_otherwise(splits: Iterable[SplitUp], mass_ppm: int) -> dict[str, SplitUp]:
    """Of one lot, by plant, the split whose parts are farthest from what was split, beyond a tolerance."""
    apart = [each for each in splits if abs(each.left_g) * PPM > mass_ppm * abs(each.split_g)]
    return {each.plant: each for each in sorted(apart, key=lambda each: (abs(each.left_g), each))}


def not_recycled_g(maker: Maker, parents: Sequence[Parent], mass_ppm: int) -> int:
    """Grams of a lot stated as recycled that were made of something else, beyond a tolerance.

    Lots that were themselves stated as recycled are used in good faith: whoever stated them so first answers for it.
    Nobody can do so with ore. What no chain tells is not held against anybody here.
    """
    if not is_output(maker.kind, maker.step) or (maker.step != "recovered" and maker.origin != "recycled"):
        return 0
    used = other = 0
    for parent in parents:
        used += parent.used_g * WHOLE
        if parent.product in ORES:
            other += parent.used_g * WHOLE
        elif parent.origin != "recycled":
            shares = read_feed(parent.feed)
            other += parent.used_g * (WHOLE - shares.get("recycled", 0) - shares.get(UNKNOWN, 0))
    return divide_half_even(maker.net_g * other, used) if other * PPM > mass_ppm * used else 0


class Opening(NamedTuple):
    """An opening inventory: when it was first stated, however often it was corrected since, and grams as it stands."""

    lot: str
    arrived_at: datetime
    net_g: int


def opened_late(openings: Iterable[Opening], first_dealt: str, days: int) -> list[Opening]:
    """Those that came later than so many days after the month of their plant's first dealing, the earliest first."""
    limit = month_end(first_dealt) + timedelta(days=days)
    return sorted((each for each in openings if each.arrived_at > limit), key=lambda each: (each.arrived_at, each.lot))


class Span(NamedTuple):
    """When the first move of a kind in a step took place at a plant."""

    plant: str
    kind: str
    step: str
    at: datetime


def used_early(spans: Iterable[Span]) -> list[tuple[str, datetime, datetime]]:
    """Of one lot, each plant that gave some of it away before it can have had any: plant, from when it had, and when.

    What production made may have been there from the first day of its month: only the end of its period is known.
    """
    had: dict[str, datetime] = {}
    gave: dict[str, datetime] = {}
    for plant, kind, step, at in spans:
        if KINDS[kind].sign:
            side, since = (gave, at) if KINDS[kind].sign < 0 else (had, there_from(kind, step, at))
            side[plant] = min(side.get(plant, since), since)
    return [(plant, had[plant], at) for plant, at in sorted(gave.items()) if plant in had and at < had[plant]]


def there_from(kind: str, step: str, at: datetime) -> datetime:
    """From when what a move brought may have been there."""
    return day_start(day_of(at).replace(day=1)) if is_output(kind, step) else at
