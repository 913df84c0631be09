"""The relay under kills and in a bad world: each change once to whoever ignores what it has seen, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from running_platform import DECIDING_AND_TELLING, INTAKE_QUICKLY, Platform, a_registry, until

from monazite import stack
from monazite.embedded.children import Child
from monazite_contracts.alerts import Alert
from monazite_contracts.topics import ALERTS, DEAD_LETTERS

KILLS = 8
MIB = 1024 * 1024
SETTINGS = INTAKE_QUICKLY
SERVICES = DECIDING_AND_TELLING


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    made = Platform(running)
    await made.apply(a_registry(tonnes_reo=100))  # each envelope is some percent of the cap: many revisions
    await made.publish(made.work(envelopes=1))
    await made.decided()
    await made.told()
    return made


@pytest.fixture
def relay(platform: Platform) -> Child:
    return platform.stack.services["relay"].child


async def waiting(platform: Platform) -> int:
    return int(await platform.ask("SELECT count(*) FROM outbox WHERE published_at IS NULL"))


async def put(platform: Platform, *values: bytes, key: str = "k") -> None:
    """Messages of ours among the dead letters, on which nothing hangs."""
    async with platform.connection() as opened:
        await opened.execute(
            "INSERT INTO outbox (topic, key, value) SELECT $1, $2, unnest($3::bytea[])",
            DEAD_LETTERS, key.encode(), list(values),
        )  # fmt: skip


async def values(platform: Platform, key: str) -> list[bytes]:
    return [record.value for record in await platform.read(DEAD_LETTERS) if record.key == key.encode()]


async def end(platform: Platform, topic: str) -> int:
    async with AIOKafkaConsumer(bootstrap_servers=platform.stack.addresses.kafka) as consumer:
        return int((await consumer.end_offsets([TopicPartition(topic, 0)]))[TopicPartition(topic, 0)])


async def test_whoever_ignores_what_was_seen_meets_each_change_once_and_in_order_whatever_was_killed(
    platform: Platform, relay: Child
) -> None:
    for _ in range(KILLS):
        await platform.publish(platform.work(envelopes=1, events=1))
        await until("something waits or was told", lambda: has_begun(platform))
        relay.kill()
        await platform.publish(platform.work(envelopes=1, events=1))
        await asyncio.to_thread(relay.start)
    await platform.decided()
    await platform.told()
    seen: dict[str, tuple[int, int]] = {}
    for record in await platform.read(ALERTS):
        alert = Alert.model_validate_json(record.value)
        if (alert.epoch, alert.revision) > seen.get(alert.id, (0, 0)):
            assert (alert.epoch, alert.revision) == (1, seen.get(alert.id, (1, 0))[1] + 1)
            seen[alert.id] = (alert.epoch, alert.revision)
    async with platform.connection() as opened:
        stored = {
            row["alert"]: (1, row["revision"]) for row in await opened.fetch("SELECT alert, revision FROM alerts")
        }
    assert seen == stored
    assert max(revision for _, revision in seen.values()) > KILLS


async def has_begun(platform: Platform) -> bool:
    return await platform.received() > platform.published - 6


async def test_a_lower_number_that_commits_later_is_published_too(platform: Platform) -> None:
    async with platform.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        number = await slow.fetchval(
            "INSERT INTO outbox (topic, key, value) VALUES ($1, 'order', 'lower') RETURNING publication", DEAD_LETTERS
        )
        await put(platform, b"higher", key="order")
        await platform.told()
        assert await platform.ask("SELECT min(publication) FROM outbox WHERE value = 'higher'") > number
        await transaction.commit()
    await platform.told()
    assert await values(platform, "order") == [b"higher", b"lower"]


async def test_a_database_that_keeps_no_marks_gets_nothing_published_again_and_again(platform: Platform) -> None:
    await platform.told()
    before = await end(platform, DEAD_LETTERS)
    async with refusing_marks(platform):
        await put(platform, b"once", key="full")
        retries = (await platform.metrics("relay"))("monazite_retries_total", what="relay")

        async def tried() -> bool:
            return (await platform.metrics("relay"))("monazite_retries_total", what="relay") >= retries + 3

        await until("the relay has tried a few times", tried)
        assert not await platform.healthy("relay")
        assert await end(platform, DEAD_LETTERS) == before
    await platform.told()
    assert await values(platform, "full") == [b"once"]
    await until("the relay is well", lambda: platform.healthy("relay"))


@asynccontextmanager
async def refusing_marks(platform: Platform) -> AsyncIterator[None]:
    """As a full disk does."""
    async with platform.connection() as opened:
        await opened.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$;"
            "CREATE TRIGGER full_disk BEFORE UPDATE ON outbox FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
        try:
            yield
        finally:
            await opened.execute("DROP TRIGGER full_disk ON outbox; DROP FUNCTION full_disk()")


async def test_what_waits_while_the_broker_is_away_is_counted_and_fits_into_bounded_memory(
    platform: Platform, relay: Child
) -> None:
    await platform.told()
    await asyncio.to_thread(platform.stack.servers.kafka.stop)
    await put(platform, *(f"small-{number}".encode() for number in range(2_500)), key="many")
    for _ in range(10):
        await put(platform, *(bytes([65 + n]) * (MIB // 2) for n in range(20)), key="large")

    async def counted() -> bool:
        return (await platform.metrics("relay"))("monazite_outbox_messages") == await waiting(platform) >= 2_700

    await until("all that waits is counted", counted)
    assert not await platform.healthy("relay")
    before = psutil.Process(relay.pid).memory_info().rss
    await asyncio.to_thread(platform.stack.servers.kafka.start)
    await platform.told(limit_s=120)
    assert psutil.Process(relay.pid).memory_info().rss - before < 60 * MIB, "of the 100 MiB that waited"
    assert await values(platform, "many") == [f"small-{number}".encode() for number in range(2_500)]
    await until("the relay is well", lambda: platform.healthy("relay"))


async def limit(platform: Platform, size: int) -> None:
    """What the broker takes on the topic of dead letters."""
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.stack.addresses.kafka)
    await admin.start()
    try:
        configs: dict[str, Any] = {"max.message.bytes": str(size)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, DEAD_LETTERS, configs)])
    finally:
        await admin.close()


async def test_a_message_that_the_broker_does_not_take_is_set_aside_loudly_and_blocks_nobody(
    platform: Platform, relay: Child
) -> None:
    await limit(platform, 50_000)
    await put(platform, b"first", bytes(60_000), b"second", key="odd")

    async def all_but_one() -> bool:
        return await waiting(platform) == 1

    await until("the others are told", all_but_one)
    assert await values(platform, "odd") == [b"first", b"second"]
    assert "max.message.bytes" in (await platform.health("relay"))["checks"]["parked"]["detail"]
    assert (await platform.metrics("relay"))("monazite_messages_parked_total") == 1
    await put(platform, b"third", key="odd")
    await until("what comes later is told", all_but_one)
    await limit(platform, MIB)
    await asyncio.to_thread(relay.restart)
    await platform.told()
    assert await values(platform, "odd") == [b"first", b"second", b"third", bytes(60_000)]
