"""Offsets that were passed over, as holes or as lost: counted and told in the transaction that passes over them."""

from collections.abc import Iterable
from datetime import UTC, datetime

from monazite_consumers import register
from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.deciding import read_platform, tell
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.intake.positions import Advance, advance
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of


async def note_skips(connection: Connection, registry: Registry, steps: Iterable[Advance]) -> None:
    """Notes what the caller's steps passed over, and raises its alerts; nothing where they passed over nothing."""
    skips = [step for step in steps if step.holes or step.lost]
    if not skips:
        return
    platform = await read_platform(connection)
    changes = Changes(at=platform.instant or datetime.now(UTC))
    day = day_of(changes.at)
    rows = [
        (step.partition.topic, step.partition.partition, step.before.log_generation, day, step.holes, step.lost)
        for step in skips
    ]
    await connection.execute(statement("positions", "skip"), *transposed(rows, 6))
    changes.touched |= {AlertKey("log-holes", step.partition.topic, f"{day}") for step in skips if step.holes}
    changes.touched |= {AlertKey("log-lost", step.partition.topic, f"{day}") for step in skips if step.lost}
    await tell(connection, registry, platform, changes, ())


async def pass_over(connection: Connection, steps: Iterable[Advance]) -> None:
    """Moves positions past what holds nothing to receive, in a transaction of its own.

    Raises:
        SupersededError: somebody else has moved one of them.
    """
    moves = list(steps)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
        await advance(connection, moves)
        await note_skips(connection, await register.load(connection), moves)
