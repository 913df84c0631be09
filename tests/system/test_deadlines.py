"""A deadline passes while intake or watch is away: who declared in time is never called missing, on a real Kafka."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from running_platform import HOLDER, INTAKE_QUICKLY, PLANTS, Gateway, Platform, a_registry, until

from monazite import stack
from monazite_consumers.clock import drive
from monazite_contracts.builders import a_nil_declaration, a_source
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.chain import Chain
from monazite_producers.publisher import Outgoing, Publisher, PublisherSettings

DEADLINE = datetime(2023, 6, 10, 16, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture(scope="module")
def driven() -> Iterator[stack.Stack]:
    """A platform of its own, whose clock stands a day before the deadline of May 2023."""
    with stack.running(instant=DEADLINE - DAY, settings=INTAKE_QUICKLY) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(driven: stack.Stack) -> Platform:
    made = Platform(driven)
    duty = {"enterprise": HOLDER, "since": "2023-05-01", "basis": "R2"}
    await made.apply(a_registry() | {"duties": [duty]})
    await known(made, DEADLINE - DAY)
    return made


def declared(plant: str, at: datetime) -> Outgoing:
    """The plant's record of May, as its gateway publishes it at an instant."""
    gateway = Gateway(plant)
    gateway.source = a_source(plant, stream="declarations", incarnation="0" * 32)
    value = Chain(gateway.source).form([a_nil_declaration(plant=plant)]).value
    sent = gateway.send(value)
    assert sent.topic == PLANT_TOPICS[gateway.source.stream]
    return replace(sent, at=at)


async def publish(platform: Platform, message: Outgoing) -> None:
    settings = PublisherSettings(platform.stack.addresses.kafka, "test", driven_clock=True)
    async with Publisher(settings) as publisher:
        await publisher.publish([message])
    platform.published += 1


async def move_clock(platform: Platform, at: datetime) -> None:
    async with platform.connection() as opened:
        await drive(opened, at)


async def known(platform: Platform, at: datetime) -> None:
    """Waits until everything that had arrived by an instant is read and followed."""

    async def is_so() -> bool:
        return bool(await platform.ask("SELECT known_until >= $1 FROM platform", at))

    await until(f"everything is known until {at}", is_so, limit_s=90)


async def judged(platform: Platform, at: datetime) -> None:
    """Waits until watch has judged at an instant, whatever is known."""

    async def is_so() -> bool:
        return bool(await platform.ask("SELECT judged_at >= $1 FROM platform", at))

    await until(f"watch has judged at {at}", is_so, limit_s=90)


async def missing(platform: Platform) -> set[str]:
    """The plants that were ever called missing."""
    async with platform.connection() as opened:
        rows: list[Any] = await opened.fetch("SELECT subject FROM alerts WHERE rule = 'declaration-missing'")
    return {row["subject"] for row in rows}


async def test_a_record_that_lies_in_kafka_unread_at_the_deadline_is_not_missing(platform: Platform) -> None:
    intake, in_time = platform.stack.services["intake"].child, PLANTS[0]
    await asyncio.to_thread(intake.stop)
    await publish(platform, declared(in_time, DEADLINE - SECOND))
    await move_clock(platform, DEADLINE + DAY)
    await judged(platform, DEADLINE + DAY)
    assert await missing(platform) == set(), "nobody is, for nobody knows"
    await asyncio.to_thread(intake.start)
    await known(platform, DEADLINE + DAY)

    async def all_but_one() -> bool:
        return await missing(platform) == set(PLANTS) - {in_time}

    await until("whoever did not declare is missing", all_but_one)


async def test_a_watch_that_restarts_while_the_clock_moves_says_the_same(platform: Platform) -> None:
    before = await missing(platform)
    watch = platform.stack.services["watch"].child
    await asyncio.to_thread(watch.kill)
    await publish(platform, declared(PLANTS[1], DEADLINE + 2 * DAY))
    await move_clock(platform, DEADLINE + 6 * DAY)
    await asyncio.to_thread(watch.start)
    await known(platform, DEADLINE + 6 * DAY)

    async def escalated() -> bool:
        rule = "SELECT count(*) FROM alerts WHERE rule = 'declaration-escalated' AND condition = 'raised'"
        return bool(await platform.ask(rule) == len(PLANTS) - 2)

    await until("the rest is escalated", escalated)
    assert await missing(platform) == before
    assert await platform.ask("SELECT count(*) FROM outages") == 0, "a restart is no outage"
    assert await platform.ask("SELECT subject FROM alerts WHERE rule = 'declaration-late'") == PLANTS[1]
