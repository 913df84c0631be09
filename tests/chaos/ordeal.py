"""One fault: break the world under load, look at the services, heal it, and hold the end state against the account."""

import asyncio
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from time import monotonic

from chaos.comparing import Verdict, compare
from chaos.load import Load
from chaos.observed import observe
from chaos.oracle import judge
from chaos.oracle.registry import Registry
from chaos.oracle.reports import closed_months
from chaos.reported import proven
from chaos.signs import Signs, Watching
from chaos.world import NeverError, World, until

RETRIES_PER_S, LOG_LINES_PER_S, AT_ONCE = 4, 20, 30
"""More than backoff allows would be spinning; the first tries follow each other fast."""
CPU_SHARE_MAX, RSS_MIB_MAX = 0.6, 400
STUCK_S = 15
"""What has not come round before is given no more than this before it is compared as it is."""

CUSTODY_IS_DONE = """SELECT message >= (SELECT coalesce(max(message), 0) FROM ledger)
    AND NOT EXISTS (SELECT FROM restated) AND NOT EXISTS (SELECT FROM doubts) AND NOT EXISTS (SELECT FROM sweeps)
    FROM following"""
"""Everything is followed, and nothing is in doubt."""
REPORTS_ARE_DONE = """SELECT NOT EXISTS (SELECT FROM restated_months WHERE month <= (SELECT max(month) FROM reports))
    AND $1::text[] <@ (SELECT coalesce(array_agg(DISTINCT to_char(month, 'YYYY-MM')), '{}') FROM reports)"""
"""Months are closed, and nothing about them has changed since."""


@dataclass
class Scene:
    """What a fault may use."""

    world: World
    load: Load
    random: Random
    watching: Watching | None = None
    patience_s: float = 150
    """How long the platform may take to come round."""

    def broken(self) -> None:
        """From here on the world is broken: what the services showed while it was being prepared does not count."""
        if self.watching is not None:
            self.watching.begin_anew()


class Fault(ABC):
    """Something that goes wrong. `red`: the services that must say so while it lasts."""

    name: str
    red: tuple[str, ...] = ()
    lags = False
    """Whether intake must show a lag that grows."""
    times = 1
    proves = 0
    """How many reports are drawn up anew at their positions afterwards."""

    @abstractmethod
    async def strike(self, scene: Scene) -> None:
        """Breaks the world; returns while it is broken."""

    @abstractmethod
    async def heal(self, scene: Scene) -> None:
        """Mends it; returns when the processes are up."""

    def struck(self) -> dict[str, int]:
        """What it is called in the table, and how often each of it was done."""
        return {self.name: self.times}

    def skipped(self) -> str:
        """Why it cannot be done here; empty when it can."""
        return ""


@dataclass
class Row:
    """What one fault came to."""

    fault: str
    times: int = 0
    verdict: Verdict = field(default_factory=Verdict)
    recovery_s: float = 0
    signs: Signs = field(default_factory=Signs)
    red: tuple[str, ...] = ()
    failures: list[str] = field(default_factory=list)
    skipped: str = ""
    spent_s: dict[str, float] = field(default_factory=dict)
    """In which part of it how long."""

    @property
    def holds(self) -> bool:
        """Whether the platform stood it."""
        return self.verdict.holds and not self.failures


async def suffer(scene: Scene, fault: Fault) -> Row:
    """One fault, from the first blow until everything has come round."""
    row = Row(fault.name, red=fault.red, skipped=fault.skipped())
    if row.skipped:
        return row
    spent = _Spent(row.spent_s)
    if scene.load.rests:  # else everything has come round just now
        scene.load.go()
        await caught_up(scene)
    spent.on("before")
    watching = scene.watching = Watching(scene.world, tuple(scene.world.services))
    try:
        try:
            await fault.strike(scene)
            if fault.red or fault.lags:
                await _seen(watching, fault)
            spent.on("broken")
        finally:
            row.signs = await watching.end()
            await fault.heal(scene)
            spent.on("mending")
        began = monotonic()
        await caught_up(scene)
        row.recovery_s = monotonic() - began
    except NeverError as error:
        row.failures.append(str(error))
        scene.patience_s = min(scene.patience_s, STUCK_S)
    row.times = fault.times
    row.failures += _misbehaved(row.signs) if fault.red else []
    spent.on("recovering")
    return row


class _Spent:
    """A watch that is read at the end of each part."""

    def __init__(self, spent_s: dict[str, float]) -> None:
        self._spent_s, self._began = spent_s, monotonic()

    def on(self, part: str) -> None:
        """Of what the time since the last reading was spent on."""
        now = monotonic()
        self._spent_s[part], self._began = now - self._began, now


