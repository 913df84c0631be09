"""Fresh servers for one measurement: Kafka, PostgreSQL, the registry in force, the topics there, events published."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import uvloop

from benchmarks.world import World
from monazite.embedded import servers
from monazite.embedded.servers import Servers
from monazite_consumers import database, register, topics
from monazite_consumers.decisions.redeciding import registry_changed
from monazite_consumers.registry.applying import APPLYING_SESSION, apply, plan
from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.settings import KafkaSettings
from monazite_producers.publisher import Outgoing, Publisher, PublisherSettings

MEASURED = {"track_commit_timestamp": "on"}
"""What every measurement adds to PostgreSQL as shipped: the rows themselves say when they were durable."""


LOOKING_SESSION = APPLYING_SESSION | {"statement_timeout": "0"}
"""Of the harness's own connection: filling millions of rows takes long."""


@dataclass(frozen=True)
class Arena:
    """Running servers, with nobody consuming yet; and a connection to look at them, which stays open."""

    servers: Servers
    dsn: str
    runner: asyncio.Runner
    connection: database.Connection

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return self.servers.addresses.kafka

    def publish(self, messages: Iterable[Outgoing]) -> int:
        """Publishes all; returns how many."""

        async def send() -> int:
            async with Publisher(PublisherSettings(self.kafka, "benchmark")) as publisher:
                return len(await publisher.publish(messages))

        return self.runner.run(send())

    def ask(self, sql: str, *arguments: Any) -> Any:
        """One value."""
        return self.rows(sql, *arguments)[0][0]

    def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """All rows of a statement."""
        return list(self.runner.run(self.connection.fetch(sql, *arguments)))

    def execute(self, sql: str) -> None:
        """Any statements."""
        self.runner.run(self.connection.execute(sql))


@contextmanager
def opened(world: World, settings: Mapping[str, str] | None = None, *, kafka: bool = True) -> Iterator[Arena]:
    """Servers with this world's registry and topics; `settings` are further ones of PostgreSQL."""
    with servers.running(kafka=kafka) as started, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        dsn = started.addresses.postgres
        runner.run(_alter(dsn, MEASURED | dict(settings or {})))
        started.postgres.restart()
        with _prepared(started, dsn, runner, world.registry) as arena:
            yield arena


@contextmanager
def another(arena: Arena, name: str, registry: Mapping[str, Any]) -> Iterator[Arena]:
    """The same servers with a fresh database beside the first."""
    arena.execute(f"CREATE DATABASE {name}")
    try:
        dsn = urlsplit(arena.dsn)._replace(path=f"/{name}").geturl()
        with _prepared(arena.servers, dsn, arena.runner, registry) as other:
            yield other
    finally:
        arena.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _prepared(started: Servers, dsn: str, runner: asyncio.Runner, registry: Mapping[str, Any]) -> Iterator[Arena]:
    runner.run(prepare(dsn, started.addresses.kafka, registry))
    connection = runner.run(database.connect(dsn, LOOKING_SESSION))
    try:
        yield Arena(started, dsn, runner, connection)
    finally:
        connection.terminate()


async def _alter(dsn: str, settings: Mapping[str, str]) -> None:
    connection = await database.connect(dsn)
    for name, value in settings.items():
        await connection.execute(f"ALTER SYSTEM SET {name} = {value}")
    await connection.close()


async def prepare(dsn: str, kafka: str, nouns: Mapping[str, Any]) -> None:
    """The schema, the registry and the topics, as `monazite migrate`, `registry apply` and a first start make them."""
    await database.migrate(dsn)
    connection = await database.connect(dsn, APPLYING_SESSION)
    entries = [(noun, NOUNS[noun].model_validate(entry)) for noun, found in nouns.items() for entry in found]

    async def decide_again(inside: Any, before: Any, after: Any, _: Any) -> None:
        await registry_changed(inside, before, after)

    await apply(connection, await plan(connection, entries), "benchmark", datetime.now(UTC), decide_again)
    if kafka:
        await topics.ensure(KafkaSettings(bootstrap=kafka), await register.load(connection), driven=False)
    await connection.close()
