"""Which partition a record key belongs to: Kafka's default partitioner, which every client must agree with."""

from functools import lru_cache
from typing import Final

_SEED: Final = 0x9747B28C
_MULTIPLIER: Final = 0x5BD1E995
_MASK: Final = 0xFFFFFFFF


def murmur2(key: bytes) -> int:
    """Kafka's 32-bit MurmurHash2 of a key, unsigned (`org.apache.kafka.common.utils.Utils.murmur2`)."""
    whole = len(key) - len(key) % 4
    hashed = _SEED ^ len(key)
    for start in range(0, whole, 4):
        block = int.from_bytes(key[start : start + 4], "little") * _MULTIPLIER & _MASK
        block = (block ^ block >> 24) * _MULTIPLIER & _MASK
        hashed = (hashed * _MULTIPLIER & _MASK) ^ block
    if key[whole:]:
        hashed = (hashed ^ int.from_bytes(key[whole:], "little")) * _MULTIPLIER & _MASK
    hashed = (hashed ^ hashed >> 13) * _MULTIPLIER & _MASK
    return hashed ^ hashed >> 15


@lru_cache(maxsize=10_000)  # it is Python, and few keys carry many messages
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a record key in a topic of so many partitions."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
