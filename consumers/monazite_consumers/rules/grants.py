"""Grants: what a cap was issued, day by day."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from monazite_contracts.catalogue import CapKind

CapKey = tuple[str, int, CapKind]
"""(holder, year, kind)."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a cap is granted on a day of issue, in grams; a cut is negative."""

    day: date
    amount_g: int


def granted_g(grants: tuple[Grant, ...], day: date) -> int:
    """Grams issued up to and including a day."""
    count = bisect_right(grants, day, key=lambda grant: grant.day)
    return sum(grant.amount_g for grant in grants[:count])


def by_day(grants: Mapping[CapKey, list[Grant]]) -> Mapping[CapKey, tuple[Grant, ...]]:
    """One grant a day and cap, in order; what nets to nothing on a day is left out, unless it was the first issue."""
    netted: dict[CapKey, tuple[Grant, ...]] = {}
    for cap, found in grants.items():
        days: dict[date, int] = defaultdict(int)
        for grant in sorted(found, key=lambda g: g.day):
            days[grant.day] += grant.amount_g
        first = min(days)
        netted[cap] = tuple(Grant(day, amount_g) for day, amount_g in days.items() if amount_g or day == first)
    return netted
