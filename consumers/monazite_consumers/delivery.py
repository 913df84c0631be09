"""What leaves the platform: outgoing messages, written to the outbox in the deciding transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement
from monazite_contracts.alerts import ReportReady
from monazite_contracts.topics import ALERTS, REPORTS

KEPT_FOR: Final = timedelta(days=7)
"""How long published messages stay in the outbox, for whoever looks into an incident."""


URGENT: Final = "urgent"
"""What the relay is told of alerts: it does not rest before them."""


class Outgoing(NamedTuple):
    """One message to publish."""

    topic: str
    key: bytes
    value: bytes


def announcement(ready: ReportReady) -> Outgoing:
    """Of one revision of a report: its topic keeps the newest of each."""
    key = f"{ready.level}/{ready.subject}/{ready.month}".encode()
    return Outgoing(REPORTS, key, ready.model_dump_json().encode())


async def put(connection: Connection, messages: Sequence[Outgoing], arrived_at: datetime | None = None) -> None:
    """Puts messages into the outbox in order, and wakes the relay at the commit. `arrived_at`: of what they answer."""
    if not messages:
        return
    topics, keys, values = zip(*messages, strict=True)
    urgency = URGENT if any(topic.startswith(ALERTS) for topic in topics) else ""
    await connection.execute(statement("outbox", "put"), list(topics), list(keys), list(values), arrived_at, urgency)
