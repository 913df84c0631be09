"""Which months are to be closed, and when: after the deadline of all who owe their records."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from itertools import islice

from monazite_consumers.rules.obligations import Outage, deadline_of, owing
from monazite_consumers.rules.registry import Registry
from monazite_contracts.months import first_day


def is_due(month: str, registry: Registry, judged_at: datetime, outages: Sequence[Outage]) -> bool:
    """Whether a month is to be closed by now, if anything is to be told of it.

    A deadline that an outage moves moves the closing with it: nobody is reported missing who has time left.
    """
    return deadline_of(month, outages, registry) <= judged_at


def is_owed(month: str, registry: Registry) -> bool:
    """Whether anybody owes a record of a month."""
    return any(owing(plant, month, registry) for plant in registry.plants)


def to_compare(marked: Iterable[str], closed: Collection[str]) -> list[str]:
    """The closed months that are to be compared for what was restated: each itself, or the first that rests on it."""
    later = ((month for month in sorted(closed) if month >= each) for each in marked)
    return sorted({month for months in later for month in islice(months, 1)})


def waiting(marked: Iterable[str], closed: Collection[str]) -> list[str]:
    """The closed months that wait: those that are to be compared, and all that rest on them."""
    first = min(marked, default=None)
    return [month for month in sorted(closed) if first is not None and month >= first]


def neighbours(month: str, closed: Collection[str]) -> tuple[date, date | None]:
    """The first days of the closed months before and after; what is restated between is told by the later one."""
    before = max((each for each in closed if each < month), default=None)
    after = min((each for each in closed if each > month), default=None)
    return first_day(before) if before else date.min, first_day(after) if after else None
