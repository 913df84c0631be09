"""Whose turn it is to be closed: of the months that are over, the first open one of which there is anything to tell."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from monazite_consumers import register
from monazite_consumers.database import Connection
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.errors import NotYetError
from monazite_consumers.rules.closings import is_due, is_owed
from monazite_consumers.rules.obligations import Outage
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import first_day, month_end, months_over
from monazite_contracts.times import INSTANT_MIN


async def closed_months(connection: Connection) -> dict[str, datetime]:
    """The months that are closed, and as of when each was compared last with what was reported."""
    found = await connection.fetch(statement("reports", "closed"))
    return {f"{row['month']:%Y-%m}": row["compared_at"] for row in found}


async def due_month(
    connection: Connection, registry: Registry, closed: Collection[str], judged_at: datetime
) -> str | None:
    """The first month since somebody has to report that is past its deadline, open, and owed or told of."""
    rows = await connection.fetch(statement("outages", "since"), datetime(2000, 1, 1, tzinfo=UTC))
    outages = [Outage(row["since"], row["until"]) for row in rows]
    due = (m for m in months_over(registry.duties.first_day, judged_at) if is_due(m, registry, judged_at, outages))
    return await _first(connection, registry, closed, due)


async def require_turn(connection: Connection, month: str) -> None:
    """Refuses a month of which nobody is to have a report now: a report that is out stays out.

    Raises:
        NotYetError: it is closed already, has not ended, or others are to be closed before it.
    """
    registry, judged_at = await register.load(connection), (await read_platform(connection)).judged_at
    require_ended(judged_at, month)
    closed = await closed_months(connection)
    if month in closed:
        raise NotYetError(f"{month} is closed already")
    told_since = await connection.fetchval(statement("reports", "first_told"))
    turns = [await _first(connection, registry, closed, months_over(since, judged_at))
             for since in (registry.duties.first_day, told_since)]  # fmt: skip
    if month not in turns:
        others = " or ".join(sorted({each for each in turns if each is not None}))
        which = f"the next month to close is {others}" if others else "no month that is over is left to close"
        raise NotYetError(
            f"it is not the turn of {month}: {which}. A month that is closed stays closed, and what comes later makes"
            f" further revisions; if {month} is meant all the same, say --out-of-turn"
        )


def require_ended(judged_at: datetime, month: str) -> None:
    """Refuses a month that is not over.

    Raises:
        NotYetError: with the instant at which the platform stands.
    """
    if judged_at < month_end(month):
        raise NotYetError(f"{month} has not ended: {stands_at(judged_at)}")


def stands_at(judged_at: datetime) -> str:
    """Until when the platform has judged."""
    if judged_at <= INSTANT_MIN:
        return "nothing has been received yet"
    return f"the platform has judged until {judged_at.isoformat()}"


async def _first(
    connection: Connection, registry: Registry, closed: Collection[str], months: Iterable[str]
) -> str | None:
    for month in months:
        if month not in closed and await _is_something(connection, registry, month):
            return month
    return None


async def _is_something(connection: Connection, registry: Registry, month: str) -> bool:
    """Whether there is anything to tell of a month: somebody owes its record, or has stated something of it."""
    asked = list(registry.plants), first_day(month), month
    return is_owed(month, registry) or bool(await connection.fetchval(statement("reports", "is_told"), *asked))
