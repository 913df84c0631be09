"""Logs that are not what they were: records deleted unread, and a topic made anew."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
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
async def administrator(world: World) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=world.bootstrap)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def positions_of(world: World) -> dict[int, tuple[int, int]]:
    """Generation and position of each partition of production."""
    async with world.connection() as opened:
        rows = await opened.fetch(
            "SELECT DISTINCT ON (partition) partition, log_generation, next_offset FROM intake_positions"
            " WHERE topic = $1 ORDER BY partition, log_generation DESC",
            PRODUCTION.name,
        )
    return {row["partition"]: (row["log_generation"], row["next_offset"]) for row in rows}


async def unread(scene: Scene) -> list[Message]:
    """Waits until there is enough that intake, which is away, has not read; returns it."""
    positions = await positions_of(scene.world)

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


def today() -> str:
    return f"{day_of(datetime.now(UTC))}"


async def stands_still(world: World, partitions: int) -> bool:
    """Whether so many partitions are not read any more, and intake says so."""
    checks = (await world.health("intake"))["checks"]
    return sum("stands still" in check["detail"] for check in checks.values()) >= partitions


async def adopt(world: World, partitions: Iterable[int]) -> None:
    """What a person does once it is clear what became of the log."""
    addresses = world.servers.addresses
    environment = os.environ | {
        "MONAZITE_DATABASE__URL": addresses.postgres, "MONAZITE_KAFKA__BOOTSTRAP": addresses.kafka,
    }  # fmt: skip

    def call(partition: int) -> None:
        command = ["-m", "monazite", "intake", "adopt", PRODUCTION.name, f"{partition}", "--by", "chaos"]
        done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NeverError(f"adopt refuses {PRODUCTION.name} {partition}: {done.stdout}{done.stderr}")

    await asyncio.gather(*(asyncio.to_thread(call, partition) for partition in partitions))


class SegmentsDeleted(Fault):
    """Retention deletes what intake has not read yet; the gateways send it again, for no receipt covers it."""

    name = "old segments deleted before they were read"

    async def strike(self, scene: Scene) -> None:
        world, load = scene.world, scene.load
        world.child("intake").kill()
        await unread(scene)
        async with load.alone():
            missed, before = await unread(scene), await self._lost(world)
            ends = {p: max(m.offset for m in missed if m.partition == p) for p in {m.partition for m in missed}}
            async with administrator(world) as admin:
                partitions = {TopicPartition(PRODUCTION.name, p): RecordsToDelete(end) for p, end in ends.items()}
                await admin.delete_records(partitions)
            gone = [m for m in missed if m.offset < ends[m.partition]]
            load.account = [m for m in load.account if m not in gone]
            load.raised.add(("log-lost", PRODUCTION.name, today()))
        await world.start("intake")
        await load.publish([load.again(message) for message in gone])

        async def said() -> bool:
            return await self._lost(world) - before == len(gone)

        try:
            await until(f"intake says that {len(gone)} messages were deleted unread", said)
        except NeverError as error:
            raise NeverError(f"{error}: it says {await self._lost(world) - before}") from error

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
        await unread(scene)
        await load.rest()
        missed, positions = await unread(scene), await positions_of(world)
        await self._make_anew(world)
        load.account = [m for m in load.account if m not in missed]
        for partition, (generation, next_offset) in positions.items():
            if next_offset:
                load.generations[PRODUCTION.name, partition] = generation + 1
        await load.reopen()
        await load.publish([load.again(message) for message in missed])
        load.go()
        starting = asyncio.create_task(world.start("intake"))  # it is not well before the log is adopted
        try:
            await until("intake stands still", lambda: stands_still(world, 1))
            scene.broken()
            await asyncio.sleep(3)
        finally:
            await adopt(world, [p for p, (_, reached) in positions.items() if reached])
            await starting
        load.raised.add(("log-replaced", PRODUCTION.name, today()))

    async def _make_anew(self, world: World) -> None:
        async with administrator(world) as admin:
            await admin.delete_topics([PRODUCTION.name])

            async def gone() -> bool:
                return PRODUCTION.name not in await admin.list_topics()

            await until("the topic is gone", gone)
            settings = configuration(PRODUCTION, driven=False)
            anew = NewTopic(PRODUCTION.name, PRODUCTION.partitions, 1, topic_configs=settings)

            async def made() -> bool:
                return not any(code for _, code, _ in (await admin.create_topics([anew])).topic_errors)

            await until("the topic is made anew", made)

    async def heal(self, scene: Scene) -> None:
        if not scene.world.child("intake").alive:
            await scene.world.start("intake")
