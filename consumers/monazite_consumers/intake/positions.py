"""Where this member stands in each partition: read on assignment, moved in the deciding transaction."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from monazite_consumers.database import DATABASE_ERRORS, Connection
from monazite_consumers.errors import PositionAheadOfLogError, SupersededError
from monazite_consumers.health import Health
from monazite_consumers.sql import statement

log = logging.getLogger(__name__)

REVOKE_WAIT_S = 5.0
"""How long a rebalance waits for the transaction under way: else the successor's first one would find it moved."""


@dataclass(frozen=True, slots=True)
class Position:
    """The next offset to read, in a generation of the log."""

    log_generation: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Advance:
    """One partition's step: from the position as this member knows it to after its last record."""

    partition: TopicPartition
    before: Position
    next_offset: int
    received: int


async def read(connection: Connection, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Position]:
    """The stored positions, of the newest generation of each partition."""
    wanted = list(partitions)
    rows = await connection.fetch(
        statement("positions", "read"), [tp.topic for tp in wanted], [tp.partition for tp in wanted]
    )
    found: dict[TopicPartition, Position] = {}
    for row in rows:
        found.setdefault(
            TopicPartition(row["topic"], row["partition"]), Position(row["log_generation"], row["next_offset"])
        )
    return found


async def advance(connection: Connection, steps: Iterable[Advance]) -> None:
    """Moves positions in the caller's transaction.

    Raises:
        SupersededError: a successor has moved one of them; the caller rolls back.
    """
    for step in sorted(steps, key=lambda s: (s.partition.topic, s.partition.partition)):
        tp = step.partition
        done = await connection.execute(
            statement("positions", "advance"),
            tp.topic,
            tp.partition,
            step.before.log_generation,
            step.before.next_offset,
            step.next_offset,
            step.received,
        )
        if done != "UPDATE 1":
            raise SupersededError(f"{tp.topic}-{tp.partition} is no longer at {step.before.next_offset}")


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Seeks to the stored positions whenever partitions are assigned, and knows them until they are revoked.

    `number` counts assignments: what was fetched under an earlier one is not to be decided under a later one.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], health: Health) -> None:
        self.consumer: AIOKafkaConsumer | None = None
        self.positions: dict[TopicPartition, Position] = {}
        self.number = 0
        self.idle = asyncio.Event()
        """Set while no transaction is under way."""
        self.idle.set()
        self._unplaced: set[TopicPartition] = set()
        self._placing = asyncio.Lock()
        self._confirmed: dict[TopicPartition, int] = {}
        self._connect = connect
        self._health = health

    def drop(self) -> None:
        """Forgets everything: whatever else was fetched is not decided until partitions are assigned again."""
        self.number += 1
        self.positions.clear()
        self._unplaced.clear()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Forgets them, and lets the transaction under way end; one that takes longer finds out at its commit."""
        self.number += 1
        for tp in revoked:
            self.positions.pop(tp, None)
            self._unplaced.discard(tp)
            self._health.forget(_check(tp))
        with suppress(TimeoutError):
            await asyncio.wait_for(self.idle.wait(), REVOKE_WAIT_S)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Goes on where the last committed transaction left off."""
        self.number += 1
        self._unplaced = set(assigned)
        await self.place()

    async def place(self) -> None:
        """Seeks where that has not been possible yet; the database or Kafka may be away for a while."""
        async with self._placing:
            consumer, number = self.consumer, self.number
            if consumer is None:
                return
            partitions = self._unplaced & consumer.assignment()
            if not partitions:
                return
            try:
                connection = await self._connect()
                try:
                    await self._seek_all(connection, consumer, partitions, number)
                finally:
                    connection.terminate()
            except (*DATABASE_ERRORS, KafkaError) as error:
                self._health.red("assignment", f"{type(error).__name__}: {error}")
                log.warning("positions cannot be read yet: %s: %s", type(error).__name__, error)
            else:
                self._health.green("assignment")

    async def _seek_all(
        self, connection: Connection, consumer: AIOKafkaConsumer, partitions: set[TopicPartition], number: int
    ) -> None:
        starts = await consumer.beginning_offsets(list(partitions))
        for tp, start in starts.items():
            await connection.execute(statement("positions", "open"), tp.topic, tp.partition, start)
        positions = await read(connection, partitions)
        # After the positions: a predecessor may still commit, but never beyond an end that was asked for later.
        ends = await consumer.end_offsets(list(partitions))
        if number != self.number or not partitions <= consumer.assignment():
            return  # revoked meanwhile: these are somebody else's now
        self._unplaced -= partitions
        for tp, position in positions.items():
            name = _check(tp)
            if position.next_offset > ends[tp]:
                consumer.pause(tp)
                self._health.red(
                    name, f"{PositionAheadOfLogError.__doc__} Position {position.next_offset}, end {ends[tp]}."
                )
                log.error("%s stops: position %s, log end %s", name, position.next_offset, ends[tp])
                continue
            self._health.green(name)
            self.positions[tp] = position
            consumer.seek(tp, max(position.next_offset, starts[tp]))

    def accept(self, tp: TopicPartition, records: Sequence[Any]) -> Sequence[Any]:
        """The records that are next: stale ones are dropped, and what skips offsets must say so twice.

        A fetch that was under way at the assignment can begin anywhere; a hole in the log is still there when it is
        fetched again from the position.
        """
        position = self.positions.get(tp)
        if position is None:
            return []
        fresh = [record for record in records if record.offset >= position.next_offset]
        if not fresh or fresh[0].offset == position.next_offset:
            return fresh
        if self._confirmed.get(tp) != position.next_offset:
            self._confirmed[tp] = position.next_offset
            assert self.consumer is not None  # noqa: S101 - records came from it
            self.consumer.seek(tp, position.next_offset)
            return []
        return fresh

    def generation(self, tp: TopicPartition) -> int:
        """Which generation of its log a partition is read from; 0 while it is nobody's here."""
        position = self.positions.get(tp)
        return position.log_generation if position is not None else 0

    def moved(self, steps: Iterable[Advance]) -> None:
        """The transaction has committed."""
        for step in steps:
            if step.partition in self.positions:
                self.positions[step.partition] = Position(step.before.log_generation, step.next_offset)


def _check(tp: TopicPartition) -> str:
    return f"position {tp.topic}-{tp.partition}"
