"""Through which instant everything that arrived is known: intake has read it, and custody has followed it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from monazite_consumers.database import Connection
from monazite_consumers.rules.positions import all_read, read_on
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.sql import statement
from monazite_contracts.topics import PLANT_TOPICS, TOPICS

log = logging.getLogger(__name__)

ANSWERS_WITHIN_S: Final = 2.0
"""Longer is no answer: watch goes on without, and what is known stays what it was."""

RETRY_BACKOFF_MS: Final = 400
"""While the broker is away the client says so at each try: the default is ten times a second."""

Offsets = Mapping[TopicPartition, int]
AskEnds = Callable[[], Awaitable[Offsets | None]]

PARTITIONS: Final = [
    TopicPartition(topic.name, number)
    for topic in TOPICS
    if topic.name in PLANT_TOPICS.values()
    for number in range(topic.partitions)
]


async def nothing_waits() -> Offsets | None:
    """For a platform without Kafka: whatever has arrived has been handed in."""
    return {}


class Ends:
    """Asks Kafka where the plant topics end."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._reader: AIOKafkaConsumer | None = None

    async def __call__(self) -> Offsets | None:
        """The offsets after the newest messages; None while Kafka does not say."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                if self._reader is None:
                    reader = AIOKafkaConsumer(
                        bootstrap_servers=self._kafka.bootstrap, group_id=None, enable_auto_commit=False,
                        retry_backoff_ms=RETRY_BACKOFF_MS,
                    )  # fmt: skip
                    try:
                        await reader.start()
                    except BaseException:
                        await reader.stop()
                        raise
                    self._reader = reader
                ends: Offsets = await self._reader.end_offsets(PARTITIONS)
                return ends
        except (OSError, KafkaError) as error:
            log.info("nobody says where the plant topics end: %s: %s", type(error).__name__, error)
            return None

    async def stop(self) -> None:
        """Hangs up."""
        if self._reader is not None:
            await self._reader.stop()


@dataclass(slots=True)
class _Sought:
    """Everything that had arrived `at` an instant lies before `ends`; once it is read, `message` is the last of it."""

    at: datetime
    ends: Offsets
    message: int | None = None


class Knowing:
    """Asks for the ends at an instant, and waits until what lies before them has been read and followed."""

    def __init__(self, ends: AskEnds) -> None:
        self._ends = ends
        self._sought: _Sought | None = None
        self.waits_for = "watch has not asked yet"

    def forget(self) -> None:
        """Whatever was sought: another database may be behind the next connection."""
        self._sought = None

    async def ask(self, connection: Connection, at: datetime) -> None:
        """At an instant that has come already, and outside of any transaction."""
        read = await _positions(connection)
        ends = await self._ends()
        if ends is None:
            self.waits_for = "Kafka does not say where the plant topics end"
            return
        if not read_on(read, ends):
            self.waits_for = (
                f"another log than the one that was read: {_named({tp: read[tp] for tp in read if tp in ends}, ends)}"
            )
            return
        if self._sought is None or any(ends.get(tp, 0) < end for tp, end in self._sought.ends.items()):
            self._sought = _Sought(at, ends)  # logs that were made again end elsewhere

    async def reached(self, connection: Connection) -> datetime | None:
        """The instant through which everything is known since; in a transaction beside which nobody decides."""
        sought = self._sought
        if sought is None:
            return None
        if sought.message is None:
            read = await _positions(connection)
            if not all_read(read, sought.ends):
                self.waits_for = f"intake has not read {_named(sought.ends, read)}"
                return None
            sought.message = await connection.fetchval(statement("platform", "settled_message"))
        if not await connection.fetchval(statement("following", "followed"), sought.message):
            self.waits_for = f"custody has not followed message {sought.message}"
            return None
        self._sought = None
        return sought.at


def _named(further: Offsets, behind: Offsets) -> str:
    """The first partition of which one side is not as far as the other."""
    tp = min(tp for tp, offset in further.items() if behind.get(tp, 0) < offset)
    return f"{tp.topic}/{tp.partition}, {behind.get(tp, 0)} of {further[tp]}"


async def _positions(connection: Connection) -> Offsets:
    """Of the newest generation of each partition's log."""
    rows = await connection.fetch(statement("positions", "all"))
    return {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
