"""Obligations: who owes the flow record of a month, by when, and how that stands (R1, R2)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.balances import Flow, by_product, stock_g
from monazite_consumers.rules.moves import Column, month_key
from monazite_consumers.rules.registry import Registry
from monazite_contracts.declarations import Declaration, FlowLine
from monazite_contracts.months import day_of, day_start, month_end
from monazite_contracts.quantities import PPM, grams

REMINDERS_DAYS: Final = (3, 1)
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
    """From when until when the platform was down or behind; `until` None: it still is."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Filing:
    """The month's declaration as it stands. `arrived_at`: when the month was first declared."""

    declaration: Declaration
    arrived_at: datetime


@dataclass(frozen=True, slots=True)
class Obligation:
    """A plant's month. `deadline`: with what an outage took from it given back."""

    plant: str
    month: str
    deadline: datetime
    excused: bool
    filing: Filing | None

    def status(self, at: datetime) -> Status:
        """How it stands at an instant."""
        if self.filing is not None:
            if self.filing.arrived_at >= self.deadline and not self.excused:
                return Status.LATE
            return Status.CONFIRMED_NIL if self.filing.declaration.nil else Status.REPORTED
        if self.excused:
            return Status.EXCUSED
        if at >= self.deadline:
            return Status.MISSING
        return Status.REMINDED if at >= self.reminded_at(max(REMINDERS_DAYS)) else Status.NOT_DUE

    def reminded_at(self, days: int) -> datetime:
        """So many days before the deadline."""
        return self.deadline - timedelta(days=days)


def statutory_deadline(month: str, registry: Registry) -> datetime:
    """The first instant at which a month's record is late: after the 10th of the next month, if that day is included.

    On a holiday or a weekend it moves to the next working day, where the settings say so.
    """
    settings = registry.settings
    first = month_end(month)
    last_day = (first + timedelta(hours=8)).date().replace(day=settings.declared_by_day)
    while settings.deadline_moves_on_holidays and registry.is_holiday(last_day):
        last_day += timedelta(days=1)
    return day_start(last_day + timedelta(days=1) if settings.deadline_day_included else last_day)


def extended(deadline: datetime, outages: Iterable[Outage], grace: timedelta) -> datetime:
    """A deadline with what outages took of the time before it given back afterwards, in time without outages.

    `grace`: how much of the time before the deadline is protected. While an outage lasts there is no deadline.
    """
    ordered = sorted(outages)
    owed = sum((_overlap(o, deadline - grace, deadline) for o in ordered), timedelta())
    end = deadline + owed
    for outage in ordered:
        if outage.since < end and (outage.until is None or outage.until > deadline):
            if outage.until is None:
                return datetime.max.replace(tzinfo=deadline.tzinfo)
            end += outage.until - max(outage.since, deadline)
    return end


def _overlap(outage: Outage, since: datetime, until: datetime) -> timedelta:
    ended = until if outage.until is None else min(outage.until, until)
    return max(timedelta(), ended - max(outage.since, since))


def owed(plant: str, month: str, registry: Registry) -> bool:
    """Whether whoever ran a plant on some day of a month had to report."""
    first = date(int(month[:4]), int(month[5:]), 1)
    day, end = first, (month_end(month) + timedelta(hours=8)).date()
    while day < end:
        enterprise = registry.operator(plant, day)
        if enterprise is not None and registry.has_duty(enterprise, day):
            return True
        day = registry.next_turn(day, end)
    return False


def owed_months(registry: Registry, after: datetime, until: datetime) -> list[str]:
    """Keys of the plants' months that ended after one instant and by another, as far as somebody owes them."""
    found: list[str] = []
    since = max(after, day_start(registry.first_duty)) if registry.first_duty is not None else until
    month = f"{day_of(since):%Y-%m}"
    while (end := month_end(month)) <= until:
        if end > after:
            found += [month_key(plant, month) for plant in registry.plants if owed(plant, month, registry)]
        month = f"{day_of(end):%Y-%m}"
    return found


def differences(
    declaration: Declaration, month: Sequence[Flow], before: Sequence[Flow], tolerance_ppm: int
) -> Iterator[Mapping[str, Any]]:
    """Line by line, what a declaration says otherwise than the plant's own events. Net grams."""
    opening, columns = stock_g(before), by_product(month)
    lines: dict[str, FlowLine] = {line.product: line for line in declaration.lines}
    for product in sorted({*lines, *columns, *(p for p, net_g in opening.items() if net_g)}):
        computed = _computed(opening.get(product, 0), columns.get(product, {}))
        line = lines.get(product)
        for name, computed_g in computed.items():
            declared_g = grams(getattr(line, f"{name}_kg")) if line is not None else 0
            if abs(declared_g - computed_g) * PPM > tolerance_ppm * max(abs(computed_g), abs(declared_g)):
                yield {"product": product, "column": name, "declared_g": declared_g, "computed_g": computed_g}


def _computed(opening_g: int, columns: Mapping[Column, int]) -> dict[str, int]:
    """A line of a flow record: what was there at go-live counts as the opening of its month."""
    found = {column.value: columns.get(column, 0) for column in Column if column is not Column.NONE}
    found["opening"] += opening_g
    found["closing"] = (
        found["opening"] + found["in"] + found["made"] - found["used"] - found["shipped"] - found["lost"]
    )  # fmt: skip
    return found
