"""Publishes sealed envelopes to Kafka: idempotent, in order per gateway, acknowledged in bulk."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Literal, Self

from aiokafka import AIOKafkaProducer

from monazite_contracts.partitioner import partition_of

BATCH_BYTES: Final = 256 * 1024
"""Small against the broker's 1 MiB, large enough for a few hundred quiet envelopes; a full one travels alone."""

IN_FLIGHT_MAX: Final = 5_000
"""Messages whose acknowledgement is open at one time: bounds the memory, never the rate."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish. `at` becomes its record timestamp where the gateway's clock is driven."""

    topic: str
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Where the broker put a message, and the record's timestamp: on a plant's topic, its arrival."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


@dataclass(frozen=True)
class PublisherSettings:
    """How to reach the broker.

    `driven_clock`: stamp each record with its `at`; else the producer stamps, and a `LogAppendTime` topic overrules it.
    `compression`: gzip is all that the light installation has (lz4 and zstd need cramjam). It pays on a plant's thin
    line and costs CPU on one machine, hence none by default.
    """

    bootstrap: str
    client_id: str = "monazite-gateway"
    driven_clock: bool = False
    compression: Literal["gzip"] | None = None
    request_timeout: timedelta = timedelta(seconds=40)
    security: dict[str, Any] = field(default_factory=dict)
    """Further keyword arguments of aiokafka's producer: TLS, SASL."""


class Publisher:
    """An idempotent producer as an async context manager.

    `acks=all` and idempotence make a retry land once and in order; one record key per gateway keeps its order.
    """

    def __init__(self, settings: PublisherSettings) -> None:
        """Opens nothing; entering the context does."""
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def __aenter__(self) -> Self:
        """Connects; raises aiokafka's KafkaConnectionError when no broker answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.bootstrap,
            client_id=self._settings.client_id,
            acks="all",
            enable_idempotence=True,
            compression_type=self._settings.compression,
            max_batch_size=BATCH_BYTES,
            linger_ms=0,  # batches fill while a request is under way; 5 ms made a run of small calls 10 times slower
            request_timeout_ms=int(self._settings.request_timeout / timedelta(milliseconds=1)),
            partitioner=partition_for,
            **self._settings.security,
        )
        await producer.start()
        self._producer = producer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Sends what is queued, then closes."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    async def publish(self, messages: Iterable[Outgoing]) -> list[Acknowledged]:
        """Publishes in the given order and returns when the broker holds all of them on all in-sync replicas.

        Raises:
            KafkaError: of the first message that the broker did not take; what came before it in its partition
                is there.
        """
        acknowledged: list[Acknowledged] = []
        pending: list[asyncio.Future[Any]] = []
        for message in messages:
            pending.append(await self._send(message))
            if len(pending) >= IN_FLIGHT_MAX:
                acknowledged += await _acknowledgements(pending)
                pending = []
        return acknowledged + await _acknowledgements(pending)

    async def _send(self, message: Outgoing) -> "asyncio.Future[Any]":
        if self._producer is None:
            raise RuntimeError("publish only inside `async with Publisher(...)`")
        timestamp_ms = (message.at - _EPOCH) // timedelta(milliseconds=1) if self._settings.driven_clock else None
        future: asyncio.Future[Any] = await self._producer.send(
            message.topic,
            value=message.value,
            key=message.key,
            timestamp_ms=timestamp_ms,
            headers=list(message.headers),
        )
        return future


def partition_for(key: bytes | None, partitions: list[int], available: list[int]) -> int:
    """The partition of a record key as Java's default partitioner chooses it; `partitions` sorted by number.

    `available` is what the client passes besides; a key's partition never depends on who is up.
    """
    del available
    if key is None:
        raise ValueError("every message has a record key: a gateway's order depends on it")
    return partitions[partition_of(key, len(partitions))]


async def _acknowledgements(pending: "list[asyncio.Future[Any]]") -> list[Acknowledged]:
    records = await asyncio.gather(*pending, return_exceptions=True)
    acknowledged: list[Acknowledged] = []
    for record in records:
        if isinstance(record, BaseException):
            raise record
        acknowledged.append(Acknowledged(record.topic, record.partition, record.offset, record.timestamp))
    return acknowledged
