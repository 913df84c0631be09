"""Logs whose ends are gone: the broker acknowledged more than it still has after a crash."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from chaos.faults.logs import PRODUCTION, adopt, positions_of, stands_still, today, unread
from chaos.ordeal import Fault, Scene, caught_up
from chaos.world import World, until

BATCH_HEAD = 12
"""Of a record batch: its base offset (8 bytes) and how many bytes follow (4)."""


class Extent(NamedTuple):
    """What a log holds: from `start` to before `end`."""

    start: int
    end: int


class CutBelowThePosition(Fault):
    """What intake has read is gone from the log: it stands still until somebody adopts what is left."""

    name, red = "logs cut short below the position", ("intake",)

    async def strike(self, scene: Scene) -> None:
        world, load = scene.world, scene.load
        await load.rest()
        await caught_up(scene)
        positions = {p: at for p, at in (await positions_of(world)).items() if at[1]}
        positions = dict(sorted(positions.items())[:2])  # the others go on
        before = await _extents(world)
        after = await _cut(world, {p: (before[p].start + reached) // 2 for p, (_, reached) in positions.items()})
        await until("intake stands still", lambda: stands_still(world, len(positions)))
        scene.broken()
        for partition, (generation, _) in positions.items():
            left = after[partition]
            load.account += [  # it is read again, in a generation of its own
                m._replace(generation=generation + 1)
                for m in load.account
                if (m.topic, m.partition, m.generation) == (PRODUCTION.name, partition, generation)
                and left.start <= m.offset < left.end
            ]
            load.generations[PRODUCTION.name, partition] = generation + 1
        await load.reopen()
        load.go()
        await asyncio.sleep(2)
        await adopt(world, positions)
        load.raised.add(("log-replaced", PRODUCTION.name, today()))

    async def heal(self, scene: Scene) -> None:
        """It has been adopted."""


class CutAboveThePosition(Fault):
    """Only what nobody had read is gone: intake goes on by itself, and the gateways send it again."""

    name = "logs cut short above the position"

    async def strike(self, scene: Scene) -> None:
        world, load = scene.world, scene.load
        world.child("intake").kill()
        await unread(scene)
        await load.rest()
        positions, before = await positions_of(world), await _extents(world)
        after = await _cut(world, {p: (reached + before[p].end) // 2 for p, (_, reached) in positions.items()})
        gone = [m for m in await unread(scene) if m.offset >= after[m.partition].end]
        load.account = [m for m in load.account if m not in gone]
        await load.reopen()
        await load.publish([load.again(message) for message in gone])
        load.go()

    async def heal(self, scene: Scene) -> None:
        if not scene.world.child("intake").alive:
            await scene.world.start("intake")


async def _extents(world: World) -> dict[int, Extent]:
    partitions = [TopicPartition(PRODUCTION.name, number) for number in range(PRODUCTION.partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=world.bootstrap) as consumer:
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    return {tp.partition: Extent(starts[tp], ends[tp]) for tp in partitions}


async def _cut(world: World, offsets: Mapping[int, int]) -> dict[int, Extent]:
    """Kills the broker, cuts each partition's log at about an offset, starts it again; returns what it kept."""
    world.servers.kafka.kill()
    for partition, offset in offsets.items():
        (log,) = (world.servers.folder.kafka / "log" / f"{PRODUCTION.name}-{partition}").glob("*.log")
        os.truncate(log, _torn_at(log, offset))
    await asyncio.to_thread(world.servers.kafka.start)
    return await _extents(world)


def _torn_at(log: Path, offset: int) -> int:
    """In the middle of the first batch that begins at an offset or after it: the broker drops the torn rest itself."""
    at, size = 0, log.stat().st_size
    with log.open("rb") as file:
        while at < size:
            file.seek(at)
            head = file.read(BATCH_HEAD)
            if int.from_bytes(head[:8]) >= offset:
                return at + BATCH_HEAD
            at += BATCH_HEAD + int.from_bytes(head[8:])
    return size
