"""How fast a holder draws: through the year's seasons, and never faster than batches were issued."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import accumulate, pairwise
from typing import Final

GRAMS_PER_TONNE: Final = 1_000_000
BEFORE_A_BATCH: Final = 955
"""Thousandths of what is issued that are drawn at most on the eve of the next batch: 95 % may fire, 100 may not."""

AT_THE_END: Final = 948
"""Thousandths of the year's grants that are drawn on its last day."""

_SEASON: Final = (86, 74, 100, 104, 106, 103, 98, 96, 104, 102, 106, 104)
"""Weight of a day by month: a cold start, Spring Festival in February, summer maintenance. Assumed."""

_SUNDAY: Final = 82
"""Weight of a Sunday in hundredths. Assumed."""

Issues = Sequence[tuple[date, int]]


def days_of(year: int) -> list[date]:
    """Every day of a calendar year."""
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


def weights(year: int) -> list[int]:
    """How busy each day of a year is, against the others."""
    return [_SEASON[day.month - 1] * (_SUNDAY if day.weekday() == 6 else 100) for day in days_of(year)]


def measured_pace(issues: Issues, year: int) -> list[int]:
    """Grams REO to have drawn by the end of each day of a year, for a holder that keeps to what is issued.

    From knot to knot in proportion to the season; a knot lies on the eve of each batch that would come too late.
    """
    last = len(days_of(year)) - 1
    busy = [0, *accumulate(weights(year))]
    total = sum(tonnes for _, tonnes in issues) * GRAMS_PER_TONNE
    knots = [(-1, 0), (last, total * AT_THE_END // 1000)]
    issued = 0
    for day, tonnes in issues:
        eve = (day - date(year, 1, 1)).days - 1
        limit = issued * GRAMS_PER_TONNE * BEFORE_A_BATCH // 1000
        if issued and 0 <= eve < last and _between(knots[-2], knots[-1], busy, eve) > limit:
            knots.insert(-1, (eve, limit))
        issued += tonnes
    return _through(knots, busy)


def straight_pace(knots: Sequence[tuple[date, int]], year: int) -> list[int]:
    """Grams REO to have drawn by each day, from (day, tonnes) to (day, tonnes): for invented enterprises."""
    first = date(year, 1, 1)
    busy = list(range(len(days_of(year)) + 1))
    placed = [((day - first).days, tonnes * GRAMS_PER_TONNE) for day, tonnes in knots]
    if placed[0][0] > -1:
        placed.insert(0, (-1, 0))
    if placed[-1][0] < len(busy) - 2:
        placed.append((len(busy) - 2, placed[-1][1]))
    return _through(placed, busy)


def _through(knots: Sequence[tuple[int, int]], busy: Sequence[int]) -> list[int]:
    reached: list[int] = []
    for before, after in pairwise(knots):
        reached += [_between(before, after, busy, index) for index in range(before[0] + 1, after[0] + 1)]
    return reached


def _between(before: tuple[int, int], after: tuple[int, int], busy: Sequence[int], index: int) -> int:
    """The reading at the end of day `index` between two knots (day, grams); `busy` sums weights before each day."""
    passed = busy[index + 1] - busy[before[0] + 1]
    whole = busy[after[0] + 1] - busy[before[0] + 1]
    return before[1] + (after[1] - before[1]) * passed // whole
