"""Steps simulated days: clock, registry, publish, wait until the platform has decided everything."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from monazite.embedded.servers import Addresses
from monazite.errors import CommandError
from monazite_consumers import clock, database, register
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.redeciding import registry_changed
from monazite_consumers.registry.applying import APPLYING_SESSION, apply, plan
from monazite_consumers.reports.turns import closed_months, due_month
from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.rules.facts import Entry
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import day_start
from monazite_producers.publisher import Publisher, PublisherSettings
from monazite_producers.simulator import SimulatedDay, Simulation

DECIDED_WITHIN_S = 120
POLL_S = 0.004


@dataclass(slots=True)
class Progress:
    """What the screen shows: the day, what was published, and how the last registry change went."""

    day: SimulatedDay | None = None
    published: int = 0
    revisions: int = 0
    began: float = field(default_factory=monotonic)


class Driver:
    """Holds one connection and one publisher for the whole year."""

    def __init__(self, connection: database.Connection, publisher: Publisher) -> None:
        self.connection = connection
        self.progress = Progress()
        self._publisher = publisher
        self._registry = Registry()

    async def step(self, day: SimulatedDay) -> None:
        """One day: the clock first, then what the regulator declares, then what plants publish."""
        await clock.drive(self.connection, day_start(day.day))
        if day.registry is not None:
            await self._apply(day.registry)
        await self._publisher.publish(day.messages)
        self.progress.published += len(day.messages)
        self.progress.day = day
        await self._until("intake has decided", self._all_decided)
        await self._followed(day_start(day.day))

    async def finish(self, simulation: Simulation) -> None:
        """Lets the year end: the clock goes past every settle time, and everything that is to be told is published."""
        end = day_start(simulation.ends_on)
        await clock.drive(self.connection, end)
        await self._until("watch has judged", lambda: self._judged(end))
        await self._until("watch knows everything", lambda: self._known(end))
        await self._followed(end)
        await self._until("relay has published", self._all_published)

    async def _followed(self, instant: datetime) -> None:
        """Days pass in moments here: without this wait, custody and reports would lie days behind the driven clock."""
        await clock.drive(self.connection, instant)  # watch is rung, and lets custody go on
        await self._until("custody has followed", self._all_followed)
        await self._until("the month that is due is closed", self._all_closed)

    async def _apply(self, nouns: Mapping[str, Any]) -> None:
        entries: list[tuple[str, Entry]] = []
        for noun, declared in nouns.items():
            documents = [declared] if isinstance(declared, Mapping) else declared
            entries += [(noun, NOUNS[noun].model_validate(document)) for document in documents]

        async def decide_again(connection: Any, before: Any, after: Any, _: Any) -> None:
            await registry_changed(connection, before, after)

        platform = await read_platform(self.connection)
        planned = await plan(self.connection, entries)
        await apply(self.connection, planned, "demo", platform.instant or datetime.now(UTC), decide_again)
        self.progress.revisions += 1

    async def _all_decided(self) -> bool:
        rows = await self.connection.fetch(statement("positions", "all"))
        return bool(sum(row["received"] for row in rows) >= self.progress.published)

    async def _judged(self, instant: datetime) -> bool:
        return (await read_platform(self.connection)).judged_at >= instant

    async def _known(self, instant: datetime) -> bool:
        return (await read_platform(self.connection)).known_until >= instant

    async def _all_followed(self) -> bool:
        (row,) = await self.connection.fetch(statement("following", "caught_up"))
        return bool(row["caught_up"])

    async def _all_closed(self) -> bool:
        platform = await read_platform(self.connection)
        if await register.revision(self.connection) != self._registry.revision:
            self._registry = await register.load(self.connection)
        closed = await closed_months(self.connection)
        return await due_month(self.connection, self._registry, closed, platform.judged_at) is None

    async def _all_published(self) -> bool:
        (row,) = await self.connection.fetch(statement("outbox", "depth"))
        return bool(row["messages"] == 0)

    async def _until(self, what: str, is_so: Any) -> None:
        deadline = monotonic() + DECIDED_WITHIN_S
        while not await is_so():
            if monotonic() > deadline:
                raise CommandError(f"waited {DECIDED_WITHIN_S} s until {what}: see the services' logs")
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def driver(addresses: Addresses) -> AsyncIterator[Driver]:
    """A driver on running servers."""
    connection = await database.connect(addresses.postgres, APPLYING_SESSION)
    try:
        async with Publisher(PublisherSettings(addresses.kafka, "monazite-demo", driven_clock=True)) as publisher:
            yield Driver(connection, publisher)
    finally:
        await connection.close()
