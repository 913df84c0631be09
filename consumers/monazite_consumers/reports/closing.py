"""Reports: closes each month after its deadline, and restates a closed one once a day at most; one active instance."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic

from monazite_consumers import metrics, register
from monazite_consumers.database import DATABASE_ERRORS, REGISTRY_LOCK, REPORTS_LOCK, Connection, back_off
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.decisions.reported import IDLE, doubt_amended, doubt_late
from monazite_consumers.errors import NotYetError, RestoredError
from monazite_consumers.health import Health
from monazite_consumers.locks import held
from monazite_consumers.reports.computing import compute
from monazite_consumers.reports.snapshots import Snapshot, snapshot
from monazite_consumers.reports.storing import Drawn, compared_with, packed, store, told_revision
from monazite_consumers.reports.turns import closed_months, due_month, require_ended, stands_at
from monazite_consumers.rules.closings import neighbours, to_compare, waiting
from monazite_consumers.rules.month_rows import Since
from monazite_consumers.rules.reports import Basis, document, everybody, scopes
from monazite_consumers.settings import ReportSettings
from monazite_consumers.sql import statement
from monazite_contracts.months import first_day, month_start
from monazite_contracts.reports import Scope, TraceabilityReport

log = logging.getLogger(__name__)

PASS_S = 1.0
ALIVE_WITHIN_S = 900
"""A month of many plants takes a while; a service that is silent for longer hangs."""


class Reports:
    """Closes months while it holds the reports' lock; waits in line otherwise."""

    def __init__(self, database_url: str, health: Health, settings: ReportSettings) -> None:
        self._database_url = database_url
        self._health = health
        self._settings = settings
        self._failures = 0
        self._waits = ""

    async def run(self) -> None:
        """Until cancelled. Whatever the world does, it waits and tries again."""
        while True:
            try:
                async with held(self._database_url, REPORTS_LOCK, "reports", self._health) as connection:
                    await self._pass_while_held(connection)
            except (*DATABASE_ERRORS, RestoredError) as error:
                self._health.red("reports", f"{type(error).__name__}: {error}")
                metrics.RETRIES.labels("reports").inc()
                log.warning("reports wait: %s: %s", type(error).__name__, error)
            await back_off(self._failures)
            self._failures += 1

    async def _pass_while_held(self, connection: Connection) -> None:
        while True:
            worked = await self.pass_once(connection)
            self._failures = 0
            self._health.green("reports")
            self._health.beat("reports", limit_s=ALIVE_WITHIN_S)
            await asyncio.sleep(0 if worked else PASS_S)

    async def pass_once(self, connection: Connection) -> bool:
        """Closes the next month that is due, or restates what must be; whether there was anything to do and it was."""
        try:
            return await self._close_or_restate(connection)
        except NotYetError as error:
            # Custody has work left, or `monazite report close` was quicker.
            if f"{error}" != self._waits:
                log.info("reports wait: %s", error)
            self._waits = f"{error}"
            return False

    async def _close_or_restate(self, connection: Connection) -> bool:
        (await read_platform(connection)).require_current()
        registry = await register.load(connection)
        closed = await closed_months(connection)
        platform = await read_platform(connection)
        judged_at = platform.judged_at
        due = await due_month(connection, registry, closed, min(judged_at, platform.known_until))
        metrics.REPORT_DUE.set(int(due is not None))
        if due is not None:
            await close(connection, due)
            return True
        return await self._restate(connection, closed, judged_at)

    async def _restate(self, connection: Connection, closed: Mapping[str, datetime], judged_at: datetime) -> bool:
        """A revision for whoever's figures have changed in one closed month: the oldest that waits and has rested.

        Later months rest on it: they take over its marks, and wait in their turn.
        """
        row = await connection.fetchrow(statement("reports", "restated"))
        assert row is not None  # noqa: S101 - a sum over no rows is a row
        marked = [f"{month:%Y-%m}" for month in row["months"] or ()]
        metrics.REPORT_MONTHS_WAITING.set(len(waiting(marked, closed)))
        rested = timedelta(hours=self._settings.revise_after_hours)
        month = next((each for each in to_compare(marked, closed) if judged_at >= closed[each] + rested), None)
        if month is None:
            return False
        await restate(connection, month)
        # What was judged anew while we compared has a later mark and is compared the next time.
        span = first_day(month), *neighbours(month, closed)
        await connection.execute(statement("reports", "carry"), row["mark"], *span)
        return True


