"""Looks at partitions' logs beside the group: where they begin and end, and which records stand at given offsets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from monazite_consumers.decisions.reading import arrived_at
from monazite_consumers.intake.records import install_reader
from monazite_consumers.rules.positions import Log, Position, Record
from monazite_contracts.envelope import value_hash

READER: Final[dict[str, Any]] = {
    "group_id": None,
    "auto_offset_reset": "none",  # an offset that is gone is an error here, never another offset
    "enable_auto_commit": False,
    "request_timeout_ms": 5_000,  # who waits longer for a broker that is away cannot say that it is
    "isolation_level": "read_uncommitted",
    "max_partition_fetch_bytes": 64 * 1024,  # one record is wanted; a larger one comes all the same
}
"""How a consumer is made that only looks."""

READ_WITHIN_S: Final = 20.0
POLL_MS: Final = 200

MakeReader = Callable[[], AIOKafkaConsumer]
Offsets = Mapping[TopicPartition, int]


@asynccontextmanager
async def reading(make: MakeReader) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader of its own: what it fetches is nobody's assignment."""
    install_reader()  # or a record that the client's own cannot read is read for ever
    reader = make()
    try:
        await reader.start()
        await asyncio.sleep(0)  # a reader that is stopped before its tasks have begun raises their cancellation
        yield reader
    finally:
        await reader.stop()


async def log_starts(reader: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> Offsets:
    """Where logs begin.

    Raises:
        KafkaError: nobody says so in time.
    """
    wanted = list(partitions)
    # Or it would learn of them by failing once, and would have to try again too soon for a broker that is away.
    await reader._client.set_topics({tp.topic for tp in wanted})  # noqa: SLF001 - the client has no door of its own
    starts: Offsets = await reader.beginning_offsets(wanted)
    return starts


async def look(
    reader: AIOKafkaConsumer,
    starts: Offsets,
    positions: Mapping[TopicPartition, Position],
    kept: Mapping[TopicPartition, Record],
) -> dict[TopicPartition, Log]:
    """The logs of partitions as they are now, read at the newest message kept and at the position."""
    # After the positions: a predecessor may still commit, but never beyond an end that was asked for later.
    ends = await reader.end_offsets(list(positions))
    at_kept = {tp: found.log_offset for tp, found in kept.items() if starts[tp] <= found.log_offset < ends[tp]}
    lowest = {tp: max(position.next_offset, starts[tp]) for tp, position in positions.items()}
    async with asyncio.timeout(READ_WITHIN_S):
        same = await _first_records(reader, at_kept, ends)
        first = await _first_records(reader, {tp: o for tp, o in lowest.items() if o < ends[tp]}, ends)
    return {
        tp: Log(starts[tp], ends[tp], kept.get(tp), same.get(tp), found.log_offset if found else None)
        for tp in positions
        for found in [first.get(tp)]
    }


async def _first_records(
    reader: AIOKafkaConsumer, wanted: Offsets, ends: Offsets
) -> dict[TopicPartition, Record | None]:
    """The first record at or after an offset of each partition; None where there is none before its end."""
    found: dict[TopicPartition, Record | None] = {}
    if wanted:
        reader.assign(list(wanted))
    for tp, offset in wanted.items():
        reader.seek(tp, offset)
    while waiting := wanted.keys() - found.keys():
        fetched = await reader.getmany(*waiting, timeout_ms=POLL_MS, max_records=1)
        found |= {tp: _record(records[0]) for tp, records in fetched.items()}
        if not fetched:
            await reader.topics()  # fetching tries again and tells nobody; this raises when no broker is there
        for tp in waiting - found.keys():
            if await reader.position(tp) >= ends[tp]:  # it has passed markers, and no record
                found[tp] = None
    return found


def _record(record: Any) -> Record:
    return Record(record.offset, arrived_at(record.timestamp), value_hash(record.value or b""))
