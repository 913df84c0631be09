"""Tells everything anew under a new epoch: every alert in its whole state, and where each source stands."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import orjson

from monazite_consumers.database import Connection
from monazite_consumers.decisions.alerting import messages_of, state_of
from monazite_consumers.decisions.answers import receipts
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.deciding import Platform
from monazite_consumers.decisions.gaps import Decided, parse_ranges
from monazite_consumers.delivery import put
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement

CHUNK = 500


async def tell_everything(connection: Connection, registry: Registry, platform: Platform) -> None:
    """Puts every alert and a receipt for every source into the outbox, under the lock that excludes decisions."""
    async for rows in _chunks(connection, statement("alerts", "whole")):
        states = [state_of(row, AlertKey(row["rule"], row["subject"], row["period"])) for row in rows]
        await put(connection, await messages_of(connection, states, platform.epoch, simulated=registry.simulated))
    changes = Changes(at=platform.instant or datetime.now(UTC))
    async for rows in _chunks(connection, statement("sources", "answered")):
        decided = {row["source"]: Decided(parse_ranges(row["decided"])) for row in rows}
        await put(connection, await receipts(connection, registry, decided, changes, platform.epoch))


async def tell_anew(connection: Connection, epoch: int) -> None:
    """Puts what waits to be published under a new epoch: what a receipt says of its entries is said nowhere else."""
    async for rows in _chunks(connection, statement("outbox", "waiting")):
        values = [orjson.dumps(orjson.loads(row["value"]) | {"epoch": epoch}) for row in rows]
        await connection.execute(statement("outbox", "rewrite"), [row["publication"] for row in rows], values)


async def _chunks(connection: Connection, text: str) -> AsyncIterator[list[Any]]:
    chunk = []
    async for row in connection.cursor(text, prefetch=CHUNK):
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
