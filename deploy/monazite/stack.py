"""The whole platform on one machine: embedded servers, a migrated database, and the services as child processes."""

import asyncio
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from monazite.embedded import children, servers
from monazite.embedded.children import Child, Program
from monazite.embedded.servers import Addresses, Servers
from monazite_consumers import database
from monazite_consumers.clock import drive

SERVICES = ("intake", "relay", "watch", "custody", "reports")

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Stack:
    """A running platform: the servers, and each service by its name."""

    servers: Servers
    services: dict[str, "Service"]

    @property
    def children(self) -> dict[str, Child]:
        """Every process, servers and services, by name."""
        return {**self.servers.children, **{name: service.child for name, service in self.services.items()}}

    @property
    def addresses(self) -> Addresses:
        """Where the servers are."""
        return self.servers.addresses


@dataclass(frozen=True)
class Service:
    """One service's process, and where its metrics and health are."""

    child: Child
    port_file: Path

    @property
    def url(self) -> str:
        """Base of `/metrics` and `/health`."""
        return f"http://127.0.0.1:{self.port_file.read_text().strip()}"


@contextmanager
def running(
    data: Path | None = None,
    *,
    instant: datetime | None = None,
    services: Sequence[str] = SERVICES,
    settings: Mapping[str, str] | None = None,
    on_progress: Tell | None = None,
) -> Iterator[Stack]:
    """Everything, up and healthy; stopped at the end.

    Args:
        data: As for the servers alone.
        instant: Puts the platform on a driven clock from there on.
        services: Which to start; the second of a kind is found as `intake-1`, by its place.
        settings: Further settings of the services, as environment variables.
        on_progress: Told in a few words what is going on.
    """
    with servers.running(data, on_progress=on_progress) as started:
        asyncio.run(_prepare(started.addresses.postgres, instant))
        with ExitStack() as stack:
            found = {}
            programs = []
            for number, name in enumerate(services):
                port_file = started.folder.run / f"{name}-{number}.port"
                port_file.unlink(missing_ok=True)
                programs.append(program(name, f"{name}-{number}", started, port_file, settings or {}))
                found[name if name not in found else f"{name}-{number}"] = port_file
            if on_progress is not None:
                on_progress("starting " + ", ".join(services))
            processes = stack.enter_context(children.running(programs, started.folder.run))
            yield Stack(
                started,
                {
                    name: Service(child, port_file)
                    for (name, port_file), child in zip(found.items(), processes, strict=True)
                },
            )


async def _prepare(dsn: str, instant: datetime | None) -> None:
    await database.migrate(dsn)
    if instant is not None:
        connection = await database.connect(dsn)
        await drive(connection, instant)
        await connection.close()


def program(service: str, name: str, started: Servers, port_file: Path, settings: Mapping[str, str]) -> Program:
    """How a service is run as a child process: the same command that operations would type."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("MONAZITE_")},
        "MONAZITE_DATABASE__URL": started.addresses.postgres,
        "MONAZITE_KAFKA__BOOTSTRAP": started.addresses.kafka,
        **settings,
    }
    return Program(
        name=name,
        argv=(sys.executable, "-m", "monazite", "serve", service, "--port-file", str(port_file)),
        log=started.folder.logs / f"{name}.log",
        env=environment,
        ready=lambda _pid: healthy(port_file),
        # After a kill the old port may be somebody else's, who is healthy.
        before_start=lambda: port_file.unlink(missing_ok=True),
    )


def healthy(port_file: Path) -> bool:
    """Whether the service that wrote its port there says that it can work."""
    try:
        port = int(port_file.read_text())
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, ValueError, urllib.error.URLError):
        return False
