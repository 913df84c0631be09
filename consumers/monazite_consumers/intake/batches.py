"""What one transaction decides: a poll's records, opened, and cut at so many events or bytes."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from monazite_consumers.decisions.reading import Sealing, arrival, arrived_at, read_headers
from monazite_consumers.intake.assignment import Asked, Assignment
from monazite_consumers.rules.envelopes import Arrival, Coordinate


class Batch:
    """What one transaction decides."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[Arrival, Any]] = []
        self.events = 0
        self.bytes = 0
        """Of all that the ledger keeps of them."""
        self.ends: dict[TopicPartition, tuple[int, int]] = {}
        """Last offset and number of records of each partition."""

    def add(self, read: tuple[Arrival, Any]) -> None:
        """One more record."""
        at = read[0].coordinate
        tp = TopicPartition(at.topic, at.partition)
        self.arrivals.append(read)
        self.events += max(1, len(read[0].opened.events))
        self.bytes += _size(*read)
        self.ends[tp] = (at.log_offset, self.ends.get(tp, (0, 0))[1] + 1)

    def halves(self) -> "tuple[Batch, Batch]":
        """The same records in their order, in two transactions."""
        halves, middle = (Batch(), Batch()), len(self.arrivals) // 2
        for number, read in enumerate(self.arrivals):
            halves[number >= middle].add(read)
        return halves


class Fetched(NamedTuple):
    """One record, the generation of its log, and what its headers hold."""

    record: Any
    log_generation: int
    sealing: Sealing


def fetched(record: Any, log_generation: int) -> Fetched:
    """A record with its headers read."""
    return Fetched(record, log_generation, read_headers(record.headers))


def accepted(assignment: Assignment, asked: Asked, records: Sequence[Any]) -> list[Fetched]:
    """Of one poll's records those that are next in partitions that are not doubted."""
    by_partition: dict[TopicPartition, list[Any]] = defaultdict(list)
    for record in records:
        by_partition[TopicPartition(record.topic, record.partition)].append(record)
    found = [
        fetched(record, assignment.generation(tp))
        for tp, found in by_partition.items()
        if tp in asked.partitions
        for record in assignment.accept(tp, found)
    ]
    asked.partitions &= assignment.positions.keys()  # what is doubted now is not decided when it is placed again
    return found


class Reading:
    """Reads one batch of so many events or bytes after the other, record by record, while it may.

    A batch spans partitions, so that quiet ones share a commit. Reading the next one fills the pauses in which
    PostgreSQL works on this one; it would only be in the way of the work that PostgreSQL waits for.
    """

    def __init__(self, records: Iterable[Fetched], events_max: int, bytes_max: int) -> None:
        self._unread = iter(records)
        self._events_max, self._bytes_max = events_max, bytes_max
        self._may = asyncio.Event()
        self.go_on()

    def go_on(self) -> None:
        """There are pauses from here on."""
        self._may.set()

    def stand_back(self) -> None:
        """There is other work from here on."""
        self._may.clear()

    async def batch(self) -> Batch | None:
        """The next one; None when everything is read."""
        batch = Batch()
        for one in self._unread:
            await asyncio.sleep(0)
            await self._may.wait()
            batch.add(read_record(one))
            if batch.events >= self._events_max or batch.bytes >= self._bytes_max:
                break
        return batch if batch.arrivals else None


def read_record(one: Fetched) -> tuple[Arrival, Any]:
    """One record, with its odd headers if it has any; whatever it is, without ever raising."""
    record, log_generation, sealing = one
    coordinate = Coordinate(arrived_at(record.timestamp), record.topic, record.partition, log_generation, record.offset)
    return arrival(coordinate, record.key, sealing, record.value), sealing.odd


def _size(arrival: Arrival, odd_headers: Any) -> int:
    size = len(arrival.value or b"") + len(arrival.record_key or b"")
    if odd_headers:
        size += sum(len(name) + len(value or "") for name, value in odd_headers)
    return size
