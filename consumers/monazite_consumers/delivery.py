"""What leaves the platform: outgoing messages, written to the outbox in the deciding transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement


class Outgoing(NamedTuple):
    """One message to publish."""

    topic: str
    key: bytes
    value: bytes


async def put(connection: Connection, messages: Sequence[Outgoing], arrived_at: datetime | None = None) -> None:
    """Puts messages into the outbox in order, and wakes the relay at the commit. `arrived_at`: of what they answer."""
    if not messages:
        return
    topics, keys, values = zip(*messages, strict=True)
    await connection.execute(statement("outbox", "put"), list(topics), list(keys), list(values), arrived_at)
    await connection.execute(statement("outbox", "wake"))
