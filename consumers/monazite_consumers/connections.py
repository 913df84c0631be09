"""Lets the Kafka client live through a connection that closes under it, and its user through the client's end.

Writing to a closed transport raises RuntimeError on uvloop. The client knows OSError only: its coordinator, fetcher and
sender end for good, and what they serve stands still. A fetcher that is closed while it waits to try a fetch again
raises that try's cancellation: whoever closed it takes it for its own, and ends without a word. And one whose partition
has no leader asks for one again as soon as nobody has answered: thousands of times a second while no broker is there.
"""

import asyncio
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaConnectionError

_clients_own: Any = AIOKafkaConnection.send
_clients_own_close: Any = Fetcher.close
_clients_own_update: Any = AIOKafkaClient._metadata_update  # noqa: SLF001 - the loop around it has no end to wrap


def endure_closed_transports() -> None:
    """Makes it an error of the connection, which the client tries again."""
    AIOKafkaConnection.send = _send


def keep_cancellations_apart() -> None:
    """Makes closing a fetcher raise a cancellation only where its caller is cancelled."""
    Fetcher.close = _close


def ask_with_pauses() -> None:
    """Makes the client wait after each time that no broker told it of its cluster."""
    AIOKafkaClient._metadata_update = _metadata_update  # noqa: SLF001 - as above


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


async def _metadata_update(client: Any, *asked: Any) -> bool:
    is_updated = bool(await _clients_own_update(client, *asked))
    if not is_updated and asyncio.current_task() is client._sync_task:  # noqa: SLF001 - others have pauses of their own
        await asyncio.sleep(client._retry_backoff)  # noqa: SLF001 - as between its other tries
    return is_updated
