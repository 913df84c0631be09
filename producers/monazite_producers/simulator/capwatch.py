"""What the cap rules must have noticed of one cap, day by day, by the simulator's own reckoning."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from monazite_producers.simulator.pace import GRAMS_PER_TONNE, days_of

_THRESHOLDS = {"cap-80": 80, "cap-95": 95, "cap-100": 100}


@dataclass(frozen=True, slots=True)
class Posting:
    """Grams that came to be known on a day, drawn on an earlier or the same day.

    `corrects` marks what an amendment adds or takes: it is no part of the original statements.
    """

    known_day: date
    event_day: date
    grams: int
    corrects: bool = False


class CapHistory:
    """One cap's postings of a year."""

    def __init__(self, year: int) -> None:
        """Nothing drawn yet."""
        self._first = date(year, 1, 1)
        self._days = len(days_of(year))
        self._plain = [0] * self._days
        """Grams known on the day they were drawn: nearly all."""
        self._others: list[Posting] = []
        self.drawn_g = 0

    def post(self, posting: Posting) -> None:
        """Adds grams."""
        self.drawn_g += posting.grams
        if posting.known_day == posting.event_day and not posting.corrects:
            self._plain[self._index(posting.event_day)] += posting.grams
        else:
            self._others.append(posting)

    def judged(self, issues: Iterable[tuple[date, int]]) -> tuple[frozenset[str], frozenset[str]]:
        """The rules that held at the end of some day, and those that hold at the end of the last."""
        granted, first_issue = self._granted(issues)
        ever: set[str] = set()
        held: set[str] = set()
        known = self._known()
        rewritten = {self._index(posting.known_day) for posting in self._others}
        looked_at = rewritten | {index - 1 for index in rewritten} | {self._days - 1}
        for index in range(self._days):
            held = _now(known[index], granted[index] if index >= first_issue else None)
            if index in looked_at and index >= first_issue:
                held |= self._then(index, granted, first_issue)
            ever |= held
        return frozenset(ever), frozenset(held)

    def _granted(self, issues: Iterable[tuple[date, int]]) -> tuple[list[int], int]:
        issued = [0] * self._days
        first_issue = self._days
        for day, tonnes in issues:
            index = max(0, self._index(day))
            issued[index] += tonnes * GRAMS_PER_TONNE
            first_issue = min(first_issue, index)
        return list(accumulate(issued)), first_issue

    def _known(self) -> list[int]:
        known = list(self._plain)
        for posting in self._others:
            known[self._index(posting.known_day)] += posting.grams
        return list(accumulate(known))

    def _then(self, today: int, granted: Sequence[int], first_issue: int) -> set[str]:
        """Overruns by the day of the draw, as far as anything is known on `today`."""
        days = range(first_issue, today + 1)
        current = list(accumulate(self._drawn_by_event_day(today, corrected=True)))
        if any(current[index] > granted[index] for index in days):
            return {"cap-overrun-then"}
        original = list(accumulate(self._drawn_by_event_day(today, corrected=False)))
        if any(original[index] > granted[index] for index in days):
            return {"cap-cleared-by-correction"}
        return set()

    def _drawn_by_event_day(self, today: int, *, corrected: bool) -> list[int]:
        drawn = [*self._plain[: today + 1], *[0] * (self._days - today - 1)]
        for posting in self._others:
            if self._index(posting.known_day) <= today and (corrected or not posting.corrects):
                drawn[self._index(posting.event_day)] += posting.grams
        return drawn

    def _index(self, day: date) -> int:
        return (day - self._first).days


def _now(drawn: int, granted: int | None) -> set[str]:
    if drawn <= 0:
        return set()
    if granted is None:
        return {"cap-not-issued"}
    held = {rule for rule, percent in _THRESHOLDS.items() if drawn * 100 >= granted * percent}
    return held | {"cap-overrun"} if drawn > granted else held
