"""What the command line and the console ask of the database."""

from typing import Any

from monazite_consumers import register
from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.decisions.rebuilding import Difference, rebuild
from monazite_consumers.sql import statement


async def caps(connection: Connection) -> list[dict[str, Any]]:
    """Every cap with its holder's names; masses in grams, as integers."""
    registry = await register.load(connection)
    found = []
    for row in await connection.fetch(statement("caps", "all")):
        holder = registry.enterprises.get(row["holder"])
        found.append({**dict(row), "name": holder.name if holder else row["holder"]})
    return found


async def alerts(connection: Connection, conditions: list[str] | None, rule: str | None) -> list[dict[str, Any]]:
    """Alerts with their handling, gravest first; None does not narrow."""
    return [dict(row) for row in await connection.fetch(statement("alerts", "listed"), conditions, rule)]


async def rebuilt(connection: Connection, *, keep: bool) -> list[Difference]:
    """Rebuilds under the exclusive lock; without `keep` everything is rolled back."""
    await connection.execute(
        "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0"
    )
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", REGISTRY_LOCK)
        differences = await rebuild(connection, await register.load(connection), keep=keep)
    except BaseException:
        await transaction.rollback()
        raise
    if keep:
        await transaction.commit()
    else:
        await transaction.rollback()
    return differences
