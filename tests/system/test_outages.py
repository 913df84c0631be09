"""Servers that die under load, and a database that was restored: health says so, and nothing is lost or doubled."""

import asyncio
import shutil
from pathlib import Path

import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from running_platform import INTAKE_QUICKLY, REO_G, Platform, a_registry, until

from monazite import stack
from monazite.embedded.children import Child
from monazite_contracts.topics import PLANT_TOPICS

ENVELOPES, EVENTS = 20, 5
LOAD_G = 6 * ENVELOPES * EVENTS * REO_G
SETTINGS = INTAKE_QUICKLY


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    made = Platform(running)
    await made.apply(a_registry())
    await made.publish(made.work(envelopes=1))
    await made.decided()
    return made


async def is_red(platform: Platform, *services: str) -> None:
    for service in services:

        async def red(name: str = service) -> bool:
            return not await platform.healthy(name)

        await until(f"{service} is red", red)


async def is_green(platform: Platform, *services: str) -> None:
    for service in services:

        async def green(name: str = service) -> bool:
            return await platform.healthy(name)

        await until(f"{service} is green", green)


async def start(child: Child) -> None:
    await asyncio.to_thread(child.start)


async def test_a_database_that_dies_under_load_turns_everything_red_and_all_recovers(platform: Platform) -> None:
    before = await platform.drawn_g()
    load = platform.work(ENVELOPES, EVENTS)
    half = len(load) // 2
    await platform.publish(load[:half])
    platform.stack.servers.postgres.kill()
    await platform.publish(load[half:])
    await is_red(platform, *stack.SERVICES)
    assert (await platform.metrics("intake"))("monazite_healthy") == 0
    await start(platform.stack.servers.postgres)
    await platform.decided()
    await platform.told()
    assert await platform.drawn_g() - before == LOAD_G
    await platform.proven()
    await is_green(platform, *stack.SERVICES)


async def test_partitions_assigned_while_the_database_is_away_are_read_when_it_is_back(platform: Platform) -> None:
    before = await platform.drawn_g()
    platform.stack.servers.postgres.kill()
    # A stranger who joins and leaves the group makes it assign everything anew, twice.
    stranger = AIOKafkaConsumer(
        *PLANT_TOPICS.values(), bootstrap_servers=platform.stack.addresses.kafka, group_id="monazite-intake"
    )
    await stranger.start()
    await until("the stranger has its share", lambda: _has_share(stranger))
    await stranger.stop()

    async def says_why() -> bool:
        return not (await platform.health("intake"))["checks"]["assignment"]["healthy"]

    await until("intake says that it cannot read its positions", says_why)
    load = platform.work(2, EVENTS)
    await platform.publish(load)
    await start(platform.stack.servers.postgres)
    await platform.decided()
    assert await platform.drawn_g() - before == len(load) * EVENTS * REO_G
    await is_green(platform, *stack.SERVICES)


async def _has_share(consumer: AIOKafkaConsumer) -> bool:
    return 0 < len(consumer.assignment()) < 18


async def test_intake_started_while_the_database_is_away_waits_and_says_why(platform: Platform) -> None:
    intake = platform.stack.services["intake"].child
    intake.kill()
    platform.stack.servers.postgres.kill()
    starting = asyncio.create_task(start(intake))

    async def says_why() -> bool:
        return "refused" in (await platform.health("intake"))["checks"]["start"]["detail"]

    await until("the new process says that it waits", says_why)
    await platform.publish(platform.work(1, 1))
    await start(platform.stack.servers.postgres)
    await starting
    await platform.decided()
    await platform.proven()


async def test_a_broker_that_dies_under_load_turns_intake_and_relay_red_and_all_recovers(platform: Platform) -> None:
    before = await platform.drawn_g()
    load = platform.work(ENVELOPES, EVENTS)
    half = len(load) // 2
    await platform.publish(load[:half])
    platform.stack.servers.kafka.kill()
    await is_red(platform, "intake", "relay")
    await is_green(platform, "watch", "custody")  # which need the database alone
    await start(platform.stack.servers.kafka)
    await platform.publish(load[half:])
    await platform.decided(limit_s=90)
    await platform.told()
    assert await platform.drawn_g() - before == LOAD_G
    await platform.proven()
    await is_green(platform, *stack.SERVICES)


def _stop(platform: Platform) -> None:
    for service in reversed(platform.stack.services.values()):
        service.child.stop()
    platform.stack.servers.postgres.stop()


def _start(platform: Platform) -> None:
    platform.stack.servers.postgres.start()
    for service in platform.stack.services.values():
        service.child.start()


async def test_a_database_restored_to_an_older_state_reads_again_from_kafka_and_ends_the_same(
    platform: Platform, tmp_path: Path
) -> None:
    data, copy = platform.stack.servers.folder.postgres, tmp_path / "snapshot"
    await asyncio.to_thread(_stop, platform)
    # With owners and rights: PostgreSQL runs as another user when we are root.
    await asyncio.to_thread(_copy, data, copy)
    await asyncio.to_thread(_start, platform)
    await platform.publish(platform.work(ENVELOPES, EVENTS))
    await platform.decided()
    await platform.told()
    lost = await _state(platform)
    await asyncio.to_thread(_stop, platform)
    await asyncio.to_thread(_restore, copy, data)
    await asyncio.to_thread(_start, platform)
    await platform.decided()
    await platform.told()
    assert await _state(platform) == lost
    await platform.proven()
    await is_green(platform, *stack.SERVICES)


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)


def _restore(copy: Path, data: Path) -> None:
    """Puts files back in place of the newer ones; each keeps the owner of the directory it belongs to."""
    owner = data.stat()
    shutil.rmtree(data)
    shutil.copytree(copy, data, symlinks=True)
    for path in (data, *data.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)


async def _state(platform: Platform) -> dict[str, object]:
    async with platform.connection() as opened:
        return {
            "drawn": await platform.drawn_g(),
            "positions": await opened.fetch(
                "SELECT topic, partition, log_generation, next_offset, received FROM intake_positions ORDER BY 1, 2, 3"
            ),
            "ledger": await opened.fetch(
                "SELECT topic, partition, log_offset, arrived_at, hash FROM ledger ORDER BY 1, 2, 3"
            ),
            "events": await opened.fetch("SELECT event_id, outcome, effective FROM events ORDER BY 1, 2"),
            "alerts": await opened.fetch(
                "SELECT alert, condition, severity, percent, evidence FROM alerts WHERE condition = 'raised' ORDER BY 1"
            ),
            "decided": await opened.fetch(
                "SELECT plant, decided::text FROM source_states JOIN sources USING (source) ORDER BY 1"
            ),
        }
