"""Reads record batches whatever is in them: the client's own reader stays at an odd one for ever, and so all others.

Two things any writer of a plant topic can send: a header whose name is no UTF-8, and a compressed batch that expands to
gigabytes. Of the first the name is spelled out; the second is handed on as one record, unexpanded. And partitions take
turns, for which the client has no setting either.
"""

import logging
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import cramjam
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

log = logging.getLogger(__name__)

EXPANDED_BYTES_MAX: Final = 32 * 1024 * 1024
"""What one batch may expand to. The broker takes 1 MiB as it travels; envelopes of alike events shrink to a tenth."""

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, CRC, attributes, last offset delta, first and last timestamp, …, count."""

_BEFORE_LENGTH_ENDS: Final = 12
_ATTRIBUTES_AT: Final = 21
_CODEC: Final = 0x07
_LOG_APPEND_TIME: Final = 0x08
_VARINT_BITS_MAX: Final = 63
_XERIAL: Final = b"\x82SNAPPY\x00"


def install_reader() -> None:
    """Makes the client read with this reader: it has no other door for one."""
    fetcher.MemoryRecords = Records


def others_first(consumer: AIOKafkaConsumer, served: Iterable[TopicPartition]) -> None:
    """Lets the next poll begin with the partitions that this one did not serve.

    The client serves what it has fetched in the order in which it was fetched: one partition with a hundred thousand
    small records in one fetch would be served alone until they are all decided.
    """
    fetched = consumer._fetcher._records  # noqa: SLF001 - the order is nowhere else
    for tp in served:
        if tp in fetched:
            fetched.move_to_end(tp)


class Record(NamedTuple):
    """One record, as the client's fetcher takes it."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    checksum: None = None


class Records:
    """The batches of one fetch; one that is cut off at the end is left for the next fetch."""

    def __init__(self, fetched: bytes) -> None:
        self._fetched = memoryview(fetched)
        self._at = 0

    def size_in_bytes(self) -> int:
        """Of everything fetched."""
        return len(self._fetched)

    def has_next(self) -> bool:
        """Whether another whole batch follows."""
        return self._at < self._end() <= len(self._fetched)

    def next_batch(self) -> "Batch":
        """The next one."""
        begin, self._at = self._at, self._end()
        return Batch(bytes(self._fetched[begin : self._at]))

    def _end(self) -> int:
        if len(self._fetched) < self._at + _BEFORE_LENGTH_ENDS:
            return len(self._fetched) + 1
        (length,) = struct.unpack_from(">i", self._fetched, self._at + 8)
        return int(self._at + _BEFORE_LENGTH_ENDS + length)


class Batch:
    """One batch: the client's own reader reads it as long as it can."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._inner: Any = DefaultRecordBatch(raw)

    def __getattr__(self, name: str) -> Any:
        """Offsets, producer, control and checksum: what is said of the batch as it travelled."""
        return getattr(self._inner, name)

    def __next__(self) -> Any:
        return next(self._inner)

    def __iter__(self) -> Iterator[Any]:
        try:
            plain = _plain(self._raw)
        except _UnreadableError as error:
            log.warning("a batch at offset %s is not read: %s", self._inner.base_offset, error)
            yield _unread(self._raw, f"unreadable batch: {error}")
            return
        after = self._inner.base_offset
        for read in (DefaultRecordBatch, _read):
            try:
                for record in read(plain):
                    if record.offset >= after:
                        after = record.offset + 1
                        yield record
            except (CorruptRecordException, ValueError, IndexError) as error:
                log.warning("%s stopped at offset %s: %s: %s", read.__name__, after, type(error).__name__, error)
            else:
                return
        yield _unread(self._raw, "unreadable record")._replace(offset=after)


class _UnreadableError(Exception):
    """The batch cannot be expanded."""


def _plain(raw: bytes) -> bytes:
    """The same batch, not compressed; its checksum is the compressed one's."""
    (attributes,) = struct.unpack_from(">h", raw, _ATTRIBUTES_AT)
    if not attributes & _CODEC:
        return raw
    try:
        records = _expanded(attributes & _CODEC, raw[_HEADER.size :])
    except (cramjam.DecompressionError, zlib.error, struct.error, KeyError) as error:
        raise _UnreadableError(f"not decompressed within {EXPANDED_BYTES_MAX} bytes, {error}") from error
    head = bytearray(raw[: _HEADER.size])
    struct.pack_into(">h", head, _ATTRIBUTES_AT, attributes & ~_CODEC)
    struct.pack_into(">i", head, 8, len(head) - _BEFORE_LENGTH_ENDS + len(records))
    return bytes(head) + records