async def close(connection: Connection, month: str) -> int:
    """Stores the first revision of everybody's month, all in one transaction; returns how many reports that made.

    Raises:
        NotYetError: it is closed already, or has not ended; or custody is behind, or an outage lasts.
    """
    return await _draw_up(connection, month, is_first=True)


async def restate(connection: Connection, month: str) -> int:
    """Stores a revision for everybody whose figures differ from the last; returns how many there were."""
    return await _draw_up(connection, month, is_first=False)


async def _draw_up(connection: Connection, month: str, *, is_first: bool) -> int:
    began = monotonic()
    async with snapshot(connection) as seen:
        require_ended(seen.position.judged_at, month)
        epoch = (await read_platform(connection)).epoch
        rows = await connection.fetch(statement("reports", "newest"), first_day(month))
        if is_first and rows:
            raise NotYetError(f"{month} is closed already")
        sinces = [Since(row["message"], row["judged_at"]) for row in rows]
        basis = await compute(connection, seen.registry, month, seen.position, sinces)
        awaiting = [tuple(row.values()) for row in await connection.fetch(statement("reports", "awaiting"), IDLE)]
        whose = everybody(basis, ((row["level"], row["code"]) for row in rows))
        drawn = [each async for each in _documents(connection, basis, seen, whose)]
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", REGISTRY_LOCK)
        platform = await read_platform(connection)
        if platform.epoch != epoch:  # the revisions that were announced before are known only since
            raise NotYetError(f"the database was found to be a restored one while {month} was drawn up: once more")
        stored = await store(connection, drawn, platform.instant or datetime.now(UTC))
        drawn_up = first_day(month), seen.position.judged_at
        if stored:  # else no report will be compared with what was seen
            await connection.execute(statement("reports", "put_awaited"), *drawn_up, *transposed(awaiting, 2))
        await connection.execute(statement("reports", "compared"), *drawn_up)
        if is_first:
            # What was amended or stated meanwhile lands after the report, and custody is to say so.
            await doubt_amended(connection, after=seen.message)
            await doubt_late(connection, seen.message, month)
            await connection.execute(statement("reports", "settle"), seen.mark, first_day(month))
    metrics.REPORT_SECONDS.observe(monotonic() - began)
    metrics.REPORTS_STORED.inc(stored)
    log.info("%s: %s reports in %.1f s", month, stored, monotonic() - began)
    return stored


async def preliminary(connection: Connection, scope: Scope, month: str) -> TraceabilityReport:
    """What a scope's next report of a month would say now; stored nowhere.

    Raises:
        NotYetError: custody is far behind, or nothing is known of such a scope.
    """
    async with snapshot(connection) as seen:
        if seen.position.judged_at < month_start(month):
            raise NotYetError(f"{month} has not begun: {stands_at(seen.position.judged_at)}")
        before = await compared_with(connection, scope, month)
        basis = await compute(connection, seen.registry, month, seen.position, [before.since] if before else [])
        known = {(each.level, each.code): each for each in scopes(basis)}
        if (scope.level, scope.code) not in known:
            raise NotYetError(f"nothing is known of {scope.level} {scope.code} in {month}")
        told = await told_revision(connection, scope, month)
        return document(known[scope.level, scope.code], basis._replace(preliminary=True), before, told)


async def _documents(
    connection: Connection, basis: Basis, seen: Snapshot, whose: Iterable[Scope]
) -> AsyncIterator[Drawn]:
    """One at a time, packed: of the documents themselves only one is in memory."""
    for scope in whose:
        month = basis.rows.month
        before = await compared_with(connection, scope, month)
        report = document(scope, basis, before, await told_revision(connection, scope, month))
        is_revision = before is not None and before.report.month == month
        if report.differences or not is_revision:
            yield packed(report, seen.message)
        await asyncio.sleep(0)
