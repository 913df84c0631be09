"""Lets the Kafka client live through a connection that closes under it, and its user through the client's end.

Writing to a closed transport raises RuntimeError on uvloop. The client knows OSError only: its coordinator, fetcher and
sender end for good, and what they serve stands still. A fetcher that is closed while it waits to try a fetch again
raises that try's cancellation: whoever closed it takes it for its own, and ends without a word.
"""

import asyncio
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaConnectionError

_clients_own: Any = AIOKafkaConnection.send
_clients_own_close: Any = Fetcher.close


def endure_closed_transports() -> None:
    """Makes it an error of the connection, which the client tries again."""
    AIOKafkaConnection.send = _send


def keep_cancellations_apart() -> None:
    """Makes closing a fetcher raise a cancellation only where its caller is cancelled."""
    Fetcher.close = _close


def _send(connection: Any, *request: Any, **options: Any) -> Any:
    try:
        return _clients_own(connection, *request, **options)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"the connection has closed: {error}") from error


async def _close(fetcher: Any) -> None:
    tries = set(fetcher._pending_tasks)  # noqa: SLF001 - it stops at the first that it has cancelled
    try:
        await _clients_own_close(fetcher)
    except asyncio.CancelledError:
        caller = asyncio.current_task()
        if caller is not None and caller.cancelling():
            raise
        for each in tries:
            each.cancel()
