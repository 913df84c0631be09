"""Logs that are not what they were: segments deleted unread, and a topic made anew."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from chaos.oracle import Message
from chaos.oracle.facts import day_of
from chaos.ordeal import Fault, Scene
from chaos.world import NeverError, World, until
from monazite_consumers.topics import configuration
from monazite_contracts.topics import TOPICS

PRODUCTION = next(topic for topic in TOPICS if topic.name == "plant-production")
UNREAD_MIN = 60


@asynccontextmanager
async def _administrator(world: World) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def _positions(world: World) -> dict[int, tuple[int, int]]:
    """Generation and position of each partition of production."""
    async with world.connection() as opened:
        rows = await opened.fetch(
            "SELECT DISTINCT ON (partition) partition, log_generation, next_offset FROM intake_positions"
            " WHERE topic = $1 ORDER BY partition, log_generation DESC",
            PRODUCTION.name,
        )
    return {row["partition"]: (row["log_generation"], row["next_offset"]) for row in rows}


async def _unread(scene: Scene) -> list[Message]:
    """Waits until there is enough that intake, which is away, has not read; returns it."""
    positions = await _positions(scene.world)

    def found() -> list[Message]:
        return [
            m
            for m in scene.load.account
            if m.topic == PRODUCTION.name and (m.generation, m.offset) >= positions.get(m.partition, (1, 0))
        ]

    async def enough() -> bool:
        return len(found()) >= UNREAD_MIN

    await until("enough is unread", enough)
    return found()


def _today() -> str:
    return f"{day_of(datetime.now(UTC))}"


class SegmentsDeleted(Fault):
    """Retention deletes what intake has not read yet; the gateways send it again, for no receipt covers it."""

    name = "old segments deleted before they were read"

    async def strike(self, scene: Scene) -> None:
        world, load = scene.world, scene.load
        world.child("intake").kill()
        await _unread(scene)
        async with load.alone():
            unread, before = await _unread(scene), await self._lost(world)
            ends = {p: max(m.offset for m in unread if m.partition == p) for p in {m.partition for m in unread}}
            async with _administrator(world) as admin:
                partitions = {TopicPartition(PRODUCTION.name, p): RecordsToDelete(end) for p, end in ends.items()}
                await admin.delete_records(partitions)
            gone = [m for m in unread if m.offset < ends[m.partition]]
            load.account = [m for m in load.account if m not in gone]
            load.raised.add(("log-lost", PRODUCTION.name, _today()))
        await world.start("intake")
        await load.publish([load.again(message) for message in gone])

        async def said() -> bool:
            return await self._lost(world) - before == len(gone)

        await until(f"intake says that {len(gone)} messages were deleted unread", said)

    async def _lost(self, world: World) -> int:
        return int(await world.ask("SELECT coalesce(sum(lost), 0) FROM intake_positions"))

    async def heal(self, scene: Scene) -> None:
        if not scene.world.child("intake").alive:
            await scene.world.start("intake")


class TopicMadeAnew(Fault):
    """A topic is deleted and made anew; intake stands still until somebody adopts the new log."""

    name, red = "a topic deleted and made anew", ("intake",)

    async def strike(self, scene: Scene) -> None:
        world, load = scene.world, scene.load
        world.child("intake").kill()
        await _unread(scene)
        await load.rest()
        unread, positions = await _unread(scene), await _positions(world)
        await self._make_anew(world)
        load.account = [m for m in load.account if m not in unread]
        for partition, (generation, next_offset) in positions.items():
            if next_offset:
                load.generations[PRODUCTION.name, partition] = generation + 1
        await load.reopen()
        await load.publish([load.again(message) for message in unread])
        load.go()
        starting = asyncio.create_task(world.start("intake"))  # it is not well before the log is adopted
        try:
            await until("intake stands still", lambda: self._stands_still(world))
            scene.broken()
            await asyncio.sleep(3)
        finally:
            await self._adopt(world, load.generations)
            await starting
        load.raised.add(("log-replaced", PRODUCTION.name, _today()))

    async def _make_anew(self, world: World) -> None:
        async with _administrator(world) as admin:
            await admin.delete_topics([PRODUCTION.name])

            async def gone() -> bool:
                return PRODUCTION.name not in await admin.list_topics()

            await until("the topic is gone", gone)
            settings = configuration(PRODUCTION, driven=False)
            anew = NewTopic(PRODUCTION.name, PRODUCTION.partitions, 1, topic_configs=settings)

            async def made() -> bool:
                return not any(code for _, code, _ in (await admin.create_topics([anew])).topic_errors)

            await until("the topic is made anew", made)

    async def _stands_still(self, world: World) -> bool:
        checks = (await world.health("intake"))["checks"]
        return any("stands still" in check["detail"] for check in checks.values())

    async def _adopt(self, world: World, generations: dict[tuple[str, int], int]) -> None:
        addresses = world.servers.addresses
        environment = os.environ | {
            "MONAZITE_DATABASE__URL": addresses.postgres, "MONAZITE_KAFKA__BOOTSTRAP": addresses.kafka,
        }  # fmt: skip
        for topic, partition in sorted(generations):
            command = [sys.executable, "-m", "monazite", "intake", "adopt", topic, f"{partition}", "--by", "chaos"]
            done = await asyncio.to_thread(
                subprocess.run, command, env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise NeverError(f"adopt refuses {topic} {partition}: {done.stdout}{done.stderr}")

    async def heal(self, scene: Scene) -> None:
        if not scene.world.child("intake").alive:
            await scene.world.start("intake")
