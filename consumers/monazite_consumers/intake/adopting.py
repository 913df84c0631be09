"""Takes another log for the one that was being read: a person's decision, on record, that begins a new generation."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.deciding import read_platform, tell
from monazite_consumers.errors import NothingToAdoptError
from monazite_consumers.intake.logs import log_starts, look
from monazite_consumers.intake.positions import lasts, read
from monazite_consumers.register import load
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.positions import Log, Position, Replaced, stand
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of
from monazite_contracts.topics import PARTITIONS, PLANT_TOPICS


@dataclass(frozen=True, slots=True)
class Adoption:
    """What would be done: generation `position.log_generation + 1` begins at the log's start."""

    partition: TopicPartition
    position: Position
    seen: Log
    reason: Replaced

    @property
    def log_generation(self) -> int:
        """The new one."""
        return self.position.log_generation + 1

    @property
    def consequences(self) -> Mapping[str, str]:
        """What a person reads before and after."""
        old, new = self.position, self.seen
        return {
            "found": {
                "position-above-end": f"the position {old.next_offset} lies above the log's end {new.end}",
                "other-record": f"offset {new.kept.log_offset if new.kept else '?'} holds another record than was read",
            }[self.reason],
            "kept": f"generation {old.log_generation}: everything that was read of it, below offset {old.next_offset}",
            "missing": f"what the old log held from offset {old.next_offset} on and nobody had read: it cannot be"
            " counted; sources' gaps show it, and gateways send again what no receipt covers",
            "begins": f"generation {self.log_generation} at offset {new.start}, {new.end - new.start} offsets to read;"
            " what was read before is duplicate",
        }


async def plan(connection: Connection, reader: AIOKafkaConsumer, tp: TopicPartition) -> Adoption:
    """What adopting a partition's log would do.

    Raises:
        NothingToAdoptError: there is no such partition, or its log is the one that is being read.
    """
    if tp.topic not in PLANT_TOPICS.values():
        raise NothingToAdoptError(
            f"TOPIC: {tp.topic} is no plant topic; take one of {', '.join(PLANT_TOPICS.values())}"
        )
    positions = await read(connection, [tp])
    if tp not in positions:
        raise NothingToAdoptError(f"PARTITION: {tp.partition} was never read; `monazite ledger reconcile` names all")
    if tp.topic not in await reader.topics():
        raise NothingToAdoptError(f"TOPIC: the broker has no {tp.topic}; restart a service, which creates it")
    position = positions[tp]
    starts = await log_starts(reader, [tp])
    found, due = len(reader.partitions_for_topic(tp.topic) or ()), PARTITIONS[tp.topic]
    if found and found != due:
        raise NothingToAdoptError(
            f"TOPIC: {tp.topic} was made anew with {found} partitions where {due} are due, and keys would move: delete"
            " it, and restart a service, which creates it"
        )
    seen = (await look(reader, starts, positions, await lasts(connection, positions)))[tp]
    standing = stand(position, seen)
    if standing.replaced is None:
        raise NothingToAdoptError(
            f"nothing to adopt: position {position.next_offset} of {tp.topic} {tp.partition} lies in the log"
            f" ({seen.start} to {seen.end}) that it was read from. If intake is red all the same, its /health says why"
        )
    return Adoption(tp, position, seen, standing.replaced)


async def adopt(connection: Connection, adoption: Adoption, by: str) -> None:
    """Begins the new generation; an intake that runs finds it by itself.

    Raises:
        NothingToAdoptError: somebody else was quicker.
    """
    tp, seen, position = adoption.partition, adoption.seen, adoption.position
    place = (tp.topic, tp.partition, adoption.log_generation)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
        newest = await connection.fetchrow(statement("positions", "lock_newest"), tp.topic, tp.partition)
        if newest is None or Position(*newest) != position:
            raise NothingToAdoptError(f"{tp.topic} {tp.partition} has moved meanwhile: somebody else was quicker")
        platform = await read_platform(connection)
        at = platform.instant or datetime.now(UTC)
        await connection.execute(statement("positions", "begin_generation"), *place, seen.start)
        await connection.execute(
            statement("positions", "adopt"), *place, at, by, adoption.reason, position.next_offset, seen.start, seen.end
        )
        changes = Changes(at=at)
        changes.touched.add(AlertKey("log-replaced", tp.topic, f"{day_of(at)}"))
        await tell(connection, await load(connection), platform, changes, ())
