"""Reads record batches whatever is in them: the client's own reader stays at an odd one for ever, and so all others.

Any writer of a plant topic can send a header whose name is no UTF-8: it is spelled out. Or a batch that becomes
gigabytes when it is expanded, or by its headers: it is handed on as one record, unread. And what one fetch of a
partition hands out is bounded: the rest is fetched again. Partitions take turns, for which the client has no setting.
"""

import logging
import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from monazite_consumers.intake.codecs import UnreadableError, expanded, expanded_bytes_max
from monazite_consumers.intake.fields import (
    HEAD,
    LOG_APPEND_TIME,
    Record,
    few_headers,
    has_large,
    portion,
    read_fields,
)

log = logging.getLogger(__name__)

FETCH_BYTES_MAX: Final = 2 * 1024 * 1024
"""Of one fetch of one partition, expanded, and one record more. What travels uncompressed is 1 MiB at most."""

_BEFORE_LENGTH_ENDS: Final = 12
_ATTRIBUTES_AT: Final = 21
_CODEC: Final = 0x07


def install_reader() -> None:
    """Makes the client read with this reader: it has no other door for one."""
    fetcher.MemoryRecords = Records
    fetcher.PartitionRecords = PartitionRecords


def others_first(consumer: AIOKafkaConsumer, served: Iterable[TopicPartition]) -> None:
    """Lets the next poll begin with the partitions that this one did not serve.

    The client serves what it has fetched in the order in which it was fetched: one partition with a hundred thousand
    small records in one fetch would be served alone until they are all decided.
    """
    fetched = consumer._fetcher._records  # noqa: SLF001 - the order is nowhere else
    for tp in served:
        if tp in fetched:
            fetched.move_to_end(tp)


_ClientsOwn: Any = fetcher.PartitionRecords


class PartitionRecords(_ClientsOwn):  # type: ignore[misc] # aiokafka ships no types
    """The client's own; it alone knows from which offset on the records are wanted."""

    def __init__(self, tp: TopicPartition, records: "Records", aborted: Any, fetch_offset: int, *others: Any) -> None:
        records.begin = fetch_offset
        super().__init__(tp, records, aborted, fetch_offset, *others)


class Records:
    """The batches of one fetch, as long as they expand to so many bytes; whatever is left is for the next fetch."""

    def __init__(self, fetched: bytes) -> None:
        self.begin = 0
        """The first offset that is wanted."""
        self.room = FETCH_BYTES_MAX
        """Bytes that may yet be expanded."""
        self._fetched = memoryview(fetched)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Of everything fetched."""
        return len(self._fetched)

    def has_next(self) -> bool:
        """Whether another whole batch follows, and there is room for some of it."""
        return self.room > 0 and self._at < self._end() <= len(self._fetched)

    def next_batch(self) -> "Batch":
        """The next one."""
        begin, self._at = self._at, self._end()
        return Batch(bytes(self._fetched[begin : self._at]), self)

    def _end(self) -> int:
        if len(self._fetched) < self._at + _BEFORE_LENGTH_ENDS:
            return len(self._fetched) + 1
        (length,) = struct.unpack_from(">i", self._fetched, self._at + 8)
        return int(self._at + _BEFORE_LENGTH_ENDS + length)


class Batch:
    """One batch: the client's own reader reads it as long as it can, and where it may."""

    def __init__(self, raw: bytes, records: Records) -> None:
        self._raw = raw
        self._records = records
        self._inner: Any = DefaultRecordBatch(raw)
        self._left_at: int | None = None

    def __getattr__(self, name: str) -> Any:
        """Offsets, producer, control and checksum: what is said of the batch as it travelled."""
        return getattr(self._inner, name)

    @property
    def next_offset(self) -> int:
        """Where to fetch from when its records, as far as there was room for them, are read."""
        return int(self._inner.next_offset) if self._left_at is None else self._left_at

    def __next__(self) -> Any:
        return next(self._inner)

    def __iter__(self) -> Iterator[Any]:
        try:
            plain, after, why = *self._portion(), ""
        except UnreadableError as error:
            why = f"{error}"  # and no more of it: it holds on to what was expanded
            log.warning("a batch at offset %s is not read: %s", self._inner.base_offset, why)
        if why:
            yield _unread(self._raw, f"unreadable batch: {why}")
            return
        for read in (read_fields,) if has_large(plain) else (DefaultRecordBatch, read_fields):
            try:
                for record in read(plain):
                    if record.offset >= after:
                        few_headers(len(record.headers))
                        after = record.offset + 1
                        yield record
            except (CorruptRecordException, ValueError, IndexError) as error:
                log.warning("%s stopped at offset %s: %s: %s", read.__name__, after, type(error).__name__, error)
            else:
                return
        self._left_at = None
        yield _unread(self._raw, "unread from this record on")._replace(offset=after)

    def _portion(self) -> tuple[bytes, int]:
        """As much of it as there is room for, not compressed, and the offset from which on it is to be read."""
        base, wanted, room = int(self._inner.base_offset), self._records.begin, self._records.room
        self._records.room -= expanded_bytes_max(len(self._raw))  # also where it cannot be expanded: it costs as much
        plain = _plain(self._raw)
        self._records.room = room - len(plain)
        part, self._left_at = portion(plain, wanted, room)
        return part, base if len(part) == len(plain) else max(base, wanted)


def _plain(raw: bytes) -> bytes:
    """The same batch, not compressed; its checksum is the compressed one's."""
    (attributes,) = struct.unpack_from(">h", raw, _ATTRIBUTES_AT)
    if not attributes & _CODEC:
        return raw
    records = expanded(attributes & _CODEC, raw[HEAD.size :])
    head = bytearray(raw[: HEAD.size])
    struct.pack_into(">h", head, _ATTRIBUTES_AT, attributes & ~_CODEC)
    struct.pack_into(">i", head, 8, len(head) - _BEFORE_LENGTH_ENDS + len(records))
    return b"".join((head, records))


def _unread(raw: bytes, why: str) -> Record:
    """The whole batch as one record: its bytes are kept, its first offset is named, the others are holes."""
    fields = HEAD.unpack_from(raw)
    return Record(fields[0], fields[8], fields[5] & LOG_APPEND_TIME and 1, None, raw, [(why, None)])
