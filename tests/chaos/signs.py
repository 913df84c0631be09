"""What the services show while the world is broken: red health, lag, retries, time on the processor, memory."""

import asyncio
import contextlib
from collections import defaultdict
from dataclasses import dataclass, field
from time import monotonic

import psutil

from chaos.world import World

EVERY_S = 0.25
MIB = 1024 * 1024


@dataclass
class Signs:
    """What was seen of each service."""

    red: set[str] = field(default_factory=set)
    lag: float = 0
    retries: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    rss_mib: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    log_lines: dict[str, int] = field(default_factory=dict)
    cpu_share: dict[str, float] = field(default_factory=dict)
    seconds: float = 0


class Watching:
    """Looks at the services until it is told that the world is well again."""

    def __init__(self, world: World, services: tuple[str, ...]) -> None:
        self._world = world
        self._services = services
        self.begin_anew()
        self._task = asyncio.create_task(self._look_on())

    def begin_anew(self) -> None:
        """Forgets what was seen so far."""
        self.signs = Signs()
        self._began = monotonic()
        self._lines = {name: self._line_count(name) for name in self._services}
        self._retries: dict[str, float] = {}
        self._cpu_s: dict[str, tuple[int, float]] = {}
        for name in self._services:
            if (cpu := self._cpu(name)) is not None:
                self._cpu_s[name] = cpu

    async def end(self) -> Signs:
        """What was seen."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        signs = self.signs
        signs.seconds = monotonic() - self._began
        for name in self._services:
            signs.log_lines[name] = self._line_count(name) - self._lines[name]
            before = self._cpu_s.get(name)
            if before is not None and (now := self._cpu(name)) is not None and now[0] == before[0]:
                signs.cpu_share[name] = (now[1] - before[1]) / signs.seconds
        return signs

    async def _look_on(self) -> None:
        while True:
            for name in self._services:
                await self._look(name)
            await asyncio.sleep(EVERY_S)

    async def _look(self, name: str) -> None:
        signs = self.signs
        if not (await self._world.health(name))["healthy"]:
            signs.red.add(name)
        metrics = await self._world.metrics(name)
        signs.lag = max(signs.lag, metrics["monazite_lag_messages"])
        retries = metrics["monazite_retries_total"]
        signs.retries[name] = max(signs.retries[name], retries - self._retries.setdefault(name, retries))
        with contextlib.suppress(psutil.Error):
            signs.rss_mib[name] = max(signs.rss_mib[name], self._world.process(name).memory_info().rss / MIB)

    def _cpu(self, name: str) -> tuple[int, float] | None:
        try:
            process = self._world.process(name)
            times = process.cpu_times()
        except psutil.Error:
            return None
        return process.pid, times.user + times.system

    def _line_count(self, name: str) -> int:
        log = self._world.child(name).program.log
        return log.read_bytes().count(b"\n") if log.exists() else 0
