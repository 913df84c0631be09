"""Watch takes its turn among members that decide without a pause."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from regulator_desk import OPENED_AT, Desk, a_draw, send, the_registry

from monazite_consumers.database import REGISTRY_LOCK, Connection, connect

WAITING = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
SHARED = "SELECT pg_advisory_xact_lock_shared($1)"


@asynccontextmanager
async def a_member(desk: Desk) -> AsyncIterator[Connection]:
    opened = await connect(desk.url)
    try:
        yield opened
    finally:
        opened.terminate()


async def until_waiting(desk: Desk, number: int) -> None:
    async with asyncio.timeout(30):
        while await desk.connection.fetchval(WAITING) < number:  # noqa: ASYNC110 - PostgreSQL tells nobody
            await asyncio.sleep(0.01)


async def test_watch_is_let_in_before_a_member_that_asks_after_it(desk: Desk) -> None:
    await desk.declare(the_registry())
    at = OPENED_AT + timedelta(days=1)
    await desk.connection.execute("UPDATE platform SET instant = $1", at)
    async with a_member(desk) as first, a_member(desk) as second, a_member(desk) as watching:
        deciding = first.transaction()
        await deciding.start()
        await first.execute(SHARED, REGISTRY_LOCK)
        passing = asyncio.create_task(desk.watching.pass_once(watching))
        await until_waiting(desk, 1)
        async with second.transaction():
            follower = asyncio.create_task(second.execute(SHARED, REGISTRY_LOCK))
            await until_waiting(desk, 2)
            await deciding.rollback()
            await follower
            assert await desk.connection.fetchval("SELECT judged_at FROM platform") == at
        await passing


async def test_custody_is_woken_when_watch_has_seen_that_no_decision_is_under_way(desk: Desk) -> None:
    await desk.declare(the_registry())
    woken = asyncio.Event()
    async with a_member(desk) as listening:
        await listening.add_listener("monazite_settled", lambda *_: woken.set())
        await desk.watch(OPENED_AT + timedelta(days=1))
        assert not woken.is_set()  # nothing was received
        await desk.receive(send(a_draw(1)))
        await desk.watch(OPENED_AT + timedelta(days=2))
        async with asyncio.timeout(30):
            await woken.wait()
