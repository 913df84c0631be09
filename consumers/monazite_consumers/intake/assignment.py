"""Which partitions this member reads, and from where: placed on assignment, and again whenever the log surprises."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from monazite_consumers.database import DATABASE_ERRORS, Connection, retry_wait_s
from monazite_consumers.errors import DoubtedError, SupersededError
from monazite_consumers.health import Health
from monazite_consumers.intake.logs import MakeReader, log_starts, look, reading
from monazite_consumers.intake.positions import Advance, lasts, read
from monazite_consumers.intake.skipping import pass_over
from monazite_consumers.rules.positions import Log, Position, Replaced, Standing, stand
from monazite_consumers.sql import statement
from monazite_consumers.stamps import Stamp, stamps

log = logging.getLogger(__name__)

REVOKE_WAIT_S = 5.0
"""How long a rebalance waits for the transaction under way: else the successor's first one would find it moved."""

KAFKA_ANSWERS_WITHIN_S = 5.0
CONFIRMS_WITHIN_S = 0.5
"""How long an open transaction waits for Kafka's answer; longer ones are waited for without one."""

PLACES_WITHIN_S = 30.0
"""A database or a log behind a network that swallows everything says nothing at all, for longer."""


@dataclass(slots=True)
class Asked:
    """Partitions whose records are in hand, under which assignment, and what Kafka says of their logs since."""

    number: int
    partitions: set[TopicPartition]
    stamps: asyncio.Task[Mapping[TopicPartition, Stamp]]


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Seeks to the stored positions whenever partitions are assigned, and knows them until they are revoked.

    `number` counts assignments: what was fetched under an earlier one is not to be decided under a later one. A
    partition without a position here is paused; each is placed by looking at its log, and stays away while that log
    is not the one that was being read.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], make_reader: MakeReader, health: Health) -> None:
        self.consumer: AIOKafkaConsumer | None = None
        self.positions: dict[TopicPartition, Position] = {}
        self.number = 0
        self.idle = asyncio.Event()
        """Set while no transaction is under way."""
        self.idle.set()
        self.stopped: dict[TopicPartition, int] = {}
        """Messages that wait in logs that nobody has adopted."""
        self.doubted = asyncio.Event()
        """Set when a partition is to be placed again."""
        self._stamps: dict[TopicPartition, Stamp] = {}
        """Of the log in which each partition was placed."""
        self._unplaced: set[TopicPartition] = set()
        self._placing = asyncio.Lock()
        self._attempts, self._try_at = 0, 0.0
        self._gone_on: dict[TopicPartition, tuple[int, int]] = {}
        self._connect = connect
        self._seen: Connection | None = None
        """Open since the database was last found to know all that was decided here."""
        self._make_reader = make_reader
        self._health = health

    def drop(self) -> None:
        """Forgets everything: whatever else was fetched is not decided until partitions are assigned again."""
        self.number += 1
        if self._seen is not None:
            self._seen.terminate()
            self._seen = None
        for tp in [*self.positions, *self._unplaced]:
            self._forget(tp)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Forgets them, and lets the transaction under way end; one that takes longer finds out at its commit."""
        self.number += 1
        for tp in revoked:
            self._forget(tp)
        with suppress(TimeoutError):
            async with asyncio.timeout(REVOKE_WAIT_S):
                await self.idle.wait()

    def _forget(self, tp: TopicPartition) -> None:
        self.positions.pop(tp, None)
        self._stamps.pop(tp, None)
        self._unplaced.discard(tp)
        self.stopped.pop(tp, None)
        self._health.forget(_check(tp))

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Goes on where the last committed transaction left off."""
        self.number += 1
        for tp in assigned:
            self._doubt(tp)
        await self.place()

    def _doubt(self, tp: TopicPartition) -> None:
        """Reads no further before its log has been looked at."""
        if self.consumer is not None and tp in self.consumer.assignment():
            self.consumer.pause(tp)
        self.positions.pop(tp, None)
        self._unplaced.add(tp)
        self._attempts, self._try_at = 0, 0.0
        self.doubted.set()

    def ask(self, partitions: Iterable[TopicPartition]) -> Asked:
        """Asks from which logs Kafka serves now; what it says holds for the records that are in hand already."""
        asked = {tp for tp in partitions if tp in self.positions}
        return Asked(self.number, asked, asyncio.create_task(self._ask(asked)))

    async def _ask(self, partitions: Iterable[TopicPartition]) -> Mapping[TopicPartition, Stamp]:
        if self.consumer is None:
            return {}
        try:
            async with asyncio.timeout(KAFKA_ANSWERS_WITHIN_S):
                return await stamps(self.consumer, partitions)
        except (OSError, KafkaError) as error:
            log.info("read again, for nobody says from which log it came: %s: %s", type(error).__name__, error)
            return {}

    async def confirm(self, asked: Asked, steps: Iterable[Advance]) -> None:
        """Nothing that is in hand may be committed before. Waits but a moment: a transaction is open.

        Raises:
            DoubtedError: Kafka has not answered yet, or partitions have been assigned anew, or what these steps lead
                on from is not what was asked about, or is no more what it was.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRMS_WITHIN_S):
                await asyncio.shield(asked.stamps)
        if not asked.stamps.done() or await self.sift(asked) or asked.number != self.number:
            raise DoubtedError
        if any(s.partition not in asked.partitions or self.positions.get(s.partition) != s.before for s in steps):
            raise DoubtedError

    async def sift(self, asked: Asked) -> bool:
        """Doubts partitions whose log is no longer the one in which they were placed, or cannot be told; if any.

        They are asked about no longer, so that nothing of theirs that is in hand is ever decided.
        """
        seen = await asked.stamps
        if asked.number != self.number:
            return False
        doubted = {tp for tp in asked.partitions if seen.get(tp) != self._stamps.get(tp)}
        asked.partitions -= doubted
        for tp in doubted:
            self._doubt(tp)
        return bool(doubted)

    def accept(self, tp: TopicPartition, records: Sequence[Any]) -> Sequence[Any]:
        """The records that are next. Anything but the next offset is not believed before the log was looked at."""
        position = self.positions.get(tp)
        if position is None:
            return []
        fresh = [record for record in records if record.offset >= position.next_offset]
        if fresh and fresh[0].offset == position.next_offset:
            return fresh
        self._doubt(tp)
        return []

    def generation(self, tp: TopicPartition) -> int:
        """Which generation of its log a partition is read from; 0 while it is nobody's here."""
        position = self.positions.get(tp)
        return position.log_generation if position is not None else 0

    def moved(self, steps: Iterable[Advance]) -> None:
        """The transaction has committed."""
        for step in steps:
            if step.partition in self.positions:
                self.positions[step.partition] = step.after

    async def tend(self) -> None:
        """Notices what no record will ever show, and places what is not placed."""
        consumer = self.consumer
        if consumer is None:
            return
        for tp, position in list(self.positions.items()):
            if tp not in consumer.assignment():
                return  # it is being assigned anew
            await self._notice(consumer, tp, position)
        await self._notice_restore()
        await self.place()

    async def _notice(self, consumer: AIOKafkaConsumer, tp: TopicPartition, position: Position) -> None:
        """Doubts a partition where the consumer went elsewhere a while ago, and no record came: markers, a reset."""
        async with asyncio.timeout(KAFKA_ANSWERS_WITHIN_S):
            reached = await consumer.position(tp)
        seen = (position.next_offset, reached)
        if not self.idle.is_set() or self.positions.get(tp) != position or reached == position.next_offset:
            self._gone_on.pop(tp, None)
        elif self._gone_on.get(tp) == seen:
            self._doubt(tp)
        else:
            self._gone_on[tp] = seen

    async def _notice_restore(self) -> None:
        """Doubts what a database that was away no longer knows: it was restored, and a quiet partition says nothing."""
        if self._seen is not None and not self._seen.is_closed():
            return
        decided = dict(self.positions)
        try:
            connection = await self._connect()
            stored = await read(connection, decided)
        except DATABASE_ERRORS as error:
            self._health.red("assignment", f"{type(error).__name__}: {error}")
            return
        self._health.green("assignment")
        if not self.idle.is_set():  # whatever is under way finds out by itself, or this does in a moment
            connection.terminate()
            return
        self._seen = connection
        for tp, position in decided.items():
            if self.positions.get(tp) == position and (tp not in stored or astuple(stored[tp]) < astuple(position)):
                log.warning("%s was read to %s, which the database does not know", tp, position.next_offset)
                self._doubt(tp)

    async def place(self) -> None:
        """Looks at the logs of partitions that have no place yet; the database or Kafka may be away for a while."""
        async with self._placing:
            consumer, number = self.consumer, self.number
            if consumer is None or monotonic() < self._try_at:
                return
            partitions = self._unplaced & consumer.assignment()
            if not partitions:
                return
            self._health.beat("placing", PLACES_WITHIN_S)
            try:
                await self._look_and_place(consumer, partitions, number)
            except SupersededError as error:
                log.info("placed again: %s", error)
            except (*DATABASE_ERRORS, KafkaError) as error:
                self._health.red("assignment", f"{type(error).__name__}: {error}")
                log.warning("partitions cannot be placed yet: %s: %s", type(error).__name__, error)
            else:
                self._health.green("assignment")
            finally:
                self._health.rest("placing")
            if self._unplaced:
                self._try_at = monotonic() + retry_wait_s(self._attempts)
                self._attempts += 1

    async def _look_and_place(self, consumer: AIOKafkaConsumer, partitions: set[TopicPartition], number: int) -> None:
        connection = await self._connect()
        try:
            # Before the look: a log that takes its place after that has another stamp.
            found_stamps = await stamps(consumer, partitions)
            async with reading(self._make_reader) as reader:
                starts = await log_starts(reader, partitions)
                for tp, start in starts.items():
                    await connection.execute(statement("positions", "open"), tp.topic, tp.partition, start)
                positions = await read(connection, partitions)
                logs = await look(reader, starts, positions, await lasts(connection, positions))
            found = {tp: stand(position, logs[tp]) for tp, position in positions.items()}
            steps = [
                Advance(tp, positions[tp], standing.next_offset, received=0, lost=standing.lost)
                for tp, standing in found.items()
                if standing.lost or standing.holes
            ]
            if steps:
                log.warning("passed over: %s", steps)
                await pass_over(connection, steps)
        finally:
            connection.terminate()
        if number != self.number or not partitions <= consumer.assignment():
            return  # revoked meanwhile: these are somebody else's now
        self._stamps |= found_stamps
        for tp, standing in found.items():
            self._settle(consumer, tp, positions[tp], standing, logs[tp])

    def _settle(
        self, consumer: AIOKafkaConsumer, tp: TopicPartition, position: Position, standing: Standing, seen: Log
    ) -> None:
        if standing.replaced is not None:
            self._stop(tp, why(tp, position, seen, standing.replaced))
            self.stopped[tp] = seen.end - seen.start
            return
        self._unplaced.discard(tp)
        self._gone_on.pop(tp, None)
        self.stopped.pop(tp, None)
        self._health.green(_check(tp))
        self.positions[tp] = Position(position.log_generation, standing.next_offset)
        consumer.seek(tp, standing.next_offset)
        consumer.resume(tp)

    def _stop(self, tp: TopicPartition, detail: str) -> None:
        """Until the log is adopted, or is again what it was; looked at with bounded backoff."""
        known = self._health.checks.get(_check(tp))
        if known is None or known.detail != detail:
            log.error("%s", detail)
        self._health.red(_check(tp), detail)


def why(tp: TopicPartition, position: Position, seen: Log, replaced: Replaced) -> str:
    """What is wrong with a partition's log, and what to do."""
    found = (
        f"its position {position.next_offset} lies above the log's end {seen.end}: the topic was recreated, or the"
        " broker lost records"
        if replaced == "position-above-end"
        else f"the log holds another record at offset {seen.kept.log_offset if seen.kept else '?'} than the one that"
        " was read there: the topic was recreated, or the broker lost records"
    )
    return (
        f"{tp.topic} {tp.partition} stands still: {found}. Find out which; then"
        f" `monazite intake adopt {tp.topic} {tp.partition} --by YOU` goes on at the log's start {seen.start}."
    )


def _check(tp: TopicPartition) -> str:
    return f"position {tp.topic}-{tp.partition}"
