"""A network that is cut between intake and each server, and one that swallows everything."""

import asyncio
from urllib.parse import urlsplit, urlunsplit

from chaos.faults.databases import HOLD_S
from chaos.ordeal import Fault, Scene
from chaos.proxy import Proxy
from chaos.world import World
from monazite.embedded import ports

END_SESSIONS = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
"""Of whoever waits in the middle of a transaction."""


class _Cut(Fault):
    red = ("intake",)

    def __init__(self, *, swallows: bool) -> None:
        self._swallows = swallows
        self._proxy: Proxy | None = None
        self.name = f"{'swallowed' if swallows else 'cut'} network between intake and {self.server}"

    server: str

    async def _lead_through(self, world: World) -> tuple[Proxy, dict[str, str]]:
        raise NotImplementedError

    async def strike(self, scene: Scene) -> None:
        world = scene.world
        self._proxy, settings = await self._lead_through(world)
        world.child("intake").kill()
        await world.start("intake", settings)
        await asyncio.sleep(1)
        scene.broken()
        self._proxy.swallow() if self._swallows else self._proxy.cut()
        await asyncio.sleep(HOLD_S)

    async def heal(self, scene: Scene) -> None:
        """Intake comes back by itself, through the same network."""
        if self._proxy is not None:
            self._proxy.mend()


class DatabaseCut(_Cut):
    """Between intake and the database."""

    server = "the database"
    lags = True

    async def _lead_through(self, world: World) -> tuple[Proxy, dict[str, str]]:
        address = urlsplit(world.servers.addresses.postgres)
        proxy = Proxy(address.port or 0)
        port = await proxy.open()
        netloc = f"{address.username}:{address.password}@127.0.0.1:{port}"
        return proxy, {"MONAZITE_DATABASE__URL": urlunsplit(address._replace(netloc=netloc))}


class DatabaseSilent(DatabaseCut):
    """The same, and the connections of before never come back."""

    lags = False
    red = ()

    def __init__(self) -> None:
        super().__init__(swallows=True)
        self.name = "intake's connections to the database silent for good"

    async def heal(self, scene: Scene) -> None:
        if self._proxy is not None:
            self._proxy.forget()


class BrokerCut(_Cut):
    """Between intake and the broker: the broker gets a listener whose advertised address leads through the proxy."""

    server = "the broker"

    async def _lead_through(self, world: World) -> tuple[Proxy, dict[str, str]]:
        if world.detour is None:  # each listener restarts the broker
            (behind,) = ports.free(1, ())
            world.detour = Proxy(behind)
            await asyncio.to_thread(_add_listener, world, behind, await world.detour.open())
        return world.detour, {"MONAZITE_KAFKA__BOOTSTRAP": f"127.0.0.1:{world.detour.port}"}


class BothAway(BrokerCut):
    """The broker says nothing, and the database ends intake's sessions, in whatever they are: a site's power fails."""

    def __init__(self) -> None:
        super().__init__(swallows=True)
        self.name = "the broker silent and intake's sessions ended, again and again"

    async def strike(self, scene: Scene) -> None:
        ending = asyncio.create_task(self._end_sessions(scene.world))
        try:
            await super().strike(scene)
        finally:
            ending.cancel()

    async def _end_sessions(self, world: World) -> None:
        while True:
            await world.ask(END_SESSIONS)
            await asyncio.sleep(0.3)


def _add_listener(world: World, listening: int, advertised: int) -> None:
    path = world.servers.folder.kafka / "server.properties"
    kept = []
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        added = {
            "listeners": f",THROUGH://127.0.0.1:{listening}",
            "advertised.listeners": f",THROUGH://127.0.0.1:{advertised}",
            "listener.security.protocol.map": ",THROUGH:PLAINTEXT",
        }.get(name, "")
        kept.append(f"{name}={value}{added}" if added else line)
    path.write_text("\n".join([*kept, "inter.broker.listener.name=PLAINTEXT"]) + "\n")
    world.servers.kafka.restart()
