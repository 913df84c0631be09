"""The relay: reads what is not yet marked, publishes it in order, marks what the broker has acknowledged."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from monazite_consumers import metrics, register
from monazite_consumers.database import DATABASE_ERRORS, RELAY_LOCK, Connection, back_off
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.errors import MonaziteError
from monazite_consumers.health import Health
from monazite_consumers.locks import held
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.sql import statement
from monazite_consumers.topics import ensure

log = logging.getLogger(__name__)

BATCH = 1_000
IDLE_S = 0.5
"""How long the relay sleeps without being woken: shorter than the lock session's limit by far."""

SEND_TIMEOUT_MS = 5_000
"""Shorter than the lock session's idle limit, so that a paused relay's leftovers expire before a successor starts."""

KEPT_FOR = timedelta(days=7)
"""How long published messages stay in the outbox, for whoever looks into an incident."""

FORGET_EVERY_S = 600.0


class Relay:
    """Publishes while it holds the relay's lock; waits in line otherwise."""

    def __init__(self, database_url: str, kafka: KafkaSettings, health: Health) -> None:
        self._database_url = database_url
        self._kafka = kafka
        self._health = health
        self._woken = asyncio.Event()
        self._topics_of_revision = -1
        self._failures = 0
        self._forgot_at = -FORGET_EVERY_S

    async def run(self) -> None:
        """Until cancelled. Whatever the world does, it waits and tries again."""
        while True:
            try:
                async with held(self._database_url, RELAY_LOCK, "relay", self._health) as connection:
                    await self._publish_while_held(connection)
            except (*DATABASE_ERRORS, KafkaError, MonaziteError) as error:
                self._health.red("relay", f"{type(error).__name__}: {error}")
                metrics.RETRIES.labels("relay").inc()
                log.warning("relay waits: %s: %s", type(error).__name__, error)
            await back_off(self._failures)
            self._failures += 1

    async def _publish_while_held(self, connection: Connection) -> None:
        await connection.add_listener("monazite_outbox", lambda *_: self._woken.set())
        self._topics_of_revision = -1
        # Not idempotent: aiokafka never lets an idempotent message expire, so one from before an outage would be sent
        # behind a successor's newer one. Subscribers ignore what comes twice, and one request a partition keeps order.
        async with AIOKafkaProducer(
            bootstrap_servers=self._kafka.bootstrap, acks="all", request_timeout_ms=SEND_TIMEOUT_MS
        ) as producer:
            while True:
                self._woken.clear()
                await self._ensure_topics(connection)
                published = await self._pass(connection, producer)
                self._failures = 0
                self._health.green("relay")
                self._health.beat("relay", limit_s=30)
                if not published:
                    # An idle relay notices too when the broker is gone.
                    await asyncio.wait_for(producer.client.fetch_all_metadata(), SEND_TIMEOUT_MS / 1_000)
                    await self._forget(connection)
                    await self._idle()

    async def _forget(self, connection: Connection) -> None:
        """What was published long ago is on the topic; the outbox need not keep it too."""
        if monotonic() - self._forgot_at > FORGET_EVERY_S:
            await connection.execute(statement("outbox", "forget"), datetime.now(UTC) - KEPT_FOR)
            self._forgot_at = monotonic()

    async def _idle(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), IDLE_S)

    async def _ensure_topics(self, connection: Connection) -> None:
        """Receipts and provinces come with the registry."""
        revision = await register.revision(connection)
        if revision != self._topics_of_revision:
            platform = await read_platform(connection)
            registry = await register.load(connection)
            created = await ensure(self._kafka, registry, driven=platform.instant is not None)
            if created:
                log.info("created %s topics", len(created))
            self._topics_of_revision = revision

    async def _pass(self, connection: Connection, producer: AIOKafkaProducer) -> int:
        rows = await connection.fetch(statement("outbox", "unpublished"), BATCH)
        metrics.OUTBOX_DEPTH.set(len(rows))
        metrics.OUTBOX_AGE_SECONDS.set((datetime.now(UTC) - rows[0]["written_at"]).total_seconds() if rows else 0)
        if not rows:
            return 0
        await _send(producer, rows)
        await connection.execute(statement("outbox", "mark"), [row["publication"] for row in rows])
        _measure(rows)
        return len(rows)


async def _send(producer: AIOKafkaProducer, rows: Sequence[Any]) -> None:
    acknowledgements = [await producer.send(row["topic"], value=row["value"], key=row["key"]) for row in rows]
    await producer.flush()
    await asyncio.gather(*acknowledgements)


def _measure(rows: Sequence[Any]) -> None:
    now = datetime.now(UTC)
    for row in rows:
        kind = (
            "receipt" if row["topic"].startswith("receipts-") else row["topic"].removeprefix("regulator-").split("-")[0]
        )
        metrics.PUBLISHED.labels(kind).inc()
        metrics.DECIDED_TO_PUBLISHED_SECONDS.labels(kind).observe((now - row["written_at"]).total_seconds())
        if row["arrived_at"] is not None:
            metrics.ARRIVAL_TO_PUBLISHED_SECONDS.labels(kind).observe((now - row["arrived_at"]).total_seconds())
