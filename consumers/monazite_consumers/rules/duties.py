"""Who owes the flow records of which months, and when they are due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Final

from monazite_consumers.rules.entries import Deadline, Duty, Excuse, Holiday, Settings
from monazite_consumers.rules.facts import grouped
from monazite_contracts.months import first_day

_BEGIN: Final = date(2000, 1, 1)
"""Before any month that a record can be owed for."""


@dataclass(frozen=True)
class Duties:
    """All that the registry says of it."""

    declared: Sequence[Duty]
    excuses: Sequence[Excuse]
    deadlines: Sequence[Deadline]
    holidays: Sequence[Holiday]
    settings: Settings

    @cached_property
    def first_day(self) -> date | None:
        """The first day on which anybody owes a flow record."""
        return min((duty.since for duty in self.declared), default=None)

    @cached_property
    def _by_enterprise(self) -> Mapping[str, list[Duty]]:
        return grouped(self.declared, "enterprise")

    def bind(self, enterprise: str, day: date) -> bool:
        """Whether an enterprise owes monthly flow records on a day (R2)."""
        return any(duty.holds_on(day) for duty in self._by_enterprise.get(enterprise, ()))

    @cached_property
    def _excused(self) -> frozenset[tuple[str, str]]:
        return frozenset((excuse.plant, excuse.month) for excuse in self.excuses)

    def is_excused(self, plant: str, month: str) -> bool:
        """Whether a plant need not report a month."""
        return (plant, month) in self._excused

    @cached_property
    def _first_deadline(self) -> Deadline:
        """Of the months before any that is declared: as the settings have it."""
        s = self.settings
        return Deadline(
            since=_BEGIN, declared_by_day=s.declared_by_day, day_included=s.deadline_day_included,
            moves_on_holidays=s.deadline_moves_on_holidays, outage_grace_hours=s.outage_grace_hours,
        )  # fmt: skip

    def deadline(self, month: str) -> Deadline:
        """When the records of a month are due: as declared last by its first day."""
        first = first_day(month)
        return max(
            (each for each in self.deadlines if each.since <= first),
            key=attrgetter("since"),
            default=self._first_deadline,
        )

    @cached_property
    def outage_grace_max(self) -> timedelta:
        """How much of the time before any deadline is given back at most."""
        found = (self._first_deadline, *self.deadlines)
        return timedelta(hours=max(each.outage_grace_hours for each in found))

    @cached_property
    def _days_off(self) -> Mapping[date, bool]:
        return {holiday.day: not holiday.working for holiday in self.holidays}

    def is_holiday(self, day: date) -> bool:
        """Whether nobody works on a day: a declared holiday, or a weekend that no declared working day replaces."""
        declared = self._days_off.get(day)
        return declared if declared is not None else day.isoweekday() > 5
