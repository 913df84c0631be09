"""Processes that are killed: at named seams, and at any moment."""

import asyncio
from collections import Counter

from chaos.ordeal import Fault, Scene
from chaos.seams import SEAMS, Seam, armed
from chaos.world import NeverError, World, until
from monazite.embedded.errors import ChildError


class Crash(Fault):
    """A service dies at a seam, several times in a row."""

    proves = 1

    def __init__(self, seam: Seam, times: int) -> None:
        self.name, self.times = seam.name, times
        self._seam = seam

    async def strike(self, scene: Scene) -> None:
        for _ in range(self.times):
            await _die_at(self._seam, scene)

    async def heal(self, scene: Scene) -> None:
        scene.world.child(self._seam.service).kill()
        await scene.world.start(self._seam.service)


class EverySeam(Fault):
    """All services at one time, each dying at one of its seams after the other."""

    name, times, proves = "every seam", len(SEAMS), 1

    def struck(self) -> dict[str, int]:
        return {seam.name: 1 for seam in SEAMS}

    async def strike(self, scene: Scene) -> None:
        met = await asyncio.gather(
            *(self._strike_one(service, scene) for service in scene.world.services), return_exceptions=True
        )
        for failure in met:
            if failure is not None:
                raise failure

    async def _strike_one(self, service: str, scene: Scene) -> None:
        try:
            for seam in SEAMS:
                if seam.service == service:
                    await _die_at(seam, scene)
        finally:  # the others' seams are passed only while everybody works
            scene.world.child(service).kill()
            await scene.world.start(service)

    async def heal(self, scene: Scene) -> None:
        await _revive_all(scene.world)


async def _die_at(seam: Seam, scene: Scene) -> None:
    world, service = scene.world, seam.service
    world.child(service).kill()
    before = hits(world, seam.name)
    nth = scene.random.randint(1, 2)
    try:
        await world.start(service, armed(seam.name, nth, world.hits))
    except ChildError as error:
        if hits(world, seam.name) == before:
            raise NeverError(str(error)) from error
    try:
        await until(f"{service} dies at its seam", lambda: _is_dead(world, service), 90)
    except NeverError as error:
        last = world.child(service).program.log.read_text().splitlines()[-3:]
        raise NeverError(f"{error} ({seam.name}, passing {nth}); it says: {last}") from error
    if hits(world, seam.name) != before + 1:
        raise NeverError(f"{service} died, and not at the seam {seam.name}")


async def _revive_all(world: World) -> None:
    await asyncio.gather(*(world.start(name) for name in world.services if not world.child(name).alive))


def hits(world: World, seam: str) -> int:
    """How often a seam was struck."""
    return world.hits.read_text().splitlines().count(seam) if world.hits.exists() else 0


async def _is_dead(world: World, service: str) -> bool:
    return not world.child(service).alive


class RandomKills(Fault):
    """Each service is killed at some moment, again and again, whatever the others are just doing."""

    name = "kill -9 at some moment"

    def __init__(self, times: int) -> None:
        self.times = times

    async def strike(self, scene: Scene) -> None:
        services = list(scene.world.services)
        chosen = Counter(scene.random.choice(services) for _ in range(self.times))
        await asyncio.gather(*(self._strike_one(service, times, scene) for service, times in chosen.items()))

    async def _strike_one(self, service: str, times: int, scene: Scene) -> None:
        for _ in range(times):
            await asyncio.sleep(scene.random.uniform(0, 1.5))
            scene.world.child(service).kill()
            await scene.world.start(service)

    async def heal(self, scene: Scene) -> None:
        await _revive_all(scene.world)
