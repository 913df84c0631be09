"""The platform under test: embedded servers and services that can be armed, killed, paused and revived."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import asyncpg
import psutil
from prometheus_client.parser import text_string_to_metric_families

from chaos import country
from chaos.proxy import Proxy
from monazite import stack
from monazite.embedded import servers
from monazite.embedded.children import Child
from monazite.stack import Service
from monazite_consumers import database

Json = dict[str, Any]
TESTS = Path(__file__).parent.parent
QUICKLY = {"MONAZITE_INTAKE__SESSION_TIMEOUT_S": "2", "MONAZITE_REPORTS__REVISE_AFTER_HOURS": "0.0005"}
"""A killed member is succeeded after two seconds; a closed month stands for two seconds at least."""


class World:
    """Servers and services by name; `mutant` is a folder of changed packages that the services load first."""

    def __init__(self, started: servers.Servers, seed: int, mutant: Path | None = None) -> None:
        self.servers = started
        self.seed = seed
        self.registry: Path = started.folder.path / "registry"
        self.hits: Path = started.folder.path / "hits"
        self.services: dict[str, Service] = {}
        self.restored_at: datetime | None = None
        """When the database was last put back to an earlier state."""
        self.detour: Proxy | None = None
        """A way to the broker that can be cut, once somebody has made it."""
        self._mutant = mutant

    @classmethod
    @asynccontextmanager
    async def opened(cls, seed: int, mutant: Path | None = None) -> AsyncIterator["World"]:
        """Up, with the registry applied; everything is stopped at the end, whatever happens."""
        running = servers.running()
        started = await asyncio.to_thread(running.__enter__)
        world = cls(started, seed, mutant)
        try:
            await database.migrate(started.addresses.postgres)
            for name in stack.SERVICES:
                world.add(name)
            await world.apply(late=False)
            await asyncio.gather(*(world.start(name) for name in stack.SERVICES))
            yield world
        finally:
            for service in world.services.values():
                if service.child.alive:
                    os.kill(service.child.pid, signal.SIGCONT)
                    service.child.kill()
            running.__exit__(None, None, None)

    # --- services

    def add(self, service: str, name: str = "", settings: Mapping[str, str] | None = None) -> Child:
        """A service, or a further member of one under another name; not started."""
        name = name or service
        port_file = self.servers.folder.run / f"{name}.port"
        program = stack.program(service, name, self.servers, port_file, QUICKLY | dict(settings or {}))
        argv = (sys.executable, "-m", "chaos.child", service, str(port_file))
        program = replace(program, argv=argv, env=self._environment(program.env or {}))
        child = Child(program, self.servers.folder.run)
        self.services[name] = Service(child, port_file)
        return child

    def child(self, name: str) -> Child:
        """A service's process."""
        return self.services[name].child

    async def start(self, name: str, settings: Mapping[str, str] | None = None) -> None:
        """Starts a service and waits until it is healthy; `settings` hold for this start only."""
        child = self.child(name)
        ordinary = child.program
        child.program = replace(ordinary, env={**(ordinary.env or {}), **(settings or {})})
        try:
            await asyncio.to_thread(child.start)
        finally:
            child.program = ordinary

    async def apply(self, *, late: bool) -> None:
        """Puts the registry's files in force, with the command and the code that is under test."""
        folder = country.write(self.registry, late=late)
        command = [sys.executable, "-m", "monazite", "registry", "apply", str(folder), "--by", "chaos"]
        environment = self._environment({**os.environ, "MONAZITE_DATABASE__URL": self.servers.addresses.postgres})
        done = await asyncio.to_thread(
            subprocess.run, command, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise NeverError(f"the registry was not applied: {done.stdout}{done.stderr}")

    def _environment(self, known: Mapping[str, str]) -> dict[str, str]:
        """With the packages of the mutant, if there is one, before the shipped ones."""
        paths = [*([str(self._mutant)] if self._mutant else []), str(TESTS)]
        return {**known, "PYTHONPATH": os.pathsep.join(paths)}

    # --- questions

    @property
    def bootstrap(self) -> str:
        """The broker."""
        return self.servers.addresses.kafka

    @asynccontextmanager
    async def connection(self, settings: dict[str, str] | None = None) -> AsyncIterator[database.Connection]:
        """A connection of our own."""
        opened = await database.connect(self.servers.addresses.postgres, settings)
        try:
            yield opened
        finally:
            opened.terminate()

    async def ask(self, sql: str, *arguments: Any) -> Any:
        """One value."""
        async with self.connection() as opened:
            return await opened.fetchval(sql, *arguments)

    async def health(self, name: str) -> Json:
        """What a service says of itself; a dead one says nothing, which is red."""
        try:
            return dict(json.loads(await self._get(name, "/health")))
        except (OSError, ValueError):
            return {"healthy": False, "checks": {}}

    async def metrics(self, name: str) -> Counter[str]:
        """The sum of each metric's samples; none of a service that does not answer."""
        found = Counter[str]()
        with suppress(OSError):
            for family in text_string_to_metric_families((await self._get(name, "/metrics")).decode()):
                for sample in family.samples:
                    found[sample.name] += sample.value
        return found

    async def _get(self, name: str, path: str) -> bytes:
        def get() -> bytes:
            try:
                with urllib.request.urlopen(self.services[name].url + path, timeout=3) as response:  # noqa: S310 - ours
                    return bytes(response.read())
            except urllib.error.HTTPError as error:
                with error:
                    return error.read()

        return await asyncio.to_thread(get)

    def process(self, name: str) -> psutil.Process:
        """What the operating system knows of a service."""
        return psutil.Process(self.child(name).pid)


AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a question meets while a server is away."""


class NeverError(Exception):
    """Something that must come about did not."""


async def until(what: str, is_so: Callable[[], Awaitable[bool]], limit_s: float = 150) -> None:
    """Waits for a condition; while a server is away it is not so yet."""
    deadline, last = monotonic() + limit_s, ""
    while True:
        try:
            if await is_so():
                return
        except AWAY as error:
            last = f"; last: {type(error).__name__}: {error}"
        if monotonic() > deadline:
            raise NeverError(f"waited {limit_s:.0f} s until {what}{last}")
        await asyncio.sleep(0.05)
