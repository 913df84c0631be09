"""A relay that freezes anywhere and wakes up behind its successor changes nothing on any topic."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from freezing_relay import POINTS
from running_platform import DECIDING_AND_TELLING, INTAKE_QUICKLY, PLANTS, Gateway, Platform, a_registry, until

from monazite import stack
from monazite.embedded.children import Child
from monazite_contracts.topics import ALERTS, PLANT_TOPICS

FREEZING = Path(__file__).parent.parent / "freezing_relay.py"
SETTINGS = INTAKE_QUICKLY
SERVICES = DECIDING_AND_TELLING


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    made = Platform(running)
    await made.apply(a_registry())
    await made.publish(made.work(envelopes=1))
    await made.decided()
    await made.told()
    return made


@pytest.fixture
def frozen(platform: Platform, request: pytest.FixtureRequest) -> Iterator[stack.Service]:
    """A relay that freezes at a point; it is started by the test."""
    servers = platform.stack.servers
    port_file = servers.folder.run / "frozen.port"
    shipped = stack.program("relay", "frozen", servers, port_file, INTAKE_QUICKLY)
    python, *_, serve, relay, option, path = shipped.argv
    argv = (python, str(FREEZING), request.param, serve, relay, option, path)
    child = Child(replace(shipped, argv=argv, ready=lambda _: True), servers.folder.run)
    yield stack.Service(child, port_file)
    with suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGCONT)
    child.stop()


async def is_frozen(child: Child) -> bool:
    return psutil.Process(child.pid).status() == psutil.STATUS_STOPPED


async def ends(platform: Platform) -> dict[TopicPartition, int]:
    """The end of every partition that the relay writes to: committed or not, it only grows."""
    async with AIOKafkaConsumer(bootstrap_servers=platform.stack.addresses.kafka) as consumer:
        told = {t for t in await consumer.topics() if t not in PLANT_TOPICS.values() and not t.startswith("__")}
        partitions = [TopicPartition(topic, 0) for topic in told]
        found: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        assert found[TopicPartition(ALERTS, 0)] > 0
        return found


@pytest.mark.parametrize(("frozen", "point"), [(p, p) for p in POINTS], ids=list(POINTS), indirect=["frozen"])
async def test_a_relay_that_wakes_up_behind_its_successor_changes_nothing(
    platform: Platform, frozen: stack.Service, point: str
) -> None:
    successor = platform.stack.services["relay"].child
    await asyncio.to_thread(successor.stop)
    gapped = Gateway(PLANTS[0], sha256(point.encode()).hexdigest()[:32])
    gapped.produce()  # never sent: the gap is an alert
    await platform.publish([gapped.produce(), *platform.work(envelopes=1, events=1)])
    await platform.decided()
    await asyncio.to_thread(frozen.child.start)
    await until("the relay has frozen", lambda: is_frozen(frozen.child))
    # At once: the successor begins before any time limit of the first has passed.
    await platform.ask(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state = 'idle in transaction'"
    )
    await asyncio.to_thread(successor.start)
    await platform.told()
    before = await ends(platform)
    os.kill(frozen.child.pid, signal.SIGCONT)

    woken = Platform(replace(platform.stack, services={"woken": frozen}))

    async def waits_in_line() -> bool:
        said = await woken.metrics("woken")
        return said("monazite_retries_total", what="relay") > 0 and said("monazite_healthy") == 1

    await until("what woke up has left and waits in line", waits_in_line)
    assert (await woken.metrics("woken"))("monazite_active", service="relay") == 0
    assert await ends(platform) == before
    assert await platform.healthy("relay"), "and it did not shut its successor out"
    await platform.publish(platform.work(envelopes=1, events=1))
    await platform.decided()
    await platform.told()
