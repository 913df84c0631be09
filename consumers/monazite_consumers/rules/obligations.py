"""Obligations: who owes the flow record of a month, by when, and how that stands (R1, R2)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.balances import UNKNOWN, Flow, Range, by_product, stock_g
from monazite_consumers.rules.keys import month_key
from monazite_consumers.rules.moves import Column
from monazite_consumers.rules.registry import Registry
from monazite_contracts.declarations import Declaration, DeclaredFlow
from monazite_contracts.months import day_of, day_start, first_day, month_end, months_over
from monazite_contracts.quantities import PPM, grams, kilograms

REMINDERS_DAYS: Final = (3, 1)
WORDED_MAX: Final = 3
"""Differences that fit into a receipt's sentence."""
ESCALATED_AFTER: Final = timedelta(days=5)


class Status(StrEnum):
    """How an obligation stands at an instant."""

    NOT_DUE = "not due"
    REMINDED = "reminded"
    REPORTED = "reported"
    CONFIRMED_NIL = "confirmed nil"
    LATE = "late"
    MISSING = "missing"
    EXCUSED = "excused"


class Outage(NamedTuple):
    """From when until when the platform was down or behind."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Filing:
    """The month's declaration as it stands. `place`: of the event that says so.

    `arrived_at`: of the statement, however often it was corrected since; of several statements the first one's.
    """

    declaration: Declaration
    arrived_at: datetime
    place: tuple[int, int]


class Unfiled(NamedTuple):
    """What came as a declaration of the month and is none: it was refused, or awaits."""

    outcome: str
    rule: str
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Obligation:
    """A plant's month. `due_at`: by law. `deadline`: with what outages took from it given back.

    `owing`: the enterprises that ran the plant while they had the duty, in their order: the last one owes.
    """

    plant: str
    month: str
    owing: tuple[str, ...]
    due_at: datetime
    deadline: datetime
    excused: bool
    filing: Filing | None
    unfiled: tuple[Unfiled, ...] = ()
    unfiled_count: int = 0
    set_aside_at: datetime | None = None
    """When something came on which our own code raised: it is with us, and no deadline passes from then on."""

    @property
    def debtor(self) -> str:
        """Who owes the record: a plant changes hands with its books."""
        return self.owing[-1]

    def status(self, at: datetime) -> Status:
        """How it stands at an instant."""
        if self.filing is not None:
            if self.filing.arrived_at >= self.deadline and not self.excused:
                return Status.LATE
            return Status.CONFIRMED_NIL if self.filing.declaration.nil else Status.REPORTED
        if self.excused:
            return Status.EXCUSED
        if at >= self.deadline and self.passes(self.deadline):
            return Status.MISSING
        return Status.REMINDED if at >= self.reminded_at(max(REMINDERS_DAYS)) else Status.NOT_DUE

    def passes(self, deadline: datetime) -> bool:
        """Whether a deadline passes when it comes: it does unless what came by then is with us."""
        return self.set_aside_at is None or self.set_aside_at >= deadline

    def reminded_at(self, days: int) -> datetime:
        """So many days before it is due; what an outage gives back takes no reminder away."""
        return self.due_at - timedelta(days=days)


def statutory_deadline(month: str, registry: Registry) -> datetime:
    """The first instant at which a month's record is late: after the 10th of the next month, if that day is included.

    On a holiday or a weekend it moves to the next working day, where the registry says so for the month.
    """
    terms = registry.duties.deadline(month)
    last_day = day_of(month_end(month)).replace(day=terms.declared_by_day)
    while terms.moves_on_holidays and registry.duties.is_holiday(last_day):
        last_day += timedelta(days=1)
    return day_start(last_day + timedelta(days=1) if terms.day_included else last_day)


def extended(deadline: datetime, outages: Iterable[Outage], grace: timedelta) -> datetime:
    """A deadline with what outages took of the time before it given back afterwards, in time without outages.

    `grace`: how much of the time before the deadline is protected.
    """
    ordered = _merged(outages)
    owed = sum((_overlap(o, deadline - grace, deadline) for o in ordered), timedelta())
    end = deadline + owed
    for outage in ordered:
        if outage.since < end and outage.until > deadline:
            end += outage.until - max(outage.since, deadline)
    return end


def _merged(outages: Iterable[Outage]) -> list[Outage]:
    """In their order, each instant once."""
    found: list[Outage] = []
    for outage in sorted(outages):
        if found and outage.since <= found[-1].until:
            found[-1] = Outage(found[-1].since, max(found[-1].until, outage.until))
        else:
            found.append(outage)
    return found


def _overlap(outage: Outage, since: datetime, until: datetime) -> timedelta:
    return max(timedelta(), min(outage.until, until) - max(outage.since, since))


def deadline_of(month: str, outages: Iterable[Outage], registry: Registry) -> datetime:
    """A month's deadline with what outages took from it given back."""
    grace = timedelta(hours=registry.duties.deadline(month).outage_grace_hours)
    return extended(statutory_deadline(month, registry), outages, grace)


