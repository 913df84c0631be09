"""The relay: reads what is not yet marked, publishes it in order, marks what the broker has acknowledged."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final

from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from monazite_consumers import metrics, register
from monazite_consumers.database import DATABASE_ERRORS, RELAY_LOCK, Connection, back_off
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.delivery import KEPT_FOR, URGENT, Outgoing
from monazite_consumers.errors import MonaziteError
from monazite_consumers.health import Health
from monazite_consumers.locks import held, while_held
from monazite_consumers.relay import control, replacing, restoring
from monazite_consumers.relay.fencing import ANSWERS_WITHIN_S, FencedProducer
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.sql import statement
from monazite_consumers.topics import ensure, names
from monazite_contracts.control import RelayControl
from monazite_contracts.topics import TOPICS

log = logging.getLogger(__name__)

ROWS_MAX: Final = 1_000
BYTES_MAX: Final = 4 * 1024 * 1024
"""Of one pass, give or take its last message: what waits is bounded by neither time nor size."""

IDLE_S = 0.5
"""How long the relay sleeps without being woken: shorter than the lock session's limit by far."""

RESTS: Final = 3
REST_S_MAX: Final = 0.2
"""After a pass the relay rests for three times as long, or until there is an alert. Each pass costs the broker a marker
in every partition that it wrote to: receipts that gather meanwhile go with the next one."""

COUNT_EVERY_S = 5.0
"""How often what waits is counted while it does not fit into one pass."""

FORGET_EVERY_S = 600.0

LOOK_EVERY_S = 5.0
"""How often the relay looks whether its topics are still what they were: nobody would tell it, nor their readers."""


