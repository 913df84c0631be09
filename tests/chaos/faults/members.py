"""Members that join, leave, and come back from a long pause."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping

from chaos.child import SESSION
from chaos.ordeal import Fault, Scene
from chaos.seams import armed
from chaos.world import World, until


class Members(Fault):
    """Two and three members of intake join and leave, in order and by force."""

    name = "two and three members joining and leaving"

    def __init__(self, times: int) -> None:
        self.times = times

    async def strike(self, scene: Scene) -> None:
        world = scene.world
        for name in ("intake-2", "intake-3"):
            if name not in world.services:
                world.add("intake", name)
        for _ in range(self.times):
            await asyncio.gather(*(world.start(name) for name in ("intake-2", "intake-3")))
            await asyncio.sleep(scene.random.uniform(1, 3))
            await asyncio.to_thread(world.child("intake-2").stop)
            await asyncio.sleep(scene.random.uniform(0, 1))
            world.child("intake-3").kill()
            await asyncio.sleep(scene.random.uniform(0, 1))

    async def heal(self, scene: Scene) -> None:
        for name in ("intake-2", "intake-3"):
            scene.world.child(name).stop()
            del scene.world.services[name]


class Zombie(Fault):
    """A service is paused at a seam until its successor has taken over, and comes back."""

    def __init__(self, service: str, seam: str, settings: Mapping[str, str] | None = None) -> None:
        self.name = f"{service} paused past its successor ({seam.partition(': ')[2]})"
        self._service, self._seam, self._settings = service, seam, settings or {}

    async def strike(self, scene: Scene) -> None:
        world, service, successor = scene.world, self._service, f"{self._service}-2"
        world.child(service).kill()
        await world.start(service, armed(self._seam, 2, world.hits, "SIGSTOP") | self._settings)
        await until(f"{service} stops at its seam", lambda: _is_stopped(world, service), 60)
        world.add(service, successor)
        await world.start(successor)
        if service == "intake":
            await until("the successor decides", lambda: _metric(world, successor, "monazite_messages_received_total"))
        else:
            await until("the successor is active", lambda: _metric(world, successor, "monazite_active"))
        await asyncio.sleep(1)
        os.kill(world.child(service).pid, signal.SIGCONT)
        if service == "intake":
            given_up = "monazite_intake_superseded_total"
            await until("the paused member gives up", lambda: _metric(world, service, given_up), 30)
        await until(f"the paused {service} is well", lambda: _is_well(world, service), 60)

    async def heal(self, scene: Scene) -> None:
        world, service, successor = scene.world, self._service, f"{self._service}-2"
        if world.child(service).alive:
            os.kill(world.child(service).pid, signal.SIGCONT)
        if successor in world.services:
            await asyncio.to_thread(world.child(successor).stop)
            del world.services[successor]
        # Not armed any more.
        await asyncio.to_thread(world.child(service).stop)
        await world.start(service)


_AT = (
    ("intake", "intake: in it, all written"),
    ("relay", "relay: published, not yet marked"),
    ("watch", "watch: in it, all written"),
    ("custody", "custody: in it, all written"),
    ("reports", "reports: in it, all written"),
)
_IMPATIENT = {SESSION: json.dumps({"idle_in_transaction_session_timeout": "3s", "idle_session_timeout": "3s"})}
"""The database gives up a paused session sooner than it ordinarily does."""

ZOMBIES = tuple(Zombie(*each) for each in _AT)


class AllZombies(Fault):
    """All of them at one time."""

    name = "every service paused past its successor"

    def __init__(self) -> None:
        self._zombies = [Zombie(*each, _IMPATIENT) for each in _AT]

    async def strike(self, scene: Scene) -> None:
        await asyncio.gather(*(zombie.strike(scene) for zombie in self._zombies))

    async def heal(self, scene: Scene) -> None:
        await asyncio.gather(*(zombie.heal(scene) for zombie in self._zombies))


async def _is_stopped(world: World, service: str) -> bool:
    return bool(world.process(service).status() == "stopped")


async def _metric(world: World, service: str, name: str) -> bool:
    return (await world.metrics(service))[name] > 0


async def _is_well(world: World, service: str) -> bool:
    return bool((await world.health(service))["healthy"])