async def _seen(watching: Watching, fault: Fault) -> None:
    """Waits until the services show what they must."""

    async def is_so() -> bool:
        signs = watching.signs
        return set(fault.red) <= signs.red and (not fault.lags or signs.lag > 0)

    try:
        await until("red", is_so, 60)
    except NeverError as error:
        signs = watching.signs
        raise NeverError(f"{', '.join(set(fault.red) - signs.red)} never turned red, lag {signs.lag}") from error


def _misbehaved(signs: Signs) -> list[str]:
    """Whether a service was spinning or growing while the world was broken."""
    found = []
    for name, retries in signs.retries.items():
        if retries > AT_ONCE + RETRIES_PER_S * signs.seconds:
            found.append(f"{name} tried {retries:.0f} times in {signs.seconds:.0f} s")
    for name, lines in signs.log_lines.items():
        if lines > AT_ONCE + LOG_LINES_PER_S * signs.seconds:
            found.append(f"{name} wrote {lines} lines in {signs.seconds:.0f} s")
    found += [f"{name} used {100 * s:.0f} % of a core" for name, s in signs.cpu_share.items() if s > CPU_SHARE_MAX]
    found += [f"{name} grew to {rss:.0f} MiB" for name, rss in signs.rss_mib.items() if rss > RSS_MIB_MAX]
    return found


async def decided(scene: Scene) -> None:
    """Everything that is acknowledged by now is decided."""
    world, ends = scene.world, scene.load.ends()

    async def so() -> bool:
        async with world.connection() as opened:
            rows = await opened.fetch("SELECT topic, partition, log_generation, next_offset FROM intake_positions")
        reached = {tuple(row)[:3]: row["next_offset"] for row in rows}
        return all(reached.get(partition, 0) >= end for partition, end in ends.items())

    await until("everything is decided", so, scene.patience_s)


async def caught_up(scene: Scene) -> None:
    """Everything that is acknowledged by now is decided and told, and everybody is well."""
    world = scene.world
    await decided(scene)
    now = await world.ask("SELECT clock_timestamp()")

    async def told() -> bool:
        return not await world.ask("SELECT count(*) FROM outbox WHERE published_at IS NULL AND written_at < $1", now)

    newest = await world.ask("SELECT coalesce(max(message), 0) FROM ledger")

    async def followed() -> bool:
        return bool(await world.ask("SELECT message >= $1 FROM following", newest))

    await until("everything is followed", followed, scene.patience_s)
    try:
        await until("everything is told", told, scene.patience_s)
    except NeverError as error:
        raise NeverError(f"{error}: {await _what_waits(world)}") from error
    for name in world.services:
        if world.child(name).alive:

            async def well(service: str = name) -> bool:
                return bool((await world.health(service))["healthy"])

            await until(f"{name} is well", well, scene.patience_s)


async def _what_waits(world: World) -> str:
    async with world.connection() as opened:
        rows = await opened.fetch(
            "SELECT topic, count(*) AS waiting, count(parked_at) AS parked, min(written_at) AS since"
            " FROM outbox WHERE published_at IS NULL GROUP BY topic ORDER BY min(written_at) LIMIT 3"
        )
    health = await world.health("relay")
    return f"{[dict(row) for row in rows]}, relay: {health}"


async def held_against_the_account(scene: Scene, *, proves: int) -> Verdict:
    """Compares, once nothing is under way any more. `proves`: so many reports are drawn up anew at their positions."""
    await scene.load.rest()
    world = scene.world
    nouns = json.loads((world.registry / "country.yaml").read_text())
    registry = Registry(nouns)
    due = closed_months(registry, datetime.now(UTC))
    judging = asyncio.create_task(asyncio.to_thread(judge, scene.load.account, nouns))  # while the platform does
    spent_s: dict[str, float] = {}
    spent = _Spent(spent_s)
    try:
        await caught_up(scene)
        spent.on("catching up")
        now = await world.ask("SELECT clock_timestamp()")
        last = max(message.at for message in scene.load.account)

        async def judged() -> bool:  # what absence raises settles when everything up to the last arrival is known
            return bool(await world.ask("SELECT judged_at > $1 AND known_until > $2 FROM platform", now, last))

        await until("watch has judged what is there", judged)
        spent.on("watch")

        async def nothing_left() -> bool:
            return bool(await world.ask(CUSTODY_IS_DONE)) and bool(await world.ask(REPORTS_ARE_DONE, due))

        await until("custody has judged what is there, and months are reported", nothing_left, scene.patience_s)
        spent.on("custody and reports")
        await caught_up(scene)
        spent.on("telling")
    except NeverError as error:
        return Verdict(differences={"stuck": [str(error)]})
    found = await observe(world, registry)
    spent.on("reading")
    if proves:
        found.odd += await proven(world, scene.random, proves)
    spent.on("proving")
    end = await judging
    end.raised |= scene.load.raised
    verdict = compare(scene.load.account, end, found)
    spent.on("judging")
    verdict.spent_s = spent_s
    return verdict
