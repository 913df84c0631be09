"""Looks lots up while more of their chain is being found."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement

Answer = TypeVar("Answer")
Question = Callable[[Connection, list[str]], Awaitable[Mapping[str, Answer]]]


class Found:
    """Lots in the order in which they are found, until no more are to come."""

    def __init__(self) -> None:
        self.lots: list[str] = []
        self._over = False
        self._news = asyncio.Event()

    def add(self, lots: Iterable[str]) -> None:
        """Further ones."""
        self.lots += lots
        self._news.set()

    def end(self) -> None:
        """No more are to come."""
        self._over = True
        self._news.set()

    async def beyond(self, known: int) -> bool:
        """Waits for more than so many; False: there are no more, and none are to come."""
        while len(self.lots) == known and not self._over:
            self._news.clear()
            await self._news.wait()
        return len(self.lots) > known


class Looking:
    """Questions about lots, on a session that answers one at a time."""

    def __init__(self, connection: Connection, found: Found) -> None:
        self._connection = connection
        self._found = found
        self._turn = asyncio.Lock()
        self.tasks: list[asyncio.Task[Any]] = []

    async def ask(self, question: "Question[Answer]") -> "asyncio.Task[dict[str, Answer]]":
        """Begins to ask about every lot that is found; done when the last was."""
        task = asyncio.create_task(self._ask(question))
        self.tasks.append(task)
        await asyncio.sleep(0)  # what is found already is asked about at once, whatever we work on next
        return task

    async def ask_once(self, question: "Question[Answer]", lots: list[str]) -> Mapping[str, Answer]:
        """About these lots, when it is its turn."""
        async with self._turn:
            return await question(self._connection, lots)

    async def _ask(self, question: "Question[Answer]") -> dict[str, Answer]:
        """Those that came up while others were asked about are asked about together."""
        known: dict[str, Answer] = {}
        asked = 0
        while await self._found.beyond(asked):
            async with self._turn:
                some = self._found.lots[asked:]
                asked += len(some)
                known |= await question(self._connection, some)
        return known


@asynccontextmanager
async def looking(connection: Connection, found: Found) -> AsyncIterator[Looking]:
    """Whose questions end with it, whatever happens."""
    asked = Looking(connection, found)
    try:
        yield asked
    finally:
        for task in asked.tasks:
            task.cancel()
        await asyncio.gather(*asked.tasks, return_exceptions=True)


@asynccontextmanager
async def seeing_the_same(connection: Connection, beside: Connection | None) -> AsyncIterator[Connection]:
    """A second session with the snapshot of the first, which is in a transaction; or that one, where there is none."""
    if beside is None:
        yield connection
        return
    async with beside.transaction(isolation="repeatable_read", readonly=True):
        name = await connection.fetchval(statement("tracing", "snapshot"))
        await beside.execute(f"SET TRANSACTION SNAPSHOT '{name}'")  # takes no parameter; the name is PostgreSQL's own
        yield beside
