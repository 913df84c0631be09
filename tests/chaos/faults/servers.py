"""Servers that are killed and come back."""

import asyncio

from chaos.ordeal import Fault, Scene


class _ServerKilled(Fault):
    server: str
    hold_s = 2.0

    def __init__(self, times: int) -> None:
        self.times = times

    async def strike(self, scene: Scene) -> None:
        child = scene.world.servers.children[self.server]
        for number in range(self.times):
            if number:
                await asyncio.to_thread(child.start)
                await asyncio.sleep(scene.random.uniform(0, 3))
            child.kill()
        await asyncio.sleep(self.hold_s)

    async def heal(self, scene: Scene) -> None:
        await asyncio.to_thread(scene.world.servers.children[self.server].start)


class BrokerKilled(_ServerKilled):
    """The broker dies and comes back."""

    name, server, red = "kill -9 of the broker", "kafka", ("intake", "relay")


class DatabaseKilled(_ServerKilled):
    """The database dies and comes back."""

    name, server, red = "kill -9 of the database", "postgres", ("intake", "relay", "watch", "custody", "reports")
    lags = True


class RegistryChanged(Fault):
    """A registry change under load: a plant, a key and a batch that come late."""

    name = "a registry change in the middle"

    def __init__(self, proves: int = 2) -> None:
        self.proves = proves

    async def strike(self, scene: Scene) -> None:
        await asyncio.sleep(2)
        await scene.world.apply(late=True)

    async def heal(self, scene: Scene) -> None:
        """Nothing is broken."""
