"""A mine whose enterprise owes the flow record of May 2023, and what is alerted of that."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from custody_talk import the_chain
from regulator_desk import MINE, Desk, Json

from monazite_consumers.rules.entries import Duty

DEADLINE = datetime(2023, 6, 10, 16, tzinfo=UTC)
"""Of May 2023: the end of 10 June in Asia/Shanghai."""

INSTANT = timedelta(microseconds=1)
DAY = timedelta(days=1)
DUE = ["declaration-due-3", "declaration-due-1", "declaration-missing", "declaration-escalated"]


async def declare(desk: Desk, *more: Any, since: date = date(2023, 5, 1)) -> None:
    """The chain, in which the mine's enterprise owes flow records."""
    await desk.declare(the_chain(("duties", Duty(enterprise="shihe", since=since, basis="R2")), *more))


def due(alerts: dict[tuple[str, str, str], Json]) -> list[str]:
    """Which rules speak of the mine's May, from the first reminder to the last word."""
    return [rule for rule in DUE if (rule, MINE, "2023-05") in alerts]
