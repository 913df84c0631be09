"""Lets the Kafka client live through a connection that closes under it.

Writing to a closed transport raises RuntimeError on uvloop. The client knows OSError only: its coordinator, fetcher and
sender end for good, and what they serve stands still.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_clients_own: Any = AIOKafkaConnection.send


def endure_closed_transports() -> None:
    """Makes it an error of the connection, which the client tries again."""
    AIOKafkaConnection.send = _send


def _send(connection: Any, *request: Any, **options: Any) -> Any:
    try:
        return _clients_own(connection, *request, **options)
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(f"the connection has closed: {error}") from error
