"""Connections, migrations and locks: everything that is PostgreSQL's and no noun's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
import orjson

from monazite_consumers.errors import RestoredError, SchemaError
from monazite_consumers.sql import migrations

Connection = asyncpg.Connection

REGISTRY_LOCK: Final = 0x6D6F_6E61_0001
"""Deciding transactions hold it shared, applying a registry holds it exclusively."""

PLANT_LOCKS: Final = 0x6D01
"""Class of the two-key advisory locks, one for each plant, that serialise what is decided about it."""

ALERT_LOCKS: Final = 0x6D02
"""Class of those that serialise alerts which decisions about several plants may touch, such as a topic's."""

WATCH_LOCK: Final = 0x6D6F_6E61_0002
RELAY_LOCK: Final = 0x6D6F_6E61_0003
CUSTODY_LOCK: Final = 0x6D6F_6E61_0004
REPORTS_LOCK: Final = 0x6D6F_6E61_0005
"""Session locks: one active watch, one active relay, one active custody, one that closes months."""

DECIDING_SESSION: Final = {
    "application_name": "monazite",
    "timezone": "UTC",
    # A paused member's open transaction would otherwise block its successor for ever.
    "idle_in_transaction_session_timeout": "10s",
    "lock_timeout": "30s",
    "statement_timeout": "60s",
    "jit": "off",
}

LOCK_SESSION: Final = DECIDING_SESSION | {"idle_session_timeout": "10s"}
"""Of a session that holds a session lock and is used every second: a paused holder loses it."""

MIGRATING_SESSION: Final = DECIDING_SESSION | {"statement_timeout": "0"}
"""Of a migration, which takes as long as a ledger of millions of rows needs."""


WORLD_IS_BAD: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,  # the driver lost its place: a session that was ended while we were paused
    RestoredError,
    OSError,
    TimeoutError,
)
"""What waiting may cure, if only for somebody."""


TOO_MUCH: Final = asyncpg.QueryCanceledError
"""A statement ran into its time limit: the world may be slow for a while, or the transaction too large for ever."""

DATABASE_ERRORS: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Whatever a database that is away, or ends a session that was paused, makes the driver raise."""


CONNECT_WITHIN_S: Final = 15.0
ANSWER_WITHIN_S: Final = 75.0
"""Of a service's statements: longer than statement_timeout. A network that goes silent ends no connection by itself."""


async def _set_codecs(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value, option=orjson.OPT_SORT_KEYS),
        decoder=lambda raw: orjson.loads(raw[1:]),
    )


async def connect(
    dsn: str, settings: dict[str, str] | None = None, *, answer_within_s: float | None = None
) -> asyncpg.Connection:
    """One connection with this project's codecs and limits; the caller closes it.

    `answer_within_s`: after which a server that has not answered is given up, for whoever tries again by itself.
    """
    connection = await asyncpg.connect(
        dsn, server_settings=settings or DECIDING_SESSION, timeout=CONNECT_WITHIN_S, command_timeout=answer_within_s
    )
    await _set_codecs(connection)
    return connection


@asynccontextmanager
async def pool(dsn: str, *, size_max: int = 4) -> AsyncIterator[asyncpg.Pool]:
    """A pool of such connections."""
    async with asyncpg.create_pool(
        dsn, min_size=1, max_size=size_max, init=_set_codecs, server_settings=DECIDING_SESSION
    ) as opened:
        yield opened


async def migrate(dsn: str) -> list[str]:
    """Brings the schema to this release's; returns the names of the migrations that ran. Safe to run at any time."""
    connection = await connect(dsn, MIGRATING_SESSION)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", REGISTRY_LOCK)
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations"
                " (name text PRIMARY KEY, ran_at timestamptz NOT NULL DEFAULT now())"
            )
            done = {row["name"] for row in await connection.fetch("SELECT name FROM migrations")}
            fresh = [(name, text) for name, text in migrations() if name not in done]
            for name, text in fresh:
                await connection.execute(text)
                await connection.execute("INSERT INTO migrations (name) VALUES ($1)", name)
        return [name for name, _ in fresh]
    finally:
        await connection.close()


async def require_schema(connection: asyncpg.Connection) -> None:
    """Refuses a database whose migrations are not exactly this release's.

    Raises:
        SchemaError: a migration is missing, or one that this release does not know has run.
    """
    try:
        done = {row["name"] for row in await connection.fetch("SELECT name FROM migrations")}
    except asyncpg.UndefinedTableError:
        done = set()
    ours = {name for name, _ in migrations()}
    if done != ours:
        raise SchemaError(
            f"the database has {len(done)} migrations, this release {len(ours)}: "
            f"run `monazite migrate` (missing: {sorted(ours - done)}, unknown: {sorted(done - ours)})"
        )


def retry_wait_s(attempt: int) -> float:
    """Bounded backoff: 0.2 s doubling to 10 s."""
    return min(0.2 * 2.0 ** min(attempt, 6), 10.0)  # a float holds no 2^1024, and an outage may last hours


async def back_off(attempt: int) -> None:
    """Waits before the next try."""
    await asyncio.sleep(retry_wait_s(attempt))
