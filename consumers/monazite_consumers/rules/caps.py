"""Caps: drawn against granted, judged now and then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from monazite_consumers.rules.registry import Grant, granted_g
from monazite_contracts.catalogue import CapKind


@dataclass(frozen=True, slots=True, order=True)
class Cap:
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


@dataclass(frozen=True, slots=True)
class DayDraw:
    """What was drawn on one day, as it stands and as first stated."""

    day: date
    drawn_g: int
    original_g: int


def judge_cap(days: Sequence[DayDraw], grants: Sequence[Grant], today: date) -> CapJudgement:
    """Judges one cap on a day: `days` are all its days with draws, `grants` all its grants, issued or to come."""
    issued = tuple(grant for grant in grants if grant.day <= today)
    then, peak_percent = judge_then({day.day: day.drawn_g for day in days}, issued)
    original_then, _ = judge_then({day.day: day.original_g for day in days}, issued)
    return CapJudgement(
        drawn_g=sum(day.drawn_g for day in days),
        original_g=sum(day.original_g for day in days),
        granted_g=granted_g(issued, today) if issued else None,
        then=then,
        original_then=original_then,
        peak_percent=peak_percent,
    )


def judge_then(drawn_g: Mapping[date, int], issued: Sequence[Grant]) -> tuple[Overrun | None, int]:
    """Whether on some day, from the first issue on, more was drawn up to it than was issued; and the peak in %."""
    granted_on: dict[date, int] = {}
    for grant in issued:
        granted_on[grant.day] = granted_on.get(grant.day, 0) + grant.amount_g
    first_issue = min(granted_on, default=date.max)
    drawn, granted, over, peak_percent = 0, 0, [], 0
    for day in sorted(drawn_g.keys() | granted_on.keys()):
        drawn += drawn_g.get(day, 0)
        granted += granted_on.get(day, 0)
        if day < first_issue:
            continue
        peak_percent = max(peak_percent, _percent(drawn, granted))
        if drawn > granted:
            over.append((day, drawn - granted))
    then = Overrun(over[0][0], over[-1][0], max(excess for _, excess in over)) if over else None
    return then, peak_percent


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
