"""A flood of refused messages from one source: nobody starves or is shouted at, and the last costs as the first."""

import json
from collections import Counter

import pytest_asyncio
from raw_records import a_batch, a_record, produce
from running_platform import DECIDING_AND_TELLING, PLANTS, REO_G, Platform, a_registry, until

from monazite import stack
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.sql import statement
from monazite_contracts.alerts import Alert
from monazite_contracts.envelope import record_key
from monazite_contracts.partitioner import partition_of
from monazite_contracts.topics import ALERTS

TOPIC = "plant-production"
SERVICES = DECIDING_AND_TELLING
FLOOD = 30_000
PARTITIONS = {plant: partition_of(record_key(plant, "gw-1"), 6) for plant in PLANTS}
FLOODED = PARTITIONS[PLANTS[0]]
BESIDE = [plant for plant in PLANTS if PARTITIONS[plant] != FLOODED]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def flooded(running: stack.Stack) -> Platform:
    """While the flood is being decided, every plant of another partition sends an envelope."""
    platform = Platform(running)
    await platform.apply(a_registry())
    noise = [a_record(n, b"x", b'{"noise": %d}' % n) for n in range(FLOOD)]
    await produce(platform.stack.addresses.kafka, TOPIC, FLOODED, a_batch(noise, "zstd"))  # one fetch brings all of it
    platform.published += FLOOD

    async def begun() -> bool:
        return await platform.received() > 0

    await until("the flood is being decided", begun)
    await platform.publish(platform.gateways[plant].produce() for plant in BESIDE)
    await platform.decided(300)
    await platform.told(300)
    return platform


async def test_everything_is_decided_and_adds_up(flooded: Platform) -> None:
    account = await flooded.account()
    assert account.reconciled
    assert account.received == FLOOD + len(BESIDE)
    assert account.total("refused") == FLOOD
    assert await flooded.drawn_g() == len(BESIDE) * REO_G


async def test_plants_beside_it_are_decided_before_it_has_ended(flooded: Platform) -> None:
    last = await flooded.ask("SELECT max(message) FROM envelopes WHERE outcome = 'applied'")
    after = await flooded.ask("SELECT count(*) FROM envelopes WHERE outcome = 'refused' AND message > $1", last)
    assert after > FLOOD / 4, "by the order of decisions, never by a clock"


async def test_it_raises_one_alert_with_a_counter_and_publishes_it_once(flooded: Platform) -> None:
    records = [Alert.model_validate_json(record.value) for record in await flooded.read(ALERTS)]
    noisy = Counter((alert.subject.code, alert.period) for alert in records if alert.rule == "unreadable")
    assert set(noisy.values()) == {1}, "once for each day that it touches"
    counted = await flooded.ask("SELECT sum((evidence->>'count')::int) FROM alerts WHERE rule = 'unreadable'")
    assert counted == FLOOD


async def test_counting_it_reads_no_more_rows_when_it_is_long(flooded: Platform) -> None:
    async with flooded.connection() as opened:
        keys = await opened.fetch("SELECT rule, subject, period FROM alerts WHERE rule = 'unreadable'")
        columns = transposed([tuple(key) for key in keys], 3)
        text = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement('findings', 'totals')}"
        (plan,) = json.loads(await opened.fetchval(text, *columns))
        read = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
        assert read < 20 * len(keys), "pages; the findings themselves fill hundreds"


async def test_every_message_of_it_is_a_dead_letter(flooded: Platform) -> None:
    """What nobody can be named for is told to operations, each once; alert topics are spared."""
    assert len(await flooded.read("dead-letters")) == FLOOD
