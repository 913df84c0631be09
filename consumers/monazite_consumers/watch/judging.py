"""Watch: moves the judged instant on, and judges anew whatever time alone has changed."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from monazite_consumers import metrics, register
from monazite_consumers.database import DATABASE_ERRORS, REGISTRY_LOCK, WATCH_LOCK, Connection, back_off
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.deciding import Platform, read_platform, tell
from monazite_consumers.decisions.doubting import doubt
from monazite_consumers.decisions.outages import keep_known
from monazite_consumers.decisions.rebuilding import judge_again
from monazite_consumers.errors import RestoredError
from monazite_consumers.health import Health
from monazite_consumers.locks import held
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.caps import Cap
from monazite_consumers.rules.keys import month_key
from monazite_consumers.rules.obligations import owed_months
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.settling import Instants, settling
from monazite_consumers.sql import statement
from monazite_consumers.watch.knowing import AskEnds, Knowing, nothing_waits
from monazite_contracts.months import day_of

log = logging.getLogger(__name__)

PASS_S = 1.0
CLOCKS_APART = timedelta(seconds=2)
"""How far the broker's clock, which stamps arrivals, may lag behind ours, with what it has not yet copied."""

APART_MAX: Final = timedelta(seconds=10)
"""Between the host's clock and PostgreSQL's, and back from where was judged: further apart one of them is wrong."""

_DOUBTED: Final = frozenset({"declaration-differs", "declaration-missing"})


def real_now() -> datetime:
    """The real clock, in UTC."""
    return datetime.now(UTC)


class Watch:
    """Judges every second while it holds the watch's lock; waits in line otherwise."""

    def __init__(
        self,
        database_url: str,
        health: Health,
        now: Callable[[], datetime] = real_now,
        ends: AskEnds = nothing_waits,
        apart_max: timedelta = APART_MAX,
    ) -> None:
        self._database_url = database_url
        self._health = health
        self._now = now
        self._knowing = Knowing(ends)
        self._apart_max = apart_max
        self._registry = Registry()
        self._failures = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                async with held(self._database_url, WATCH_LOCK, "watch", self._health) as connection:
                    await self._pass_while_held(connection)
            except (*DATABASE_ERRORS, RestoredError) as error:
                self._health.red("watch", f"{type(error).__name__}: {error}")
                metrics.RETRIES.labels("watch").inc()
                log.warning("watch waits: %s: %s", type(error).__name__, error)
            await back_off(self._failures)
            self._failures += 1

    async def _pass_while_held(self, connection: Connection) -> None:
        rung = asyncio.Event()
        self._knowing.forget()
        await connection.add_listener("monazite_clock", lambda *_: rung.set())
        while True:
            rung.clear()
            wrong = await self.pass_once(connection)
            self._failures = 0
            if wrong is None:
                self._health.green("watch")
            else:
                self._health.red("watch", wrong)
            self._health.beat("watch", limit_s=30)
            with suppress(TimeoutError):
                async with asyncio.timeout(PASS_S):
                    await rung.wait()

    async def pass_once(self, connection: Connection) -> str | None:
        """One pass, one transaction, on the connection that holds the lock. Returned: why it judges nothing new."""
        # The clock is read before anything else: what arrives from here on may be known already, or not yet.
        driven: datetime | None = await connection.fetchval(statement("platform", "instant"))
        now = driven or self._now()
        wrong = None if driven else await self._clock_wrong(connection, now)
        await self._knowing.ask(connection, driven or now - CLOCKS_APART)
        async with connection.transaction():
            # Alone, and in the queue: rows that two members keep locked in turns would never be free for us.
            await connection.execute(statement("registry", "exclude_decisions"), REGISTRY_LOCK)
            if await register.revision(connection) != self._registry.revision:
                self._registry = await register.load(connection)
            await connection.execute(statement("following", "settled"))
            if self._registry.revision and wrong is None:
                wrong = await self._judge(connection, now)
        metrics.WATCH_PASSES.inc()
        return wrong

    async def _clock_wrong(self, connection: Connection, now: datetime) -> str | None:
        """A host whose clock jumps ahead would call a country missing, and close its months."""
        theirs: datetime = await connection.fetchval(statement("platform", "server_clock"))
        if abs(now - theirs) <= self._apart_max:
            return None
        return f"this host's clock says {now.isoformat()}, PostgreSQL's {theirs.isoformat()}: nothing is judged"

    async def _judge(self, connection: Connection, now: datetime) -> str | None:
        before = await read_platform(connection)
        before.require_current()
        if now < before.judged_at:  # a clock that was set back judges nothing; it will catch up
            if before.judged_at - now <= self._apart_max:
                return None
            return f"the clock says {now.isoformat()}, and was judged until {before.judged_at.isoformat()} already"
        known_until = await keep_known(connection, self._registry, await self._knowing.reached(connection), now)
        wrong = await self._stands_still(connection, known_until)
        if (now, known_until) == (before.judged_at, before.known_until):
            return wrong
        platform = replace(before, judged_at=now, known_until=known_until)
        await connection.execute(statement("platform", "judge"), now)
        changes = Changes(at=now)
        settled = await self._settled(connection, before, platform)
        changes.touched |= settled
        owed = owed_months(self._registry, before.judged_at, now)
        # What a difference is told by, and what a month that was closed before its deadline says, follow from settling.
        flagged = [month_key(key.subject, key.period) for key in settled if key.rule in _DOUBTED]
        await doubt(connection, (("month", key) for key in (*owed, *flagged)))
        caps = taking_effect(self._registry, before.judged_at, now)
        await tell(connection, self._registry, platform, changes, caps)
        if platform.judge_again_at is not None and platform.judge_again_at <= now:
            keys = [AlertKey(*row) for row in await connection.fetch(statement("alerts", "keys"))]
            await judge_again(connection, self._registry, platform, keys)
            await connection.execute(statement("platform", "judged_again"))
        metrics.WATCH_JUDGED_AT.set(platform.judged_at.timestamp())
        metrics.WATCH_KNOWN_UNTIL.set(platform.known_until.timestamp())
        return wrong

    async def _stands_still(self, connection: Connection, known_until: datetime) -> str | None:
        """For as long as makes an outage nothing more has become known: whoever is at fault, no deadline passes."""
        limit = timedelta(minutes=self._registry.settings.outage_minutes)
        if not await connection.fetchval(statement("platform", "stands_still"), limit):
            return None
        return f"nothing after {known_until.isoformat()} is known: {self._knowing.waits_for}"

    async def _settled(self, connection: Connection, before: Platform, now: Platform) -> set[AlertKey]:
        """Alerts about absences that have settled meanwhile."""
        was, is_so = (Instants(each.judged_at, each.known_until) for each in (before, now))
        found: set[AlertKey] = set()
        for rules, after, until in settling(self._registry.settings, was, is_so):
            rows = await connection.fetch(statement("findings", "settling"), rules, after, until)
            found |= {AlertKey(row["rule"], row["subject"], row["period"]) for row in rows}
        return found


def taking_effect(registry: Registry, after: datetime, until: datetime) -> set[Cap]:
    """Caps that have a grant whose day of issue begins after one instant and by another."""
    first, last = day_of(after), day_of(until)
    if first == last:
        return set()
    return {
        Cap(holder, year, kind)
        for holder, year, kind in registry.granted_caps()
        if any(first < grant.day <= last for grant in registry.grants(holder, year, kind))
    }