class Relay:
    """Publishes while it holds the relay's lock; waits in line otherwise."""

    def __init__(self, database_url: str, kafka: KafkaSettings, health: Health) -> None:
        self._database_url = database_url
        self._kafka = kafka
        self._health = health
        self._woken, self._hurried = asyncio.Event(), asyncio.Event()
        self._topics: set[str] = set()
        self._topics_of_revision = -1
        self._last: RelayControl | None = None
        self._one_by_one = False
        """While a message is looked for that the broker does not take."""
        self._is_full = False
        """Whether more waits than went into the last pass: an alert may be behind it."""
        self._unparked = False
        self._failures = 0
        self._forgot_at = -FORGET_EVERY_S
        self._counted_at = -COUNT_EVERY_S
        self._looked_at = -LOOK_EVERY_S

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
        await connection.add_listener("monazite_outbox", self._notified)
        self._topics, self._topics_of_revision = set(), -1
        await self._count(connection)  # also while the broker is away
        if not self._unparked:
            await connection.execute(statement("outbox", "unpark"))
            self._unparked = True
        async with FencedProducer(self._kafka) as producer:
            await self._ensure_topics(connection, await register.revision(connection), set())
            self._looked_at = -LOOK_EVERY_S
            self._last = await while_held(connection, control.newest(self._kafka))
            while True:
                self._woken.clear()
                self._hurried.clear()
                began = monotonic()
                await self._look_at_topics(connection, producer)
                published = await self._pass(connection, producer)
                self._failures = 0
                self._health.beat("relay", limit_s=30)
                if not published:
                    await self._forget(connection)
                    if not await _until(self._woken, IDLE_S):
                        # An idle relay notices too when the broker is gone.
                        async with asyncio.timeout(ANSWERS_WITHIN_S):
                            await producer.client.fetch_all_metadata()
                elif not self._is_full:
                    await _until(self._hurried, min(RESTS * (monotonic() - began), REST_S_MAX))

    def _notified(self, _connection: object, _pid: int, _channel: str, urgency: object) -> None:
        self._woken.set()
        if urgency == URGENT:
            self._hurried.set()

    async def _look_at_topics(self, connection: Connection, producer: FencedProducer) -> None:
        """A topic that is gone is made again; one that was made again is told everything."""
        if monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        ids = await replacing.look(connection, producer.client, self._topics)
        if len(ids) < len(replacing.written_to(self._topics)):
            self._topics_of_revision = -1
            await self._ensure_topics(connection, await register.revision(connection), set(self._topics))
            ids = await replacing.look(connection, producer.client, self._topics)
        await replacing.settle(connection, self._kafka, ids)
        self._looked_at = monotonic()

    async def _forget(self, connection: Connection) -> None:
        """What was published long ago is on the topic; the outbox need not keep it too."""
        if monotonic() - self._forgot_at > FORGET_EVERY_S:
            last = self._last.publication if self._last else 0
            await connection.execute(statement("outbox", "forget"), datetime.now(UTC) - KEPT_FOR, last)
            self._forgot_at = monotonic()

    async def _pass(self, connection: Connection, producer: FencedProducer) -> int:
        found = await restoring.standing(connection, self._last)
        if restoring.is_restored(found, self._last):
            assert self._last is not None  # noqa: S101 - against what else
            await restoring.begin_epoch(connection, self._kafka, self._last)
            return 1
        if found.awaits:
            self._health.red("relay", f"{restoring.complaint(found)}")
            return 0
        if found.awaited_digest is not None:
            await restoring.reopen(connection)
            return 1
        self._health.green("relay")
        return await self._publish(connection, producer, found)

    async def _publish(self, connection: Connection, producer: FencedProducer, found: restoring.Standing) -> int:
        rows_max = 1 if self._one_by_one else ROWS_MAX
        rows = await connection.fetch(statement("outbox", "unpublished"), rows_max, BYTES_MAX)
        self._is_full = len(rows) == rows_max or sum(len(row["value"]) for row in rows) >= BYTES_MAX
        if not self._one_by_one:
            await self._gauge(connection, rows)
        await self._ensure_topics(connection, found.revision, {row["topic"] for row in rows})
        last = _control(rows, found, self._last)
        if last is None or (not rows and last == self._last):
            self._one_by_one = False
            return 0
        try:
            # Marked first: into a database that cannot be written to, nothing would be published again and again.
            async with connection.transaction():
                await connection.execute(statement("outbox", "mark"), [row["publication"] for row in rows])
                messages = [Outgoing(row["topic"], row["key"], row["value"]) for row in rows]
                await _send(producer, [*messages, control.message(last)])
        except MessageSizeTooLargeError:
            await self._park(connection, rows)
            raise
        self._last = last
        metrics.OUTBOX_DEPTH.dec(len(rows))
        _measure(rows)
        return len(rows)

    async def _park(self, connection: Connection, rows: Sequence[Any]) -> None:
        """Finds the message that the broker does not take, one by one, and sets it aside: others do not wait for it."""
        self._one_by_one = len(rows) > 1
        if self._one_by_one:
            return
        (row,) = rows
        await connection.execute(statement("outbox", "park"), row["publication"])
        metrics.PARKED.inc()
        complaint = (
            f"the broker does not take publication {row['publication']} to {row['topic']}, {len(row['value'])} bytes: "
            "raise the topic's max.message.bytes and start the relay again"
        )
        self._health.red("parked", complaint)
        log.error("%s", complaint)

    async def _ensure_topics(self, connection: Connection, revision: int, wanted: set[str]) -> None:
        """Receipts and provinces come with the registry; a plant that has left it may still be told something."""
        if revision == self._topics_of_revision and wanted <= self._topics:
            return
        platform = await read_platform(connection)
        registry = await register.load(connection)
        ensuring = ensure(self._kafka, registry, driven=platform.instant is not None, also=wanted)
        created = await while_held(connection, ensuring)
        self._topics |= wanted.union(*(names(topic, registry) for topic in TOPICS))
        if created:
            log.info("created %s topics", len(created))
        self._topics_of_revision = revision

    async def _gauge(self, connection: Connection, rows: Sequence[Any]) -> None:
        """How much waits, and since when. Only what does not fit into one pass must be counted."""
        if self._is_full:
            if monotonic() - self._counted_at > COUNT_EVERY_S:
                await self._count(connection)
            return
        metrics.OUTBOX_DEPTH.set(len(rows))
        metrics.OUTBOX_AGE_SECONDS.set(_age_s(rows[0]["written_at"] if rows else None))

    async def _count(self, connection: Connection) -> None:
        (waiting,) = await connection.fetch(statement("outbox", "depth"))
        metrics.OUTBOX_DEPTH.set(waiting["messages"])
        metrics.OUTBOX_AGE_SECONDS.set(_age_s(waiting["oldest_at"]))
        self._counted_at = monotonic()


async def _until(event: asyncio.Event, limit_s: float) -> bool:
    """Whether it happened within so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            return await event.wait()
    return False


def _age_s(written_at: datetime | None) -> float:
    return 0.0 if written_at is None else (datetime.now(UTC) - written_at).total_seconds()


def _control(rows: Sequence[Any], found: restoring.Standing, last: RelayControl | None) -> RelayControl | None:
    """What to note with a pass: its last publication, or a registry that is in force since."""
    digest = found.digest.hex() if found.digest else None
    if rows:
        number, written_at = rows[-1]["publication"], rows[-1]["written_at"]
    elif last is not None and last.epoch == found.epoch:
        number, written_at = last.publication, last.written_at
    else:
        return last
    return RelayControl(
        type="monazite.relay-control.v1",
        epoch=found.epoch,
        publication=number,
        registry_digest=digest,
        written_at=written_at,
        outage_revision=found.outage_revision,
    )


async def _send(producer: FencedProducer, messages: Sequence[Outgoing]) -> None:
    await producer.publish(messages)


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
