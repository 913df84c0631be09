"""The Kafka client on uvloop: a connection that closes under it is an error that it tries again."""

import asyncio
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from monazite_consumers import connections


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AIOKafkaConnection, "send", connections._clients_own)


async def _write_to_a_closed_transport() -> Any:
    """What the client says when it writes to a peer that has gone, at the worst moment."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.read()
    writer.transport.abort()
    await asyncio.sleep(0.05)
    connection = AIOKafkaConnection("127.0.0.1", port)
    connection._read_task = asyncio.create_task(asyncio.sleep(60))
    connection._reader, connection._writer, connection._versions = reader, writer, {3: (0, 1)}
    try:
        return connection.send(MetadataRequest([]))
    except (RuntimeError, KafkaConnectionError) as error:
        return error
    finally:
        server.close()


def test_without_it_the_client_meets_an_error_that_it_does_not_know() -> None:
    assert isinstance(uvloop.run(_write_to_a_closed_transport()), RuntimeError)


def test_a_closed_transport_is_a_broken_connection() -> None:
    connections.endure_closed_transports()
    assert isinstance(uvloop.run(_write_to_a_closed_transport()), KafkaConnectionError)
