"""Caps: drawn against granted, judged now and then."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import NamedTuple

from monazite_consumers.rules.grants import Grant, granted_g
from monazite_contracts.catalogue import CapKind


class Cap(NamedTuple):
    """The account of a holder × year × kind."""

    holder: str
    year: int
    kind: CapKind

    @property
    def subject(self) -> str:
        """As alerts name it."""
        return f"{self.holder}/{self.kind}"

    @classmethod
    def named(cls, subject: str, period: str) -> "Cap":
        """The cap that an alert's subject and period name."""
        holder, _, kind = subject.partition("/")
        return cls(holder, int(period), CapKind(kind))


@dataclass(frozen=True, slots=True)
class Overrun:
    """Drawn to a day above issued to that day: first and last such day, and the highest excess in grams."""

    first_day: date
    last_day: date
    peak_g: int


@dataclass(frozen=True, slots=True)
class CapJudgement:
    """A cap at an instant. `granted_g` None: not yet issued. `percent` in whole per cent, rounded down."""

    drawn_g: int
    original_g: int
    granted_g: int | None
    then: Overrun | None
    original_then: Overrun | None
    peak_percent: int
    """The highest whole percentage on any day since the first issue."""

    @property
    def percent(self) -> int | None:
        """Whole percentage of the granted that is drawn; None before the first issue."""
        return None if self.granted_g is None else _percent(self.drawn_g, self.granted_g)


class CapDays(NamedTuple):
    """The days of a cap on which anything was drawn, in order: grams as they stand, and as first stated."""

    days: Sequence[date] = ()
    drawn_g: Sequence[int] = ()
    original_g: Sequence[int] = ()


def judge_cap(drawn: CapDays, grants: Sequence[Grant], today: date) -> CapJudgement:
    """Judges one cap on a day: `grants` are all its grants in order, issued or to come."""
    issued = tuple(grant for grant in grants if grant.day <= today)
    then, peak_percent = judge_then(drawn.days, drawn.drawn_g, issued)
    unchanged = drawn.original_g == drawn.drawn_g
    original_then = then if unchanged else judge_then(drawn.days, drawn.original_g, issued)[0]
    return CapJudgement(
        drawn_g=sum(drawn.drawn_g),
        original_g=sum(drawn.original_g),
        granted_g=granted_g(issued, today) if issued else None,
        then=then,
        original_then=original_then,
        peak_percent=peak_percent,
    )


def judge_then(days: Sequence[date], drawn_g: Sequence[int], issued: Sequence[Grant]) -> tuple[Overrun | None, int]:
    """Whether on some day, from the first issue on, more was drawn up to it than was issued; and the peak in %.

    Judged from issue to issue: on the day of an issue, and on every day with a draw until the next.
    """
    drawn_before = [0, *accumulate(drawn_g)]
    granted, over, peak_g, peak_percent = 0, [], 0, 0
    until = [grant.day for grant in issued[1:]] + [date.max]
    for grant, next_issue in zip(issued, until, strict=False):
        granted += grant.amount_g
        first, last = bisect_right(days, grant.day), bisect_left(days, next_issue)
        if grant.day == next_issue:
            continue
        levels = drawn_before[first : last + 1]
        highest = max(levels)
        peak_percent = max(peak_percent, _percent(highest, granted))
        if highest > granted:
            over += [day for day, level in zip((grant.day, *days[first:last]), levels, strict=True) if level > granted]
            peak_g = max(peak_g, highest - granted)
    return (Overrun(over[0], over[-1], peak_g) if over else None), peak_percent


PERCENT_MAX = 1_000_000
"""Ten thousand times the cap and more; also stands for a draw against a cap that was cut to nothing."""


def _percent(drawn_g: int, granted_g: int) -> int:
    if granted_g <= 0:
        return PERCENT_MAX if drawn_g > 0 else 0
    return min(drawn_g * 100 // granted_g, PERCENT_MAX)


def cap_conditions(judgement: CapJudgement) -> frozenset[str]:
    """The rules that hold for a cap."""
    held = set()
    if judgement.granted_g is None:
        return frozenset({"cap-not-issued"}) if judgement.drawn_g > 0 else frozenset()
    drawn, granted = judgement.drawn_g, judgement.granted_g
    if drawn > 0:
        held |= {rule for rule, percent in _THRESHOLDS.items() if drawn * 100 >= granted * percent}
    if drawn > granted:
        held.add("cap-overrun")
    if judgement.then is not None:
        held.add("cap-overrun-then")
    elif judgement.original_then is not None:
        held.add("cap-cleared-by-correction")
    return frozenset(held)


_THRESHOLDS = {"cap-80": 80, "cap-95": 95, "cap-100": 100}

CAP_RULES = (
    "cap-not-issued",
    "cap-80",
    "cap-95",
    "cap-100",
    "cap-overrun",
    "cap-overrun-then",
    "cap-cleared-by-correction",
)


def would_have_held(rule: str, judgement: CapJudgement) -> bool:
    """Whether today's facts would have raised a rule that does not hold now: it has recovered, else it is retracted."""
    if rule == "cap-not-issued":
        return judgement.drawn_g > 0
    if rule == "cap-overrun":
        return judgement.then is not None
    return rule in _THRESHOLDS and judgement.peak_percent >= _THRESHOLDS[rule]
