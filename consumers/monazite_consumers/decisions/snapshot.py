"""What the topic still knows after a restore, and everything told anew: under a new epoch, or to a topic made again."""

from collections.abc import AsyncIterator, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from monazite_consumers.database import Connection
from monazite_consumers.decisions.alerting import messages_of, row_of, state_of
from monazite_consumers.decisions.answers import receipts
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.deciding import Platform
from monazite_consumers.decisions.gaps import Decided, parse_ranges
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.delivery import put
from monazite_consumers.rules.alerts import AlertKey, AlertState
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.alerts import Alert
from monazite_contracts.topics import receipts_topic

CHUNK = 500


async def tell_everything(
    connection: Connection, registry: Registry, platform: Platform, topics: Collection[str] | None = None
) -> None:
    """Puts every alert and a receipt for every source into the outbox, under the lock that excludes decisions.

    With `topics` only what goes to those.
    """
    async for rows in _chunks(connection, statement("alerts", "whole")):
        states = [state_of(row, AlertKey(row["rule"], row["subject"], row["period"])) for row in rows]
        told = await messages_of(connection, states, platform.epoch, simulated=registry.simulated)
        await put(connection, [message for message in told if topics is None or message.topic in topics])
    changes = Changes(at=platform.instant or datetime.now(UTC))
    async for rows in _chunks(connection, statement("sources", "answered")):
        decided = {
            row["source"]: Decided(parse_ranges(row["decided"]))
            for row in rows
            if topics is None or receipts_topic(row["plant"]) in topics
        }
        await put(connection, await receipts(connection, registry, decided, changes, platform.epoch))


async def tell_anew(connection: Connection, epoch: int) -> None:
    """Puts what waits to be published under a new epoch: what a receipt says of its entries is said nowhere else."""
    async for rows in _chunks(connection, statement("outbox", "waiting")):
        values = [orjson.dumps(orjson.loads(row["value"]) | {"epoch": epoch}) for row in rows]
        await connection.execute(statement("outbox", "rewrite"), [row["publication"] for row in rows], values)


async def remember(connection: Connection, values: Iterable[bytes]) -> None:
    """Takes alerts that were told since the backup into the database: else nobody would ever say that they are over."""
    rows = []
    for value in values:
        alert = Alert.model_validate_json(value)
        if alert.rule in RULES:
            key = AlertKey(alert.rule, alert.subject.code, alert.period)
            rows.append(row_of(AlertState(
                key, alert.condition, alert.severity, alert.evidence, alert.percent, alert.subject.province,
                alert.raised_at, alert.changed_at, alert.revision,
            )))  # fmt: skip
    await connection.execute(statement("alerts", "add"), *transposed(rows, 12))


async def _chunks(connection: Connection, text: str) -> AsyncIterator[list[Any]]:
    chunk = []
    async for row in connection.cursor(text, prefetch=CHUNK):
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
