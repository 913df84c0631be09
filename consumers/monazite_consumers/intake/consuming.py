"""The FastStream subscriber: raw records in, one durable transaction a batch, retried until the world is well."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from time import monotonic, time
from typing import Any

import asyncpg
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from monazite_consumers import metrics, register
from monazite_consumers.database import REGISTRY_LOCK, Connection, back_off
from monazite_consumers.decisions.deciding import Decision, decide_arrivals
from monazite_consumers.decisions.reading import arrival, arrived_at, read_headers
from monazite_consumers.errors import SupersededError
from monazite_consumers.health import Health
from monazite_consumers.intake.positions import Advance, Assignment, advance
from monazite_consumers.rules.envelopes import Arrival, Coordinate
from monazite_consumers.rules.registry import Registry
from monazite_consumers.settings import IntakeSettings
from monazite_contracts.topics import PLANT_TOPICS

log = logging.getLogger(__name__)

WORLD_IS_BAD = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # the driver lost its place: a session that was ended while we were paused
    OSError,
    TimeoutError,
)
"""What waiting may cure."""

FAULTS_IN_A_ROW_MAX = 5
"""Unexpected failures of one batch after which this member stops: then it is us, and somebody must look."""


PULSE_S = 1.0
KAFKA_ANSWERS_WITHIN_S = 5.0


class _Batch:
    """What one transaction decides."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[Arrival, Any]] = []
        self.events = 0
        self.ends: dict[TopicPartition, tuple[int, int]] = {}
        """Last offset and number of records of each partition."""

    def add(self, tp: TopicPartition, read: tuple[Arrival, Any]) -> None:
        """One more record."""
        self.arrivals.append(read)
        self.events += max(1, len(read[0].opened.events))
        self.ends[tp] = (read[0].coordinate.log_offset, self.ends.get(tp, (0, 0))[1] + 1)


