"""Real servers for every test that needs one: PostgreSQL and Kafka as child processes, a fresh database each."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
import pytest_asyncio
from hypothesis import settings

from monazite.embedded import postgres as embedded_postgres
from monazite.embedded import servers
from monazite_consumers import database

for name in [name for name in os.environ if name.startswith("MONAZITE_") and name != "MONAZITE_CACHE"]:
    del os.environ[name]  # a developer's shell must not change results
# A Kafka that lives for half a minute does not earn back what the second compiler takes.
os.environ["JDK_JAVA_OPTIONS"] = "-XX:TieredStopAtLevel=1"

settings.register_profile("steady", derandomize=True)  # a run of the suite says the same each time
settings.register_profile("long", max_examples=1_600, deadline=None)  # by hand: --hypothesis-profile=long
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--malformed", type=int, default=10_000, help="how many malformed messages to decide")
    parser.addoption("--malformed-seed", type=int, default=1, help="of their mutations; another run, another seed")


LONGEST = ("system", "deploy", "producers")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders of long tests begin first: at the end no worker waits for one that has just begun."""
    items.sort(key=lambda item: item.path.parent.name not in LONGEST)


TEMPLATE = "migrated"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Servers]:
    """One PostgreSQL for the session. Nobody cuts its power: it need not wait for the disk."""
    with ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(embedded_postgres.SETTINGS, "fsync", "off")
            running = stack.enter_context(servers.running(kafka=False))
        asyncio.run(_make_template(running.addresses.postgres))
        yield running


@pytest.fixture(scope="session")
def kafka() -> Iterator[servers.Servers]:
    """One Kafka for the session."""
    with servers.running(postgres=False) as running:
        yield running


@pytest.fixture
def database_url(postgres: servers.Servers) -> Iterator[str]:
    """A fresh, migrated database."""
    url = postgres.addresses.postgres
    name = f"test_{next(_numbers)}"
    asyncio.run(_execute(url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    yield _of_database(url, name)
    asyncio.run(_execute(url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest_asyncio.fixture(loop_scope="session")
async def connection(database_url: str) -> AsyncIterator[database.Connection]:
    """A connection to a fresh database."""
    opened = await database.connect(database_url)
    yield opened
    await opened.close()


def _of_database(url: str, name: str) -> str:
    return f"{url.rpartition('/')[0]}/{name}"


async def _make_template(url: str) -> None:
    await _execute(url, f"CREATE DATABASE {TEMPLATE}")
    await database.migrate(_of_database(url, TEMPLATE))


async def _execute(url: str, sql: str) -> None:
    opened = await database.connect(url)
    try:
        await opened.execute(sql)
    finally:
        await opened.close()
