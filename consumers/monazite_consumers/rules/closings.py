"""Which month is to be closed next, and when: after the deadline of all who owe its record."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from monazite_consumers.rules.obligations import Outage, extended, statutory_deadline
from monazite_consumers.rules.registry import Registry
from monazite_contracts.months import day_of, month_end


def due_month(
    registry: Registry, judged_at: datetime, outages: Sequence[Outage], closed: Collection[str]
) -> str | None:
    """The first month since somebody owes records that is past its deadline and not closed.

    A deadline that an outage moves moves the closing with it: nobody is reported missing who has time left.
    """
    if registry.first_duty is None:
        return None
    grace = timedelta(hours=registry.settings.outage_grace_hours)
    month = f"{registry.first_duty:%Y-%m}"
    while month in closed:
        month = following(month)
    deadline = extended(statutory_deadline(month, registry), outages, grace)
    return month if deadline <= judged_at else None


def following(month: str) -> str:
    """The calendar month after."""
    return f"{day_of(month_end(month)):%Y-%m}"