class Intake:
    """One member of the consumer group."""

    def __init__(
        self, broker: KafkaBroker, connect: Callable[[], Any], settings: IntakeSettings, health: Health
    ) -> None:
        self.superseded = asyncio.Event()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._connect = connect
        self._connection: Connection | None = None
        self._registry = Registry()
        self._settings = settings
        self._health = health
        self.assignment = Assignment(connect, health)
        self.subscriber = broker.subscriber(
            *PLANT_TOPICS.values(),
            batch=True,
            group_id=settings.group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            max_records=settings.messages_max,
            batch_timeout_ms=settings.poll_ms,
            session_timeout_ms=int(settings.session_timeout_s * 1_000),
            heartbeat_interval_ms=int(settings.session_timeout_s * 1_000 / 3),
            listener=self.assignment,
            parser=_keep_raw,
            decoder=_raw,
        )
        self.subscriber(self._take)

    async def start(self) -> None:
        """Joins the group. The consumer exists before its first assignment, which needs it for seeking."""
        self.superseded.clear()
        starting = asyncio.create_task(self.subscriber.start())
        while self.subscriber.consumer is None and not starting.done():  # noqa: ASYNC110 - FastStream tells nobody
            await asyncio.sleep(0)
        self.assignment.drop()  # the consumer before this one may have been assigned something while it stopped
        self.assignment.consumer = self.subscriber.consumer
        await starting

    async def stop(self) -> None:
        """Leaves the group."""
        self.assignment.drop()
        self.assignment.consumer = None
        await self.subscriber.stop()
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def pulse(self) -> None:
        """Until cancelled: asks whether Kafka still answers, and places partitions that could not be placed yet."""
        while True:
            consumer = self.subscriber.consumer
            try:
                if consumer is not None:
                    await asyncio.wait_for(consumer.topics(), KAFKA_ANSWERS_WITHIN_S)
                    self._health.green("kafka")
                    await self.assignment.place()
            except (OSError, KafkaError) as error:
                self._health.red("kafka", f"{type(error).__name__}: {error}")
            await asyncio.sleep(PULSE_S)

    async def _take(self, batch: Any) -> None:
        """One poll's records, in transactions of at most so many events; returns when all are durable."""
        self._health.beat("deciding", limit_s=120)
        self.assignment.idle.clear()
        try:
            for part in self._batches(batch):
                await self._until_durable(part.arrivals, self._steps(part))
        except SupersededError as error:
            metrics.SUPERSEDED.inc()
            log.warning("giving up the assignment: %s", error)
            self.assignment.drop()  # whatever else was fetched is dropped until the group has been rejoined
            self.superseded.set()
        except Exception as error:
            # Returning would skip the batch; whoever runs this member must stop it.
            log.exception("intake stops")
            self.assignment.drop()
            self._health.red("intake", f"stopped: {error}")
            if not self.failed.done():
                self.failed.set_exception(error)
        finally:
            self.assignment.idle.set()
            self._health.rest("deciding")

    def _batches(self, records: Sequence[Any]) -> Iterator[_Batch]:
        """Transactions of at most so many events; one spans partitions, so that quiet ones share a commit."""
        by_partition: dict[TopicPartition, list[Any]] = defaultdict(list)
        for record in records:
            by_partition[TopicPartition(record.topic, record.partition)].append(record)
        batch, number = _Batch(), self.assignment.number
        for tp, found in by_partition.items():
            for record in self.assignment.accept(tp, found):
                batch.add(tp, self._read(tp, record))
                if batch.events >= self._settings.events_max:
                    yield batch
                    if self.assignment.number != number:
                        return  # assigned anew meanwhile: what is left is read again from the positions
                    batch = _Batch()
        if batch.arrivals:
            yield batch

    def _read(self, tp: TopicPartition, record: Any) -> tuple[Arrival, Any]:
        sealing = read_headers(record.headers)
        generation = self.assignment.positions[tp].log_generation
        coordinate = Coordinate(arrived_at(record.timestamp), tp.topic, tp.partition, generation, record.offset)
        return arrival(coordinate, record.key, sealing, record.value), sealing.odd

    def _steps(self, batch: _Batch) -> list[Advance]:
        return [
            Advance(tp, self.assignment.positions[tp], last + 1, received)
            for tp, (last, received) in batch.ends.items()
        ]

    async def _until_durable(self, arrivals: list[tuple[Arrival, Any]], steps: list[Advance]) -> None:
        attempt = faults = 0
        while True:
            try:
                decision = await self._decide(arrivals, steps)
            except WORLD_IS_BAD as error:
                self._health.red("database", f"{type(error).__name__}: {error}")
                metrics.RETRIES.labels("intake").inc()
                log.warning("waiting for the database: %s: %s", type(error).__name__, error)
            except asyncpg.PostgresError:
                faults += 1
                if faults >= FAULTS_IN_A_ROW_MAX:
                    raise
                log.exception("a batch failed, try %s of %s", faults, FAULTS_IN_A_ROW_MAX)
                metrics.RETRIES.labels("intake").inc()
            else:
                self._health.green("database")
                self.assignment.moved(steps)
                self._measure(arrivals, decision)
                await self._commit_for_lag_tools(steps)
                return
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
            await back_off(attempt)
            attempt += 1

    async def _decide(self, arrivals: list[tuple[Arrival, Any]], steps: list[Advance]) -> Decision:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        connection = self._connection
        began = monotonic()
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
            if await register.revision(connection) != self._registry.revision:
                self._registry = await register.load(connection)
            await advance(connection, steps)
            decision = await decide_arrivals(connection, self._registry, arrivals)
        metrics.BATCH_SECONDS.observe(monotonic() - began)
        return decision

    async def _commit_for_lag_tools(self, steps: list[Advance]) -> None:
        """Kafka's own offsets decide nothing; a failure to store them costs nothing but a tool's picture."""
        consumer = self.subscriber.consumer
        if consumer is None:
            return
        try:
            await consumer.commit({step.partition: step.next_offset for step in steps})
        except Exception as error:  # noqa: BLE001 - see above
            log.info("offsets for lag tools not stored: %s", error)
        for step in steps:
            end = consumer.highwater(step.partition)
            if end is not None:
                tp = step.partition
                metrics.LAG.labels(tp.topic, tp.partition).set(max(0, end - step.next_offset))

    def _measure(self, arrivals: list[tuple[Arrival, Any]], decision: Decision) -> None:
        now = time()
        metrics.BATCH_EVENTS.observe(sum(decision.events.values()))
        for topic, number in Counter(read.coordinate.topic for read, _ in arrivals).items():
            metrics.RECEIVED.labels(topic).inc(number)
        for outcome, number in decision.messages.items():
            metrics.DECIDED.labels(outcome).inc(number)
        for outcome, number in decision.events.items():
            metrics.EVENTS.labels(outcome).inc(number)
        for rule, number in decision.refused_by_rule.items():
            metrics.REFUSED.labels(rule).inc(number)
        latency_s = now - arrivals[-1][0].coordinate.arrived_at.timestamp()
        if 0 <= latency_s < 86_400:  # on a driven clock arrival and commit are not on one clock
            metrics.ARRIVAL_TO_DECIDED_SECONDS.observe(latency_s)


async def _keep_raw(records: Any) -> KafkaMessage:
    """A parser that touches nothing: the framework's own decodes every header, and loses what it cannot decode."""
    return KafkaMessage(raw_message=records, body=b"", consumer=_NO_CONSUMER)


async def _raw(message: Any) -> Any:
    return message.raw_message


class _NoConsumer:
    async def commit(self) -> None:
        """Nothing: positions are in the database."""

    def seek(self, partition: Any, offset: int) -> None:
        """Nothing."""


_NO_CONSUMER = _NoConsumer()
