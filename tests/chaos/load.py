"""The load: plants that publish at a steady rate, and the account of exactly what the broker acknowledged."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Self

from chaos.oracle import Message
from chaos.plants import Plants
from monazite_producers.publisher import Outgoing, Publisher, PublisherSettings

TICK_S = 0.1


class Load:
    """Publishes until told to rest. `account` holds what was acknowledged, and nothing else."""

    def __init__(self, bootstrap: str, seed: int, rate: int) -> None:
        self.plants = Plants(seed)
        self.account: list[Message] = []
        self.raised: set[tuple[str, str, str]] = set()
        """Conditions that no plant's words raise, but what a fault did to the log: rule, topic, day."""
        self.generations: dict[tuple[str, int], int] = {}
        """Of partitions whose log was begun anew."""
        self._bootstrap = bootstrap
        self._per_tick = max(1, round(rate * TICK_S))
        self._publishing = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._open()
        await self.publish(self.plants.opening())
        return self

    async def _open(self) -> None:
        self._publisher = Publisher(PublisherSettings(self._bootstrap, "chaos"))
        await self._publisher.__aenter__()

    async def reopen(self) -> None:
        """With a producer that knows nothing of what a log held before."""
        await self._publisher.__aexit__(None, None, None)
        await self._open()

    def again(self, message: Message) -> Outgoing:
        """What a gateway sends once more: the same value under the same seal."""
        return Outgoing(message.topic, message.key, message.value, message.headers, datetime.now(UTC))

    async def __aexit__(self, *_: object) -> None:
        await self.rest()
        await self._publisher.__aexit__(None, None, None)

    @property
    def rests(self) -> bool:
        """Whether nothing is being said."""
        return self._running is None

    def go(self) -> None:
        """Starts, or goes on."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def rest(self) -> None:
        """Stops after what is under way has been acknowledged; raises what went wrong with publishing."""
        running, self._running = self._running, None
        if running is not None:
            async with self._publishing:
                running.cancel()
            await asyncio.gather(running, return_exceptions=not running.done())

    async def _run(self) -> None:
        due = monotonic()
        while True:
            due = max(due + TICK_S, monotonic())  # an outage is not made up for
            await asyncio.sleep(due - monotonic())
            async with self._publishing:
                await self._publish(self.plants.send(self._per_tick))

    def alone(self) -> asyncio.Lock:
        """While it is held nobody else speaks for the plants."""
        return self._publishing

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publishes, and keeps the account."""
        async with self._publishing:
            await self._publish(messages)

    async def _publish(self, messages: Sequence[Outgoing]) -> None:
        for message, place in zip(messages, await self._publisher.publish(messages), strict=True):
            self.keep(message, place.topic, place.partition, place.offset, place.timestamp_ms)

    def ends(self) -> dict[tuple[str, int, int], int]:
        """Where each partition ends, as far as it was acknowledged."""
        ends: dict[tuple[str, int, int], int] = {}
        for message in self.account:
            *partition, offset = message.coordinate
            ends[tuple(partition)] = max(ends.get(tuple(partition), 0), offset + 1)  # type: ignore[index]
        return ends

    def keep(self, message: Outgoing, topic: str, partition: int, offset: int, at_ms: int) -> None:
        """Notes one acknowledged message."""
        generation = self.generations.get((topic, partition), 1)
        value = message.value or b""
        kept = Message(topic, partition, generation, offset, at_ms, message.key, message.headers, value)
        self.account.append(kept)
