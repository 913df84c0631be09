"""A database that is there and cannot do its work."""

import asyncio
import json
import os
import subprocess
from contextlib import suppress
from pathlib import Path
from time import monotonic

import asyncpg

from chaos.child import SESSION
from chaos.ordeal import Fault, Scene
from chaos.world import NeverError, World, until
from monazite.embedded import account
from monazite_consumers import database

HOLD_S = 4.0
"""Services try again after 0.2, 0.6, 1.4, 3 and 6.2 s: an outage is met four times."""
ALL = ("intake", "relay", "watch", "custody", "reports")


class OutOfConnections(Fault):
    """Every connection that the server allows is taken, and the services lose theirs."""

    name, red = "the database out of connections", ALL

    def __init__(self) -> None:
        self._taken: list[asyncpg.Connection] = []

    async def strike(self, scene: Scene) -> None:
        killer = await database.connect(scene.world.servers.addresses.postgres)
        self._taken.append(killer)
        ends_at = monotonic() + HOLD_S
        while monotonic() < ends_at:
            with suppress(asyncpg.TooManyConnectionsError, asyncpg.PostgresConnectionError):
                while True:
                    self._taken.append(await asyncpg.connect(scene.world.servers.addresses.postgres))
            ours = [connection.get_server_pid() for connection in self._taken]
            await killer.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> ALL ($1::integer[])",
                ours,
            )

    async def heal(self, scene: Scene) -> None:
        for connection in self._taken:
            connection.terminate()
        self._taken.clear()


class ReadOnly(Fault):
    """Every transaction may only read."""

    name, red = "the database read-only", ("intake", "watch", "custody")
    lags = True

    async def strike(self, scene: Scene) -> None:
        await _set(scene.world, "ALTER SYSTEM SET default_transaction_read_only = on")
        await asyncio.sleep(HOLD_S)

    async def heal(self, scene: Scene) -> None:
        await _set(scene.world, "ALTER SYSTEM RESET default_transaction_read_only")


async def _set(world: World, statement: str) -> None:
    async with world.connection({"default_transaction_read_only": "off"}) as opened:
        await opened.execute(statement)
        await opened.execute("SELECT pg_reload_conf()")


class StatementTimeout(Fault):
    """A statement takes longer than it may."""

    name, red = "a statement timeout", ("intake",)
    lags = True

    async def strike(self, scene: Scene) -> None:
        world = scene.world
        world.child("intake").kill()
        await world.start("intake", {SESSION: json.dumps({"statement_timeout": "300ms"})})
        self._holding = await database.connect(world.servers.addresses.postgres, {"statement_timeout": "0"})
        await self._holding.execute("BEGIN; LOCK TABLE ledger IN SHARE MODE")
        scene.broken()
        await asyncio.sleep(HOLD_S)

    async def heal(self, scene: Scene) -> None:
        self._holding.terminate()
        scene.world.child("intake").kill()
        await scene.world.start("intake")


class Deadlock(Fault):
    """Somebody takes locks in the opposite order: the server picks intake as the one to give up."""

    name = "a deadlock"

    def __init__(self, times: int) -> None:
        self.times = times

    async def strike(self, scene: Scene) -> None:
        for _ in range(self.times):
            before = await self._deadlocks(scene.world)
            for _ in range(20):
                await self._meet(scene.world)
                if await self._deadlocks(scene.world) > before:
                    break
            else:
                raise NeverError("no deadlock came about in 20 tries")

    async def _deadlocks(self, world: World) -> int:
        return world.child("intake").program.log.read_text().count("DeadlockDetected")

    async def _meet(self, world: World) -> None:
        # Our own patience is long: the server's search starts at whoever has waited for a second.
        async with world.connection({"deadlock_timeout": "60s", "lock_timeout": "20s"}) as ours:
            transaction = ours.transaction()
            await transaction.start()
            await ours.execute("SELECT FROM alerts ORDER BY alert FOR UPDATE")
            pids: list[int] = []

            async def waits() -> bool:
                pids[:] = [
                    row["pid"]
                    for row in await self._waiting(world)
                    if "alerts" in row["query"] and row["application_name"] == "monazite"
                ]
                return bool(pids)

            with suppress(NeverError):
                await until("intake waits for an alert", waits, 5)
                with suppress(asyncpg.PostgresError):
                    await ours.execute("SELECT FROM caps FOR UPDATE")
            await transaction.rollback()

    async def _waiting(self, world: World) -> list[asyncpg.Record]:
        async with world.connection({"application_name": "chaos"}) as opened:
            return list(await opened.fetch("SELECT * FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))

    async def heal(self, scene: Scene) -> None:
        """The server has ended it."""


class DiskFull(Fault):
    """The disk of the ledger is full."""

    name, red = "the database's disk full", ("intake",)
    lags = True
    SIZE = "48m"

    def skipped(self) -> str:
        return "" if os.geteuid() == 0 else "only root can mount a small disk"

    async def strike(self, scene: Scene) -> None:
        self._mount: Path = scene.world.servers.folder.path / "small-disk"
        self._mount.mkdir()
        _call("mount", "-t", "tmpfs", "-o", f"size={self.SIZE},mode=777", "tmpfs", str(self._mount))
        home, runs_as = self._mount / "space", account.unprivileged()
        home.mkdir()
        if runs_as is not None:
            os.chown(home, runs_as.uid, runs_as.gid)
        async with scene.world.connection({"statement_timeout": "0"}) as opened:
            await opened.execute(f"CREATE TABLESPACE small LOCATION '{home}'")
            await opened.execute("ALTER TABLE ledger SET TABLESPACE small")
        self._ballast = self._mount / "ballast"
        with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while ballast.write(bytes(4096)):
                pass
        await asyncio.sleep(HOLD_S)

    async def heal(self, scene: Scene) -> None:
        self._ballast.unlink(missing_ok=True)
        async with scene.world.connection({"statement_timeout": "0", "lock_timeout": "0"}) as opened:
            await opened.execute("ALTER TABLE ledger SET TABLESPACE pg_default")
            await opened.execute("DROP TABLESPACE small")
        _call("umount", str(self._mount))


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NeverError(f"{' '.join(command)}: {done.stderr.strip()}")
