"""What one transaction decides: a poll's records, opened, and cut at so many events."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka import TopicPartition

from monazite_consumers.decisions.reading import arrival, arrived_at, read_headers
from monazite_consumers.intake.assignment import Assignment
from monazite_consumers.rules.envelopes import Arrival, Coordinate


class Batch:
    """What one transaction decides."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[Arrival, Any]] = []
        self.events = 0
        self.ends: dict[TopicPartition, tuple[int, int]] = {}
        """Last offset and number of records of each partition."""

    def add(self, read: tuple[Arrival, Any]) -> None:
        """One more record."""
        at = read[0].coordinate
        tp = TopicPartition(at.topic, at.partition)
        self.arrivals.append(read)
        self.events += max(1, len(read[0].opened.events))
        self.ends[tp] = (at.log_offset, self.ends.get(tp, (0, 0))[1] + 1)

    def halves(self) -> "tuple[Batch, Batch]":
        """The same records in their order, in two transactions."""
        halves, middle = (Batch(), Batch()), len(self.arrivals) // 2
        for number, read in enumerate(self.arrivals):
            halves[number >= middle].add(read)
        return halves


def accepted(assignment: Assignment, records: Sequence[Any]) -> list[tuple[Any, int]]:
    """Of one poll's records those that are next in their partitions, with the generation of their log."""
    by_partition: dict[TopicPartition, list[Any]] = defaultdict(list)
    for record in records:
        by_partition[TopicPartition(record.topic, record.partition)].append(record)
    return [
        (record, assignment.generation(tp))
        for tp, found in by_partition.items()
        for record in assignment.accept(tp, found)
    ]


def read_batches(records: Sequence[tuple[Any, int]], events_max: int) -> Iterator[Batch]:
    """Transactions of at most so many events; one spans partitions, so that quiet ones share a commit."""
    batch = Batch()
    for record, log_generation in records:
        batch.add(read_record(record, log_generation))
        if batch.events >= events_max:
            yield batch
            batch = Batch()
    if batch.arrivals:
        yield batch


def read_record(record: Any, log_generation: int) -> tuple[Arrival, Any]:
    """One record, with its odd headers if it has any; whatever it is, without ever raising."""
    sealing = read_headers(record.headers)
    coordinate = Coordinate(arrived_at(record.timestamp), record.topic, record.partition, log_generation, record.offset)
    return arrival(coordinate, record.key, sealing, record.value), sealing.odd
