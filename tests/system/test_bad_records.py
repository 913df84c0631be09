"""Records that no client library would send, on a real Kafka: they are decided, and nobody beside them waits."""

import os
import random
import signal
from itertools import product
from pathlib import Path

import pytest
from raw_records import a_batch, a_batch_of, a_record, compressed, produce
from running_platform import DECIDING_AND_TELLING, PLANTS, REO_G, Platform, until

from monazite_consumers.intake.codecs import EXPANDED_BYTES_MAX
from monazite_contracts.envelope import record_key
from monazite_contracts.partitioner import partition_of
from monazite_contracts.topics import PLANT_TOPICS

TOPIC = "plant-production"
SERVICES = DECIDING_AND_TELLING
MINE = PLANTS[0]
PARTITION = partition_of(record_key(MINE, "gw-1"), 6)
BOMB_BYTES = 6 * EXPANDED_BYTES_MAX
"""The broker takes it: even with lz4 it travels in less than 1 MiB."""


async def beside_good_ones(platform: Platform, batch: bytes, *, records: int = 1) -> None:
    """Before it and after it in its partition, and in others, everything is decided as ever."""
    drawn_g = await platform.drawn_g()
    await platform.publish(gateway.produce() for gateway in platform.gateways.values())
    await produce(platform.stack.addresses.kafka, TOPIC, PARTITION, batch)
    platform.published += records
    await platform.publish(gateway.produce() for gateway in platform.gateways.values())
    await platform.decided()
    assert await platform.drawn_g() == drawn_g + 2 * len(PLANTS) * REO_G
    account = await platform.account()
    assert account.reconciled
    assert await platform.healthy("intake")


async def newest(platform: Platform) -> dict[str, object]:
    """What became of the newest message that is not applied."""
    async with platform.connection() as opened:
        row = await opened.fetchrow(
            "SELECT outcome, rule, value, odd_headers FROM ledger JOIN envelopes USING (message)"
            " WHERE outcome <> 'applied' ORDER BY message DESC LIMIT 1"
        )
    assert row is not None
    return dict(row)


async def test_a_header_whose_name_is_no_utf_8_stops_no_partition(platform: Platform) -> None:
    odd = a_record(0, record_key(MINE, "gw-1"), b"{}", [(b"\xff\xfe", b"x"), (b"key", None)])
    await beside_good_ones(platform, a_batch([odd]))
    found = await newest(platform)
    assert (found["outcome"], found["rule"], found["value"]) == ("refused", "not-an-envelope", b"{}")
    assert found["odd_headers"] == [["\\xff\\xfe", "eA"], ["key", None]]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_any_codec_that_the_broker_takes_is_read(platform: Platform, codec: str) -> None:
    outgoing = platform.gateways[MINE].produce()
    record = a_record(0, outgoing.key, outgoing.value, [(n.encode(), v) for n, v in outgoing.headers])
    drawn_g = await platform.drawn_g()
    await produce(platform.stack.addresses.kafka, TOPIC, PARTITION, a_batch([record], codec))
    platform.published += 1
    await platform.decided()
    assert await platform.drawn_g() == drawn_g + REO_G


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
async def test_a_bomb_is_refused_unexpanded_and_fits_into_memory(platform: Platform, codec: str) -> None:
    """Snappy expands to little more than twenty times and so never beyond the bound within the broker's 1 MiB."""
    bomb = a_batch_of(compressed(a_record(0, None, bytes(BOMB_BYTES)), codec), 1, codec)
    before = memory(platform)
    await beside_good_ones(platform, bomb)
    found = await newest(platform)
    assert (found["outcome"], found["rule"]) == ("refused", "not-json")
    assert bytes(found["value"])[61:] == bomb[61:], "kept as it travelled; the broker writes into a batch's head"
    assert "unreadable batch" in str(found["odd_headers"])
    assert memory(platform) - before < 4 * EXPANDED_BYTES_MAX


async def test_headers_by_the_hundred_thousand_are_refused_unread(platform: Platform) -> None:
    """Each travels as two bytes, or as next to none where the batch is compressed, and would be two hundred here."""
    flood = a_record(0, record_key(MINE, "gw-1"), b"{}", [(b"", b"")] * 450_000)
    for batch in (a_batch([flood]), a_batch([flood], "zstd")):
        await beside_good_ones(platform, batch)
        found = await newest(platform)
        assert bytes(found["value"])[61:] == batch[61:], "kept as it travelled"
        assert found["odd_headers"] == [["unread from this record on", None]]


async def test_batches_that_fill_the_memory_together_are_read_in_portions(platform: Platform) -> None:
    """One in each partition, within the bounds of one batch: nearly 300 MB in one poll."""
    content = 5 * random.Random(1).randbytes(250_000)  # noqa: S311 - repeatable, not secret
    values = [content[17 * n : 17 * n + 1_040_000] for n in range(15)]
    batch = a_batch([a_record(n, None, value) for n, value in enumerate(values)], "zstd")
    intake = platform.stack.services["intake"].child.pid
    os.kill(intake, signal.SIGSTOP)
    try:
        for topic, partition in product(PLANT_TOPICS.values(), range(6)):
            await produce(platform.stack.addresses.kafka, topic, partition, batch)
            platform.published += len(values)
        await platform.publish(gateway.produce() for gateway in platform.gateways.values())
    finally:
        os.kill(intake, signal.SIGCONT)
    await platform.decided(300)
    assert memory(platform) < 320 * 1024 * 1024
    assert (await platform.account()).reconciled
    kept = await platform.ask("SELECT count(DISTINCT value) FROM ledger WHERE size = 1_040_000")
    assert kept == len(values), "every byte of every one"


def memory(platform: Platform) -> int:
    """Of intake, in bytes, at its highest."""
    status = Path(f"/proc/{platform.stack.services['intake'].child.pid}/status").read_text()
    (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) * 1024


async def test_everything_is_told_where_nobody_can_be_named(platform: Platform) -> None:
    await platform.told()
    letters = await platform.read("dead-letters")
    refused = await platform.ask("SELECT count(*) FROM envelopes WHERE outcome = 'refused'")
    assert len(letters) == refused

    async def so() -> bool:
        return await platform.healthy("intake")

    await until("intake is healthy", so)
