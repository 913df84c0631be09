"""Starts and stops the embedded Kafka and PostgreSQL together: one call for `monazite up`, the demo and the tests."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from monazite.embedded import folder as folders
from monazite.embedded import kafka, ports, postgres, progress
from monazite.embedded.children import Child, Program
from monazite.embedded.errors import ChildError, DiskFullError, EmbeddedError, PortTakenError
from monazite.embedded.folder import DataFolder, occupant

__all__ = ["Addresses", "Server", "Servers", "addresses_at", "occupant", "running"]

Tell = Callable[[str], None]
ATTEMPTS = 5
PORTS = "ports.json"
ADDRESSES = "addresses.json"


@dataclass(frozen=True)
class Addresses:
    """Where clients find the servers; empty for one that was not asked for."""

    kafka: str  # bootstrap servers: "127.0.0.1:14321"
    postgres: str  # a DSN with user, password and database


class Server(Child):
    """A child that keeps its port: what a restart meets may be somebody else on it."""

    def start(self) -> None:
        """As Child.start; raises PortTakenError or DiskFullError when its log says so."""
        try:
            super().start()
        except ChildError as error:
            told = str(error)
            if "Address already in use" in told:
                raise PortTakenError(f"{PortTakenError.__doc__}\n{told}") from error
            if "No space left on device" in told:
                raise DiskFullError(f"{DiskFullError.__doc__}\n{told}") from error
            raise


@dataclass
class Servers:
    """The running servers; their handles stop, kill and restart them on the same port and data."""

    folder: DataFolder
    addresses: Addresses
    children: dict[str, Server]

    @property
    def kafka(self) -> Server:
        """The broker."""
        return self._child("kafka")

    @property
    def postgres(self) -> Server:
        """The database server."""
        return self._child("postgres")

    def _child(self, name: str) -> Server:
        if name not in self.children:
            raise EmbeddedError(f"{name} was not asked for. Ask for it: running({name}=True).")
        return self.children[name]


@contextmanager
def running(
    data: Path | None = None, *, kafka: bool = True, postgres: bool = True, on_progress: Tell | None = None
) -> Iterator[Servers]:
    """Both servers, up and usable; stopped at the end.

    Args:
        data: Where everything is kept from one start to the next. None: a temporary directory, removed at the end.
        kafka: Whether to start Kafka.
        postgres: Whether to start PostgreSQL.
        on_progress: Told in a few words what is going on, by one thread at a time.

    Raises:
        EmbeddedError: One of its kinds; the message names the remedy.
    """
    wanted = [name for name, is_wanted in (("kafka", kafka), ("postgres", postgres)) if is_wanted]
    with folders.opened(data) as folder:
        children: dict[str, Server] = {}
        try:
            starting = _Starting(folder, children, on_progress or progress.silent)
            addresses = starting.all(wanted)
            (folder.path / ADDRESSES).write_text(json.dumps(asdict(addresses)))
            (folder.path / ADDRESSES).chmod(0o600)  # the DSN holds the password
            yield Servers(folder, addresses, children)
        finally:
            (folder.path / ADDRESSES).unlink(missing_ok=True)
            _stop(children, in_order=not folder.temporary)


def addresses_at(data: Path) -> Addresses | None:
    """Where the servers of a data directory are found now; None when nobody runs on it or it is still starting."""
    if occupant(data) is None:
        return None
    try:
        return Addresses(**json.loads((data.expanduser() / ADDRESSES).read_text()))
    except (OSError, ValueError, TypeError):
        return None


class _Starting:
    """Starts the wanted servers side by side; each tries other ports when somebody was faster."""

    def __init__(self, folder: DataFolder, children: dict[str, Server], tell: Tell) -> None:
        self._folder = folder
        self._children = children
        self._tell = tell
        self._turn = threading.Lock()
        self._ports = folder.note(PORTS)
        self._abandoned = False

    def all(self, wanted: list[str]) -> Addresses:
        with ThreadPoolExecutor(2) as pool, folders.in_words(self._folder.path):
            try:
                database = pool.submit(self._postgres) if "postgres" in wanted else None
                # Downloads happen in this thread, where Ctrl-C is heard.
                java = kafka.brought(self._folder, self._say) if "kafka" in wanted else None
                broker = pool.submit(self._kafka, java) if java else None
                addresses = Addresses(broker.result() if broker else "", database.result() if database else "")
            except BaseException:
                # The other server's start must not be waited for.
                self._abandoned = True
                for child in list(self._children.values()):
                    child.kill()
                raise
            self._folder.keep(PORTS, self._ports)
            return addresses

    def _kafka(self, java: tuple[str, ...]) -> str:
        port = self._on_free_ports(
            ("kafka", "controller"), lambda chosen: kafka.program(self._folder, java, chosen[0], chosen[1])
        )
        return f"{ports.LOOPBACK}:{port}"

    def _postgres(self) -> str:
        port = self._on_free_ports(("postgres",), lambda chosen: postgres.program(self._folder, chosen[0]))
        return postgres.dsn(self._folder, port)

    def _on_free_ports(self, names: tuple[str, ...], program: Callable[[tuple[int, ...]], Program]) -> int:
        """Starts a program on the ports of last time, or on others; returns the first, which clients use."""
        before = tuple(self._ports[name] for name in names if name in self._ports)
        for attempt in range(1, ATTEMPTS + 1):
            chosen = ports.free(len(names), before if attempt == 1 else ())
            try:
                self._start(program(chosen))
            except PortTakenError:
                if attempt == ATTEMPTS:
                    raise
            else:
                self._ports |= dict(zip(names, chosen, strict=True))
                return chosen[0]
        raise PortTakenError

    def _start(self, program: Program) -> None:
        if self._abandoned:
            raise EmbeddedError(f"The start of {program.name} was given up.")
        self._say(f"Starting {program.name}")
        server = self._children[program.name] = Server(program, self._folder.run)
        server.start()
        self._say(f"{program.name} is up (process {server.pid})")

    def _say(self, message: str) -> None:
        with self._turn:
            self._tell(message)


def _stop(children: dict[str, Server], *, in_order: bool) -> None:
    """Stops all at once; the quick way when the data are thrown away anyway."""
    for child in children.values():
        child.ask_to_stop(in_order=in_order)
    for child in children.values():
        child.stop()