def moved_by(outage: Outage, others: Sequence[Outage], registry: Registry) -> list[str]:
    """Keys of the months of all plants that ended by an outage's end and whose deadline it moves.

    Whoever owes nothing: what is said of its balance waits for the deadline too.
    """
    return [
        month_key(plant, each.month) for each in moved_months(outage, others, registry) for plant in registry.plants
    ]


class Moved(NamedTuple):
    """A month whose deadline an outage has moved: from one instant to another."""

    month: str
    before: datetime
    deadline: datetime


def moved_months(outage: Outage, others: Sequence[Outage], registry: Registry) -> list[Moved]:
    """The months that ended by an outage's end and whose deadline it moves, beside others."""
    found = [
        Moved(month, deadline_of(month, others, registry), deadline_of(month, [*others, outage], registry))
        for month in _months_near(outage, others)
    ]
    return [each for each in found if each.before != each.deadline]


def covers_deadline(outage: Outage, others: Sequence[Outage], registry: Registry) -> bool:
    """Whether some month's deadline falls within an outage."""
    ends = (deadline_of(month, others, registry) for month in _months_near(outage, others))
    return any(outage.since < end <= outage.until for end in ends)


def _months_near(outage: Outage, others: Sequence[Outage]) -> Iterator[str]:
    """The months that ended by its end, but for those whose deadlines lie before every outage."""
    since = min(each.since for each in (outage, *others)) - _DUE_WITHIN
    return months_over(day_of(since), outage.until)


_DUE_WITHIN: Final = timedelta(days=100)
"""From a month's first instant to its deadline, holidays and all."""


def owing(plant: str, month: str, registry: Registry) -> tuple[str, ...]:
    """The enterprises that ran a plant on some day of a month on which they had to report, in their order.

    The record is one a plant: whoever ran it last owes it. A plant changes hands with its books.
    """
    found: dict[str, None] = {}
    day, end = first_day(month), day_of(month_end(month))
    while day < end:
        enterprise = registry.operator(plant, day)
        if enterprise is not None and registry.duties.bind(enterprise, day):
            found.pop(enterprise, None)  # who comes back is the last again
            found[enterprise] = None
        day = registry.next_turn(day, end)
    return tuple(found)


def owed_months(registry: Registry, after: datetime, until: datetime) -> list[str]:
    """Keys of the plants' months that ended after one instant and by another, as far as somebody owes them."""
    return [
        month_key(plant, month)
        for month in _months(registry, after, until)
        for plant in registry.plants
        if owing(plant, month, registry)
    ]


def _months(registry: Registry, after: datetime, until: datetime) -> Iterator[str]:
    """The months that ended after one instant and by another, from the first on that anybody owes."""
    first = registry.duties.first_day
    since = max(after, day_start(first)) if first is not None else until
    return (month for month in months_over(day_of(since), until) if month_end(month) > after)


def differences(
    declaration: Declaration, month: Sequence[Flow], before: Sequence[Flow], tolerance_ppm: int
) -> Iterator[Mapping[str, Any]]:
    """Line by line, what a declaration says otherwise than the plant's own events. Net grams.

    What nobody knows the product of may be of any: a plant answers for what it states, not for a lot that another took
    back.
    """
    opening, columns = stock_g(before), by_product(month)
    unknown = _computed(opening.get(UNKNOWN, 0), columns.get(UNKNOWN, {}))
    lines: dict[str, DeclaredFlow] = {line.product: line for line in declaration.lines}
    for product in sorted({*lines, *columns, *(p for p, net_g in opening.items() if net_g)} - {UNKNOWN}):
        computed = _computed(opening.get(product, 0), columns.get(product, {}))
        line = lines.get(product)
        for name, known_g in computed.items():
            declared_g = grams(getattr(line, f"{name}_kg")) if line is not None else 0
            computed_g = Range(known_g, known_g).or_any_of(Range(unknown[name], unknown[name])).nearest(declared_g)
            if abs(declared_g - computed_g) * PPM > tolerance_ppm * max(abs(computed_g), abs(declared_g)):
                yield {"product": product, "column": name, "declared_g": declared_g, "computed_g": computed_g}


def wording(declaration: Declaration, lines: Sequence[Mapping[str, Any]], count: int) -> tuple[str, str]:
    """Differences for a receipt: the path of the first one's field, and as many as fit in words."""
    first, places = lines[0], [line.product for line in declaration.lines]
    known = first["product"] in places
    path = f"data.lines.{places.index(first['product'])}.{first['column']}_kg" if known else "data.lines"
    named = [
        f"{line['product']} {line['column']}: declared {kilograms(line['declared_g'])} kg,"
        f" by events {kilograms(line['computed_g'])} kg"
        for line in lines[:WORDED_MAX]
    ]
    more = [f"and {count - len(named)} more"] if count > len(named) else []
    return path, "; ".join([*named, *more]) + "."


def _computed(opening_g: int, columns: Mapping[Column, int]) -> dict[str, int]:
    """A line of a flow record: what was there at go-live counts as the opening of its month."""
    found = {column.value: columns.get(column, 0) for column in Column if column is not Column.NONE}
    found["opening"] += opening_g
    found["closing"] = (
        found["opening"] + found["in"] + found["made"] - found["used"] - found["shipped"] - found["lost"]
    )  # fmt: skip
    return found
