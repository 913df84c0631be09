"""What leaves the platform: outgoing messages, written to the outbox in the deciding transaction."""

from collections.abc import Sequence
from typing import NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement


class Outgoing(NamedTuple):
    """One message to publish."""

    topic: str
    key: bytes
    value: bytes


async def put(connection: Connection, messages: Sequence[Outgoing]) -> None:
    """Puts messages into the outbox in order, and wakes the relay at the commit."""
    if not messages:
        return
    topics, keys, values = zip(*messages, strict=True)
    await connection.execute(statement("outbox", "put"), list(topics), list(keys), list(values))
    await connection.execute(statement("outbox", "wake"))
