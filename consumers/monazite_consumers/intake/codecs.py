"""Expands the records of a compressed batch, and never beyond what it may expand to."""

import struct
import zlib
from collections.abc import Callable
from typing import Any, Final

import cramjam

EXPANDED_BYTES_MAX: Final = 32 * 1024 * 1024
"""What one batch may expand to. The broker takes 1 MiB as it travels; envelopes of alike events shrink to a tenth."""

EXPANDED_RATIO_MAX: Final = 64
"""How many times as long it may be expanded: an event of 1 KB has an id of 16 bytes that nothing shrinks."""

EXPANDED_BYTES_ALWAYS: Final = 1024 * 1024
"""However few bytes travelled: one record of any size that may be sent uncompressed."""

_XERIAL: Final = b"\x82SNAPPY\x00"


class UnreadableError(Exception):
    """The batch cannot be expanded."""


def expanded_bytes_max(travelled: int) -> int:
    """What so many bytes may expand to."""
    return min(max(EXPANDED_RATIO_MAX * travelled, EXPANDED_BYTES_ALWAYS), EXPANDED_BYTES_MAX)


def expanded(codec: int, data: bytes) -> bytes | memoryview:
    """The records of a batch.

    Raises:
        UnreadableError: they are no such codec's, or more than they may be.
    """
    bytes_max = expanded_bytes_max(len(data))
    try:
        return _READERS[codec](data, bytes_max)
    except (cramjam.DecompressionError, zlib.error, struct.error, KeyError) as error:
        raise UnreadableError(f"not decompressed within {bytes_max} bytes, {error}") from error


def _gunzipped(data: bytes, bytes_max: int) -> bytes:
    made = b""
    while data:
        member = zlib.decompressobj(31)
        made += member.decompress(data, bytes_max - len(made) + 1)
        if len(made) > bytes_max or not member.eof:
            raise UnreadableError(f"it expands beyond {bytes_max} bytes, or is cut off")
        data = member.unused_data
    return made


def _unsnapped(data: bytes, bytes_max: int) -> bytes:
    """Raw, or in the blocks that Java's library writes."""
    if not data.startswith(_XERIAL):
        return _unsnapped_block(data, bytes_max)
    made, at = b"", 16
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        if size <= 0:
            raise UnreadableError("a block of no bytes")
        made += _unsnapped_block(data[at + 4 : at + 4 + size], bytes_max - len(made))
        at += 4 + size
    return made


def _unsnapped_block(block: bytes, room: int) -> bytes:
    if cramjam.snappy.decompress_raw_len(block) > room:
        raise UnreadableError(f"it expands beyond {room} bytes more")
    return bytes(cramjam.snappy.decompress_raw(block))


def _bounded(codec: Any) -> Callable[[bytes, int], memoryview]:
    """Into room of a fixed size, and only then into more: a bomb is told by not fitting the largest."""

    def into_room(data: bytes, bytes_max: int) -> memoryview:
        size = min(EXPANDED_BYTES_ALWAYS, bytes_max)
        while True:
            room = bytearray(size)
            try:
                return memoryview(room)[: codec.decompress_into(data, room)]
            except cramjam.DecompressionError:
                if size >= bytes_max:
                    raise
                size = min(4 * size, bytes_max)

    return into_room


_READERS: Final[dict[int, Callable[[bytes, int], bytes | memoryview]]] = {
    1: _gunzipped,
    2: _unsnapped,
    3: _bounded(cramjam.lz4),
    4: _bounded(cramjam.zstd),
}
