"""One snapshot in which everything that was received has been decided, followed and judged."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from monazite_consumers import register
from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.portions import Share, portion
from monazite_consumers.errors import NotYetError
from monazite_consumers.reports.computing import read_position
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.reports import Position

RESIDUE_MAX: Final = 1_000
"""Messages, events and doubts that are left to custody: what it takes a moment to do while decisions wait."""

PORTIONS_MAX: Final = 100
"""Of custody's work that are done while decisions wait: a residue takes a few, a doubt that raises many takes more."""

LASTS: Final = timedelta(minutes=5)
"""From when on not everything that arrived is known for so long that it counts as an outage."""

COMPUTING_LIMITS: Final = (
    "SET LOCAL statement_timeout = '30min'; SET LOCAL idle_in_transaction_session_timeout = '5min'"
)
"""In the snapshot nobody waits for us, and a month of many lots takes a while."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What it shows. `message`: the newest message that plays a part; `mark`: the newest restatement of a month."""

    registry: Registry
    position: Position
    message: int
    mark: int


async def is_nearly_caught_up(connection: Connection) -> bool:
    """Whether what is left to follow and to judge takes custody a moment only, and nothing is known to be down."""
    row = await connection.fetchrow(statement("reports", "residue"), RESIDUE_MAX)
    assert row is not None  # noqa: S101 - both rows come with the migrations
    if await connection.fetchval(statement("reports", "outage"), LASTS):
        return False
    left = row["messages"], row["restated"], row["doubts"]
    return not row["sweeps"] and all(number < RESIDUE_MAX for number in left)


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncIterator[Snapshot]:
    """A transaction that sees one state, with nothing left to judge in it.

    Decisions wait while the rest is followed and the snapshot is taken, and go on while it is read. The lock is the
    session's: it goes with it if we are paused.

    Raises:
        NotYetError: more is left to custody than takes a moment, or an outage lasts.
    """
    if not await is_nearly_caught_up(connection):
        raise NotYetError("custody is behind, or an outage lasts: what is known would be told in part only")
    await connection.execute("SELECT pg_advisory_lock($1)", REGISTRY_LOCK)
    is_locked = True
    transaction = connection.transaction(isolation="repeatable_read", readonly=True)
    try:
        registry = await _settled(connection)
        await transaction.start()
        try:
            await connection.execute(COMPUTING_LIMITS)
            platform = await read_platform(connection)  # the first statement takes the snapshot
            await connection.execute("SELECT pg_advisory_unlock($1)", REGISTRY_LOCK)
            is_locked = False
            reached = await read_position(connection, registry, platform)
            mark = await connection.fetchval(statement("reports", "mark"))
            yield Snapshot(registry, reached.position, reached.message, mark)
        finally:
            await transaction.rollback()
    finally:
        if is_locked and not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", REGISTRY_LOCK)


async def _settled(connection: Connection) -> Registry:
    """Follows and judges what is left, under the lock that excludes decisions; what was done stays done.

    Raises:
        NotYetError: it is more than was to be expected: decisions have waited long enough.
    """
    registry = await register.load(connection)
    async with connection.transaction():
        await connection.execute(statement("following", "settled"))
    for _ in range(PORTIONS_MAX):
        async with connection.transaction():
            platform = await read_platform(connection)
            platform.require_current()
            if not (await portion(connection, registry, platform, Share())).goes_on:
                return registry
    raise NotYetError(f"custody was not through after {PORTIONS_MAX} portions, and decisions are not held up longer")