def _expanded(codec: int, data: bytes) -> bytes:
    readers = {1: _gunzipped, 2: _unsnapped, 3: _bounded(cramjam.lz4), 4: _bounded(cramjam.zstd)}
    return bytes(readers[codec](data))


def _gunzipped(data: bytes) -> bytes:
    made = b""
    while data:
        member = zlib.decompressobj(31)
        made += member.decompress(data, EXPANDED_BYTES_MAX - len(made) + 1)
        if len(made) > EXPANDED_BYTES_MAX or not member.eof:
            raise _UnreadableError(f"it expands beyond {EXPANDED_BYTES_MAX} bytes, or is cut off")
        data = member.unused_data
    return made


def _unsnapped(data: bytes) -> bytes:
    """Raw, or in the blocks that Java's library writes."""
    if not data.startswith(_XERIAL):
        return _unsnapped_block(data, EXPANDED_BYTES_MAX)
    made, at = b"", 16
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        if size <= 0:
            raise _UnreadableError("a block of no bytes")
        made += _unsnapped_block(data[at + 4 : at + 4 + size], EXPANDED_BYTES_MAX - len(made))
        at += 4 + size
    return made


def _unsnapped_block(block: bytes, room: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(block) > room:
        raise _UnreadableError(f"it expands beyond {EXPANDED_BYTES_MAX} bytes")
    return bytes(cramjam.snappy.decompress_raw(block))


def _bounded(codec: Any) -> Any:
    """Into room of a fixed size, and only then into more: a bomb is told by not fitting the largest."""

    def expanded(data: bytes) -> bytes:
        size = 1024 * 1024
        while True:
            room = bytearray(size)
            try:
                return bytes(memoryview(room)[: codec.decompress_into(data, room)])
            except cramjam.DecompressionError:
                if size >= EXPANDED_BYTES_MAX:
                    raise
                size = min(4 * size, EXPANDED_BYTES_MAX)

    return expanded


def _unread(raw: bytes, why: str) -> Record:
    """The whole batch as one record: its bytes are kept, its first offset is named, the others are holes."""
    fields = _HEADER.unpack_from(raw)
    return Record(fields[0], fields[8], fields[5] & _LOG_APPEND_TIME and 1, None, raw, [(why, None)])


class _Reader:
    """Reads fields one after the other, never beyond the end: the client's compiled reader of numbers does."""

    def __init__(self, buffer: bytes, at: int) -> None:
        self._buffer, self.at = buffer, at

    def number(self) -> int:
        """A zigzag varint."""
        value = shift = 0
        while True:
            byte = self._buffer[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                return (value >> 1) ^ -(value & 1)
            shift += 7
            if shift > _VARINT_BITS_MAX:
                raise ValueError("a number of more than ten bytes")

    def field(self) -> bytes | None:
        """A length and so many bytes; a length below zero stands for null."""
        size = self.number()
        if size < 0:
            return None
        if self.at + size > len(self._buffer):
            raise ValueError(f"{size} bytes from byte {self.at} go beyond the end")
        self.at += size
        return self._buffer[self.at - size : self.at]


def _read(plain: bytes) -> Iterator[Record]:
    """Every record of a batch; header names that are no UTF-8 are spelled out."""
    fields = _HEADER.unpack_from(plain)
    base, first_ms, last_ms, count = fields[0], fields[7], fields[8], fields[12]
    appended = bool(fields[5] & _LOG_APPEND_TIME)
    reader = _Reader(plain, _HEADER.size)
    for _ in range(count):
        size = reader.number()
        end = reader.at + size
        reader.number()  # attributes: none are defined
        delta_ms, delta = reader.number(), reader.number()
        key, value = reader.field(), reader.field()
        headers = [_header(reader) for _ in range(reader.number())]
        if reader.at != end:
            raise ValueError(f"a record ends at byte {reader.at}, not {end}")
        yield Record(base + delta, last_ms if appended else first_ms + delta_ms, int(appended), key, value, headers)


def _header(reader: _Reader) -> tuple[str, bytes | None]:
    name = reader.field() or b""
    return name.decode("utf-8", "backslashreplace"), reader.field()
