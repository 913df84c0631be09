"""The fields of a batch's records, read one after the other: within bounds, and before anything is made of them."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

RECORD_BYTES_MAX: Final = 1024 * 1024
"""Of one record, expanded: more the broker does not take uncompressed either."""

HEADERS_MAX: Final = 64
"""Of one record; an envelope has two. Each becomes some two hundred bytes here, and may travel as two, or as none."""

LARGE_BYTES: Final = 64 * 1024
"""A record up to here may be read before its headers are counted: they cannot become more than a few megabytes."""

LOG_APPEND_TIME: Final = 0x08
HEAD: Final = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, CRC, attributes, last offset delta, first and last timestamp, …, count."""

_COUNT_AT: Final = 57
_VARINT_BITS_MAX: Final = 63


class Record(NamedTuple):
    """One record, as the client's fetcher takes it."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    checksum: None = None


class _Reader:
    """Reads fields one after the other, never beyond the end: the client's compiled reader of numbers does."""

    def __init__(self, buffer: bytes) -> None:
        self._buffer, self.at = buffer, HEAD.size

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


def read_fields(plain: bytes) -> Iterator[Record]:
    """Every record of a batch; header names that are no UTF-8 are spelled out.

    Raises:
        ValueError, IndexError: from here on it makes no sense, or is out of bounds.
    """
    fields = HEAD.unpack_from(plain)
    base, first_ms, last_ms, count = fields[0], fields[7], fields[8], fields[12]
    appended = bool(fields[5] & LOG_APPEND_TIME)
    reader = _Reader(plain)
    for _ in range(count):
        size = reader.number()
        if size > RECORD_BYTES_MAX:
            raise ValueError(f"a record of {size} bytes")
        end = reader.at + size
        reader.number()  # attributes: none are defined
        delta_ms, delta = reader.number(), reader.number()
        key, value = reader.field(), reader.field()
        headers = [_header(reader) for _ in range(few_headers(reader.number()))]
        if reader.at != end:
            raise ValueError(f"a record ends at byte {reader.at}, not {end}")
        yield Record(base + delta, last_ms if appended else first_ms + delta_ms, int(appended), key, value, headers)


def few_headers(number: int) -> int:
    """The number, if a record may have so many headers.

    Raises:
        ValueError: it is more.
    """
    if number > HEADERS_MAX:
        raise ValueError(f"{number} headers")
    return number


def _header(reader: _Reader) -> tuple[str, bytes | None]:
    name = reader.field() or b""
    return name.decode("utf-8", "backslashreplace"), reader.field()


def has_large(plain: bytes) -> bool:
    """Whether a record of the batch is so large that its fields are better counted first; or says that it is."""
    if len(plain) <= LARGE_BYTES:
        return False
    reader = _Reader(plain)
    try:
        for _ in range(HEAD.unpack_from(plain)[12]):
            size = reader.number()
            if not 0 <= size <= LARGE_BYTES:
                return True
            reader.at += size
    except (ValueError, IndexError):
        return True
    return False


def portion(plain: bytes, begin: int, bytes_max: int) -> tuple[bytes, int | None]:
    """Of a batch so many bytes of records, at least one, from the offset on at which it is wanted.

    Also the offset at which the next portion begins; None where nothing is left.
    """
    if len(plain) - HEAD.size <= bytes_max:
        return plain, None
    base, count = HEAD.unpack_from(plain)[0], HEAD.unpack_from(plain)[12]
    reader, first, taken, after = _Reader(plain), HEAD.size, 0, begin
    for _ in range(count):
        at = reader.at
        try:
            end, offset = _passed(reader, base)
        except (ValueError, IndexError):  # whoever reads it finds out, and reads no further
            return _cut(plain, first, at + LARGE_BYTES, taken + 1), None
        if not taken and offset < begin:
            first = end
        elif taken and end - first > bytes_max:
            return _cut(plain, first, at, taken), after
        else:
            taken, after = taken + 1, max(after, offset + 1)
        reader.at = end
    return _cut(plain, first, reader.at, taken), None


def _passed(reader: _Reader, base: int) -> tuple[int, int]:
    """Where the next record ends, and its offset."""
    size = reader.number()
    if size < 0:
        raise ValueError(f"a record of {size} bytes")
    end = reader.at + size
    reader.number(), reader.number()  # attributes and time
    return end, base + reader.number()


def _cut(plain: bytes, first: int, last: int, count: int) -> bytes:
    head = bytearray(plain[: HEAD.size])
    struct.pack_into(">i", head, _COUNT_AT, count)
    return b"".join((head, plain[first:last]))
