"""What one transaction decides: a poll's records, opened while the event loop has time, cut at so many events."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import TopicPartition

from monazite_consumers.decisions.reading import arrival, arrived_at, read_headers
from monazite_consumers.intake.assignment import Assignment
from monazite_consumers.rules.envelopes import Arrival, Coordinate

SLICE_EVENTS = 50
"""Opened in one go, about a millisecond: whoever else has work to do is served between."""


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


async def read_batches(assignment: Assignment, records: Sequence[Any], events_max: int) -> AsyncIterator[Batch]:
    """Transactions of at most so many events; one spans partitions, so that quiet ones share a commit."""
    by_partition: dict[TopicPartition, list[Any]] = defaultdict(list)
    for record in records:
        by_partition[TopicPartition(record.topic, record.partition)].append(record)
    batch, rested_at = Batch(), 0
    for tp, found in by_partition.items():
        log_generation = assignment.generation(tp)
        for record in assignment.accept(tp, found):
            batch.add(read_record(record, log_generation))
            if batch.events - rested_at >= SLICE_EVENTS:
                await asyncio.sleep(0)
                rested_at = batch.events
            if batch.events >= events_max:
                yield batch
                batch, rested_at = Batch(), 0
    if batch.arrivals:
        yield batch


def read_record(record: Any, log_generation: int) -> tuple[Arrival, Any]:
    """One record, with its odd headers if it has any; whatever it is, without ever raising."""
    sealing = read_headers(record.headers)
    coordinate = Coordinate(arrived_at(record.timestamp), record.topic, record.partition, log_generation, record.offset)
    return arrival(coordinate, record.key, sealing, record.value), sealing.odd
