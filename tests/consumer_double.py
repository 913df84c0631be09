"""What a member of the group is tested with where no broker is asked: records, a consumer, a world that is away."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from monazite_consumers.health import Health
from monazite_contracts.topics import PARTITIONS

TP = TopicPartition("plant-production", 0)


@dataclass
class Record:
    """As aiokafka hands it out."""

    offset: int
    topic: str = TP.topic
    partition: int = TP.partition
    timestamp: int = 0
    key: bytes | None = b"k"
    value: bytes | None = b"no envelope"
    headers: tuple[Any, ...] = ()


@dataclass
class Consumer:
    """Of one partition: remembers that it was paused, and says how far it has got."""

    reached: int = 5
    paused: list[TopicPartition] = field(default_factory=list)

    def assignment(self) -> set[TopicPartition]:
        return {TP}

    def pause(self, tp: TopicPartition) -> None:
        self.paused.append(tp)

    async def position(self, tp: TopicPartition) -> int:
        assert tp == TP
        return self.reached

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(PARTITIONS[topic]))

    def highwater(self, tp: TopicPartition) -> int:
        assert tp == TP
        return 9


async def no_database() -> Any:
    raise OSError("away")


def no_reader() -> Any:
    raise AssertionError("no log is looked at without a database")


async def turns_red(health: Health, duty: str, clock: list[float], within_s: float) -> None:
    """Health is good while a duty has begun, and no longer once it took too long."""
    async with asyncio.timeout(30):
        while duty not in health._beats:  # noqa: ASYNC110 - a beat wakes nobody
            await asyncio.sleep(0)
    assert health.healthy
    clock[0] = within_s + 1
    assert not health.healthy
