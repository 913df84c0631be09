"""Reads what the relay has published, so that what was told can be held against what is so."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from monazite_consumers.topics import row_of
from monazite_contracts.topics import ALERTS, RELAY_CONTROL, receipts_topic

Ends = dict[TopicPartition, int]
"""Where partitions ended."""

RECEIPTS_PREFIX: Final = receipts_topic("")
_WAIT_MS = 100
_EMPTY_POLLS_MAX = 300
"""A partition that gives nothing for so long ends the reading: Kafka is away."""

_Version = tuple[int, int]
"""Epoch, and the revision or number in it."""


@dataclass(slots=True)
class Told:
    """The newest that a topic says of one key: of all, and of what it said before the snapshot was taken."""

    newest: tuple[_Version, Any] | None = None
    before: tuple[_Version, Any] | None = None

    def take(self, version: _Version, said: Any, *, before: bool) -> None:
        """One more; what was published twice says the same twice."""
        if self.newest is None or version > self.newest[0]:
            self.newest = version, said
        if before and (self.before is None or version > self.before[0]):
            self.before = version, said


@dataclass(slots=True)
class Witness:
    """What the relay has published. `ends`: where its topics ended before the snapshot, which knows all up to there."""

    bootstrap: str
    ends: Ends = field(default_factory=dict)

    async def look(self) -> None:
        """Notes the ends; before the snapshot is taken, since every publication was decided before it was published."""
        consumer = _consumer(self.bootstrap)
        await consumer.start()
        try:
            names = sorted(name for name in await consumer.topics() if _is_told(name))
            partitions = [TopicPartition(name, number) for name in names for number in range(row_of(name).partitions)]
            self.ends = dict(await consumer.end_offsets(partitions)) if partitions else {}
        finally:
            await consumer.stop()

    async def records(self, topic: str) -> AsyncIterator[tuple[Any, bool]]:
        """Every record of a topic up to now that was committed, and whether it was there before the snapshot.

        Raises:
            KafkaError: no broker answers.
            TimeoutError: it gives no more records.
        """
        partitions = [tp for tp in self.ends if tp.topic == topic]
        if not partitions:
            return
        consumer = _consumer(self.bootstrap)
        await consumer.start()
        try:
            for tp in partitions:
                consumer.assign([tp])
                async for record in _records(consumer, tp):
                    yield record, record.offset < self.ends[tp]
        finally:
            await consumer.stop()

    @property
    def topics(self) -> list[str]:
        """Their names."""
        return sorted({tp.topic for tp in self.ends})


def _is_told(name: str) -> bool:
    return name in {ALERTS, RELAY_CONTROL} or name.startswith((f"{ALERTS}-", RECEIPTS_PREFIX))


def _consumer(bootstrap: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )


async def _records(consumer: AIOKafkaConsumer, tp: TopicPartition) -> AsyncIterator[Any]:
    end = (await consumer.end_offsets([tp]))[tp]
    reached = (await consumer.beginning_offsets([tp]))[tp]
    consumer.seek(tp, reached)
    empty = 0
    while reached < end:
        found = await consumer.getmany(tp, timeout_ms=_WAIT_MS)
        for record in found.get(tp, []):
            yield record
        position = await consumer.position(tp)  # markers of transactions are passed over
        empty = 0 if position > reached else empty + 1
        if empty > _EMPTY_POLLS_MAX:
            raise TimeoutError(f"{tp.topic}-{tp.partition} gives no records from {reached} on")
        reached = position
