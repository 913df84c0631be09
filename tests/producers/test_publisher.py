"""A publisher chooses partitions as Java's client does. Publishing itself is tested on a real Kafka."""

import pytest
from aiokafka.partitioner import murmur2

from monazite_producers.publisher import Outgoing, Publisher, PublisherSettings, partition_for

# From Apache Kafka's own UtilsTest.testMurmur2, as signed 32-bit integers.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "hashed"), JAVA.items())
def test_a_key_hashes_as_in_java(key: bytes, hashed: int) -> None:
    assert murmur2(key) == hashed & 0xFFFF_FFFF


@pytest.mark.parametrize(("key", "hashed"), JAVA.items())
def test_a_key_lands_where_java_puts_it(key: bytes, hashed: int) -> None:
    for count in (1, 3, 6, 7):
        partitions = list(range(count))
        assert partition_for(key, partitions, []) == (hashed & 0x7FFF_FFFF) % count


def test_a_key_keeps_its_partition_when_others_are_down() -> None:
    assert partition_for(b"abc", [0, 1, 2], [1]) == partition_for(b"abc", [0, 1, 2], [0, 1, 2])


def test_a_message_without_a_key_is_an_error() -> None:
    with pytest.raises(ValueError, match="record key"):
        partition_for(None, [0], [0])


async def test_publishing_outside_the_context_is_an_error() -> None:
    from datetime import UTC, datetime

    message = Outgoing("plant-production", b"p/g", b"{}", (), datetime(2023, 1, 1, tzinfo=UTC))
    with pytest.raises(RuntimeError, match="async with"):
        await Publisher(PublisherSettings("localhost:1")).publish([message])
