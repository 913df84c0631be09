"""A database that comes back as it was a while ago."""

import asyncio
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from chaos.ordeal import Fault, Scene

WORK_S = 5.0
"""How much the backup does not know."""


class Restored(Fault):
    """The database is restored from a backup; the services run on, and the registry is the same."""

    name, red = "the database restored from a backup", ("intake", "relay", "watch", "custody", "reports")

    async def strike(self, scene: Scene) -> None:
        world = scene.world
        data, backup = world.servers.folder.postgres, world.servers.folder.path / "backup"
        await asyncio.to_thread(world.servers.postgres.stop)
        await asyncio.to_thread(_copy, data, backup)
        await asyncio.to_thread(world.servers.postgres.start)
        await asyncio.sleep(WORK_S)
        scene.broken()
        world.servers.postgres.kill()
        world.restored_at = datetime.now(UTC)
        await asyncio.to_thread(_copy, backup, data)

    async def heal(self, scene: Scene) -> None:
        await asyncio.to_thread(scene.world.servers.postgres.start)


def _copy(source: Path, target: Path) -> None:
    """With owners and rights: PostgreSQL runs as another user when we are root."""
    subprocess.run(["rm", "-rf", str(target)], check=True)  # noqa: S607 - as found in PATH
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)  # noqa: S607 - as found in PATH
