"""Where reading has got to in each partition: rows that move in the transaction of what was read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from monazite_consumers.database import Connection
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.errors import SupersededError
from monazite_consumers.rules.positions import Position, Record
from monazite_consumers.sql import statement


@dataclass(frozen=True, slots=True)
class Advance:
    """One partition's step: from the position as this member knows it to after its last record."""

    partition: TopicPartition
    before: Position
    next_offset: int
    received: int
    lost: int = 0

    @property
    def holes(self) -> int:
        """Offsets that never held a message: markers of transactions."""
        return self.next_offset - self.before.next_offset - self.received - self.lost

    @property
    def after(self) -> Position:
        """Where it leads."""
        return Position(self.before.log_generation, self.next_offset)


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


async def lasts(connection: Connection, positions: Mapping[TopicPartition, Position]) -> dict[TopicPartition, Record]:
    """The newest message kept of each partition's log, where there is one."""
    rows = await connection.fetch(
        statement("positions", "lasts"),
        [tp.topic for tp in positions],
        [tp.partition for tp in positions],
        [position.log_generation for position in positions.values()],
    )
    return {
        TopicPartition(row["topic"], row["partition"]): Record(row["log_offset"], row["arrived_at"], row["hash"])
        for row in rows
    }


async def advance(connection: Connection, steps: Iterable[Advance]) -> None:
    """Moves positions in the caller's transaction.

    Raises:
        SupersededError: a successor has moved one of them; the caller rolls back.
    """
    rows = [
        (*s.partition, s.before.log_generation, s.before.next_offset, s.next_offset, s.received, s.lost) for s in steps
    ]
    moved = {
        TopicPartition(*row) for row in await connection.fetch(statement("positions", "advance"), *transposed(rows, 7))
    }
    if superseded := [
        f"{topic}-{partition} is no longer at {read_to}"
        for topic, partition, _, read_to, *_ in rows
        if (topic, partition) not in moved
    ]:
        raise SupersededError(", ".join(superseded))
