"""One active instance of a service: whoever holds its session lock, on the very connection it writes with."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from monazite_consumers import metrics
from monazite_consumers.database import ANSWER_WITHIN_S, LOCK_SESSION, Connection, connect
from monazite_consumers.health import Health

log = logging.getLogger(__name__)

STANDBY_POLL_S = 0.5
USED_EVERY_S = 1.0

Answer = TypeVar("Answer")


@asynccontextmanager
async def held(url: str, lock: int, service: str, health: Health) -> AsyncIterator[Connection]:
    """Waits for a session lock and yields the connection that holds it; the server ends a paused holder's session."""
    connection = await connect(url, LOCK_SESSION, answer_within_s=ANSWER_WITHIN_S)
    try:
        health.green("database")
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):
            health.green(service)  # in line, and able to take over
            health.beat(service, limit_s=30)
            await asyncio.sleep(STANDBY_POLL_S)
        metrics.ACTIVE.labels(service).set(1)
        log.info("%s is active", service)
        yield connection
    finally:
        metrics.ACTIVE.labels(service).set(0)
        connection.terminate()


async def while_held(connection: Connection, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Awaits what needs no database, and uses the lock's session meanwhile: the server ends one that is idle."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=USED_EVERY_S))[0]:
            await connection.execute("SELECT")
        return task.result()
    finally:
        task.cancel()
