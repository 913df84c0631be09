"""One database for the folder: each test's changes are undone, so that many small ones cost little."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from monazite.embedded import servers
from monazite_consumers import database


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kept(postgres: servers.Servers) -> AsyncIterator[database.Connection]:
    """A connection to a migrated database that stays until the last test."""
    url = postgres.addresses.postgres
    above = await database.connect(url)
    await above.execute("CREATE DATABASE sql_tests")
    of_tests = f"{url.rpartition('/')[0]}/sql_tests"
    await database.migrate(of_tests)
    # A paused test, or one under a debugger, keeps its transaction.
    opened = await database.connect(of_tests, {"timezone": "UTC"})
    yield opened
    await asyncio.wait_for(opened.close(), 10)
    await above.execute("DROP DATABASE sql_tests WITH (FORCE)")
    await above.close()


@pytest_asyncio.fixture(loop_scope="session")
async def connection(kept: database.Connection) -> AsyncIterator[database.Connection]:
    """That connection, in a transaction that never commits."""
    transaction = kept.transaction()
    await transaction.start()
    yield kept
    await transaction.rollback()
