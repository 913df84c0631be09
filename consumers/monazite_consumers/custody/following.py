"""Custody: follows what intake has decided, portion by portion, and judges what that touches."""

import asyncio
import logging
from contextlib import suppress
from time import monotonic
from typing import Final

from monazite_consumers import metrics, register
from monazite_consumers.custody.measuring import Backlog
from monazite_consumers.custody.turns import Judging, Turns
from monazite_consumers.database import CUSTODY_LOCK, DATABASE_ERRORS, REGISTRY_LOCK, Connection, back_off
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.following import EVENTS
from monazite_consumers.decisions.halving import try_again
from monazite_consumers.decisions.portions import Share, portion
from monazite_consumers.errors import FaultError, RestoredError
from monazite_consumers.health import Health
from monazite_consumers.locks import held
from monazite_consumers.patience import Patience
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement

log = logging.getLogger(__name__)

IDLE_S: Final = 0.5
"""How long it sleeps when there is nothing; it uses the lock's session in between."""


class Custody:
    """Follows while it holds the custody lock; waits in line otherwise."""

    def __init__(self, database_url: str, health: Health) -> None:
        self._database_url = database_url
        self._health = health
        self._registry = Registry()
        self._patience = Patience()
        self._judging = Judging()
        self._is_new = True
        """Nothing was tried yet by this release: what an earlier one set aside is tried again."""
        self._failures = 0
        self.events_max = EVENTS
        """That one portion follows at most; half after each failure, a little more after each success."""

    async def run(self) -> None:
        """Until cancelled. Whatever the world does, it waits and tries again."""
        while True:
            try:
                async with held(self._database_url, CUSTODY_LOCK, "custody", self._health) as connection:
                    await self._follow_while_held(connection)
            except (*DATABASE_ERRORS, RestoredError, FaultError) as error:
                self._health.red("custody", f"{type(error).__name__}: {error}")
                metrics.RETRIES.labels("custody").inc()
                log.warning("custody waits: %s: %s", type(error).__name__, error)
                if not isinstance(error, (RestoredError, FaultError)):
                    self.events_max = max(1, self.events_max // 2)  # waiting alone may never cure it
            await back_off(self._failures)
            self._failures += 1

    async def _follow_while_held(self, connection: Connection) -> None:
        woken = asyncio.Event()
        await connection.add_listener("monazite_settled", lambda *_: woken.set())
        turns, backlog = Turns(), Backlog()
        while True:
            woken.clear()
            began = monotonic()
            worked = await self.pass_once(connection)
            took_s = monotonic() - began
            self._failures = 0
            self.events_max = min(EVENTS, self.events_max + EVENTS // 50)
            self._health.green("custody")
            self._health.beat("custody", limit_s=30)
            await backlog.measure(connection)
            if worked:
                metrics.CUSTODY_PORTION_SECONDS.observe(took_s)
                await asyncio.sleep(turns.rest_s(await connection.fetchval(statement("following", "numbered")), took_s))
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_S):
                        await woken.wait()

    async def pass_once(self, connection: Connection) -> bool:
        """One portion, one transaction, on the connection that holds the lock; whether there was any work.

        Raises:
            FaultError: more was set aside than one odd statement accounts for: it is us.
        """
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
            if await register.revision(connection) != self._registry.revision:
                self._registry = await register.load(connection)
            platform = await read_platform(connection)
            platform.require_current()
            if self._is_new:
                await try_again(connection)
            share = Share(self.events_max, takes_new=not self._judging.is_on)
            done = await portion(connection, self._registry, platform, share)
            for _ in range(done.aside):
                if not self._patience.endures():
                    raise FaultError
        self._is_new = False
        self._judging.note(is_all=done.is_all)
        self._patience.decided(done.handled.total())
        metrics.CUSTODY_SET_ASIDE.inc(done.aside)
        for noun, number in done.handled.items():
            metrics.CUSTODY_HANDLED.labels(noun).inc(number)
        return done.goes_on
