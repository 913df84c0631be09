"""The FastStream subscriber: raw records in, one durable transaction a batch, retried until the world is well."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from time import monotonic, time
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from monazite_consumers import metrics, register
from monazite_consumers.database import REGISTRY_LOCK, TOO_MUCH, WORLD_IS_BAD, Connection, back_off
from monazite_consumers.decisions.deciding import Decision, decide_arrivals
from monazite_consumers.decisions.parking import park
from monazite_consumers.errors import DoubtedError, FaultError, SupersededError
from monazite_consumers.health import Health
from monazite_consumers.intake.assignment import KAFKA_ANSWERS_WITHIN_S, Assignment
from monazite_consumers.intake.batches import Batch, Fetched, Reading, accepted
from monazite_consumers.intake.logs import READER
from monazite_consumers.intake.positions import Advance, advance
from monazite_consumers.intake.progress import Progress
from monazite_consumers.intake.raw import keep_raw, raw
from monazite_consumers.intake.records import install_reader, others_first
from monazite_consumers.intake.seals import Seals
from monazite_consumers.intake.skipping import note_skips
from monazite_consumers.patience import Patience
from monazite_consumers.rules.envelopes import Arrival, Proof
from monazite_consumers.rules.registry import Registry
from monazite_consumers.settings import IntakeSettings
from monazite_contracts.topics import PARTITIONS, PLANT_TOPICS

log = logging.getLogger(__name__)

PULSE_S = 1.0

FETCH_WAITS_MS = 50
"""How long the broker holds a request for which it has nothing. Meanwhile no other is sent, also not for partitions
that had records left when it was: they stand still."""

WORLD = frozenset({"kafka", "database", "assignment"})
"""Checks that say why nothing is fetched; what else is wrong need not stop a client."""

FETCHES_WITHIN_S = 20.0
"""How long messages may wait while Kafka answers, everything else is well, and the client brings none of them."""

DECIDES_WITHIN_S = 30.0
"""One transaction; a database behind a network that swallows everything says nothing at all."""

FEW = 32
"""Messages of which intake checks the seals itself: nobody else would be sooner."""

_Deciding = Callable[[Connection, Registry, Sequence[tuple[Arrival, Any]]], Awaitable[Decision]]


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
        self._patience = Patience()
        self.seals = Seals()
        self._settings = settings
        self._health = health
        self.assignment = Assignment(connect, lambda: self.subscriber.builder(**READER), health)
        self._asked = self.assignment.ask(())
        """About the records in hand."""
        self._progress = Progress(self.assignment)
        self._moved_at = monotonic()
        """When messages last came, or none was waiting."""
        install_reader()
        self.subscriber = broker.subscriber(
            *PLANT_TOPICS.values(),
            batch=True,
            group_id=settings.group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            # What is sealed counts, whatever became of the transaction around it; and one that hangs stops nobody.
            isolation_level="read_uncommitted",
            max_records=settings.messages_max,
            batch_timeout_ms=settings.poll_ms,
            fetch_max_wait_ms=FETCH_WAITS_MS,
            session_timeout_ms=int(settings.session_timeout_s * 1_000),
            heartbeat_interval_ms=int(settings.session_timeout_s * 1_000 / 3),
            listener=self.assignment,
            parser=keep_raw,
            decoder=raw,
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
        self._moved_at = monotonic()
        self._health.green("fetching")

    async def stop(self) -> None:
        """Leaves the group."""
        self.assignment.drop()
        self.assignment.consumer = None
        await self.subscriber.stop()
        self._hang_up()

    async def pulse(self) -> None:
        """Until cancelled: asks whether Kafka still answers, places partitions that could not be placed, shows lag."""
        while True:
            consumer = self.subscriber.consumer
            self.assignment.doubted.clear()  # or who cannot look, for Kafka is away, would try again without a pause
            try:
                if consumer is not None:
                    async with asyncio.timeout(KAFKA_ANSWERS_WITHIN_S):
                        self._miss(set(await consumer.topics()), consumer)
                    self._health.green("kafka")
                    await self.assignment.tend()
                    async with asyncio.timeout(KAFKA_ANSWERS_WITHIN_S):
                        self._notice_stall(await self._progress.show(consumer))
            except (OSError, KafkaError) as error:
                self._health.red("kafka", f"{type(error).__name__}: {error}")
            with suppress(TimeoutError):
                async with asyncio.timeout(PULSE_S):
                    await self.assignment.doubted.wait()

    def _miss(self, present: set[str], consumer: AIOKafkaConsumer) -> None:
        """A topic that is gone is assigned to nobody, and nobody else would notice; nor one of another shape."""
        missing = sorted(set(PLANT_TOPICS.values()) - present)
        odd = [
            f"{topic} has {len(found)} partitions where {PARTITIONS[topic]} are due: delete it, a service makes it"
            for topic in sorted(set(PLANT_TOPICS.values()) & present)
            if (found := consumer.partitions_for_topic(topic)) and len(found) != PARTITIONS[topic]
        ]
        if missing:
            self._health.red("topics", f"the broker has no {', '.join(missing)}: a service that starts creates it")
        elif odd:
            self._health.red("topics", "; ".join(odd))
        else:
            self._health.green("topics")

    def _notice_stall(self, waiting: int) -> None:
        """A client that brings nothing although messages wait, and says nothing about it, is started anew."""
        if not waiting or self._health.is_red(WORLD) or not self.assignment.idle.is_set():
            self._moved_at = monotonic()
        elif monotonic() - self._moved_at > FETCHES_WITHIN_S:
            complaint = (
                f"{waiting} messages wait and none came for {FETCHES_WITHIN_S:g} s: the consumer is started anew"
            )
            metrics.STALLED.inc()
            log.error("%s", complaint)
            self._health.red("fetching", complaint)
            self._moved_at = monotonic()
            self.assignment.drop()
            self.superseded.set()

    async def _take(self, batch: Any) -> None:
        """One poll's records, in transactions of so many events or bytes; returns when all are durable."""
        self.assignment.idle.clear()
        self._moved_at = monotonic()
        self._health.green("fetching")
        try:
            partitions = {TopicPartition(read.topic, read.partition) for read in batch}
            if self.subscriber.consumer is not None:
                others_first(self.subscriber.consumer, partitions)
            self._asked = self.assignment.ask(partitions)
            while self._asked.number == self.assignment.number:  # else: read again from the positions
                with suppress(DoubtedError):
                    await self._decide_all(accepted(self.assignment, self._asked, batch))
                    break
                await self.assignment.sift(self._asked)
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
            if self._connection is not None and not self._connection.is_closed():
                self._health.green("database")  # however it ended, it was not for want of one
            self.seals.forget()
            self.assignment.idle.set()
            self._health.rest("deciding")

    async def _decide_all(self, records: Sequence[Fetched]) -> None:
        """One batch after the other; the next one is read while PostgreSQL works on this one."""
        number, limits = self.assignment.number, (self._settings.events_max, self._settings.bytes_max)
        if len(records) >= FEW:
            self.seals.check(self._sealed(records))
        reading = Reading(records, *limits)
        batch = await reading.batch()
        while batch is not None and self.assignment.number == number:  # else: read again from the positions
            reading.stand_back()
            deciding = partial(decide_arrivals, on_settled=reading.go_on, proven=self.seals.proven)
            following = asyncio.ensure_future(reading.batch())
            try:
                await self._until_durable(batch, deciding)
            finally:
                reading.go_on()
                batch = await following

    def _sealed(self, records: Iterable[Fetched]) -> Iterator[Proof]:
        """Seals by keys that are known."""
        keys = self._registry.sealing_keys
        for record, _, (key_id, seal, _) in records:
            key = keys.get(key_id or "")
            if key is not None and seal is not None and record.value is not None:
                yield key.public, seal, record.value

    def _steps(self, batch: Batch) -> list[Advance]:
        """Raises DoubtedError where a partition is not placed any more."""
        if batch.ends.keys() - self.assignment.positions.keys():
            raise DoubtedError
        return [
            Advance(tp, self.assignment.positions[tp], last + 1, received)
            for tp, (last, received) in batch.ends.items()
        ]

    async def _until_durable(self, batch: Batch, deciding: _Deciding = decide_arrivals) -> None:
        """Waits while the world is bad; what takes too long for a statement is halved meanwhile.

        What fails by our own fault is halved until one message is left: it is parked.

        Raises:
            FaultError: faults exceed the rate, or what failed cannot even be parked.
        """
        steps, number, attempt, faults = self._steps(batch), self.assignment.number, 0, 0
        while True:
            self._health.beat("deciding", DECIDES_WITHIN_S)
            try:
                decision = await self._decide(batch.arrivals, steps, park if faults > 1 else deciding)
            except WORLD_IS_BAD as error:
                self._health.red("database", f"{type(error).__name__}: {error}")
                metrics.RETRIES.labels("intake").inc()
                log.warning("waiting for the database: %s: %s", type(error).__name__, error)
                self._hang_up()
                await back_off(attempt)
                if isinstance(error, TOO_MUCH) and len(batch.arrivals) > 1:
                    await self._in_halves(batch, number)  # waiting alone may never cure it
                    return
                attempt += 1
            except FaultError as error:
                metrics.RETRIES.labels("intake").inc()
                self._hang_up()
                if len(batch.arrivals) > 1:
                    await self._in_halves(batch, number)
                    return
                faults += 1  # what does not fail again on a fresh connection was no fault of the message
                if faults > 2 or (faults == 2 and not self._patience.endures()):
                    raise
                log.exception("fault %s at %s", faults, batch.arrivals[0][0].coordinate, exc_info=error.__cause__)
            else:
                self._health.green("database")
                self.assignment.moved(steps)
                self._patience.decided(len(batch.arrivals))
                self._measure(batch.arrivals, decision)
                return

    async def _in_halves(self, batch: Batch, number: int) -> None:
        for half in batch.halves():
            if self.assignment.number != number:
                return  # assigned anew meanwhile: what is left is read again from the positions
            await self._until_durable(half)

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def _decide(
        self, arrivals: list[tuple[Arrival, Any]], steps: list[Advance], deciding: _Deciding = decide_arrivals
    ) -> Decision:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        connection = self._connection
        began = monotonic()
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
            if await register.revision(connection) != self._registry.revision:
                self._registry = await register.load(connection)
            await advance(connection, steps)
            try:
                decision = await deciding(connection, self._registry, arrivals)
            except WORLD_IS_BAD:
                raise
            except Exception as fault:
                raise FaultError from fault
            await note_skips(connection, self._registry, steps)
            await self.assignment.confirm(self._asked, steps)
        metrics.BATCH_SECONDS.observe(monotonic() - began)
        return decision

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
