"""Keeps until when everything is known, and records as an outage when that took too long."""

from datetime import UTC, datetime, timedelta
from typing import Final

from monazite_consumers import metrics
from monazite_consumers.database import Connection
from monazite_consumers.decisions.doubting import doubt
from monazite_consumers.rules.obligations import Outage, covers_deadline, moved_by
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement

SHORT: Final = timedelta(seconds=10)
"""Longer, and it is an outage if a deadline falls within it: nobody should have had to file just then."""

NOTHING_KNOWN: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Of a database that an earlier release filled: what it takes to follow that is no outage."""


async def keep_known(connection: Connection, registry: Registry, reached: datetime | None, now: datetime) -> datetime:
    """Until when everything is known, given that it may have reached further; under the lock that excludes decisions.

    It lasted until now: what was asked for when it began is reached when it is over. How long nobody knew is measured
    on the real clock: a driven clock that jumps is no outage. From when until when is said on the platform's own.
    """
    limit = timedelta(minutes=registry.settings.outage_minutes)
    await connection.execute(statement("platform", "passed"), min(limit, SHORT))
    if reached is not None:
        for row in await connection.fetch(statement("platform", "know"), reached):
            if row["unknown_for"] > min(limit, SHORT) and NOTHING_KNOWN < row["since"] < now:
                outage, others = Outage(row["since"], now), await _read(connection)
                # A driven clock passes deadlines in a moment that takes a machine as long as it takes.
                is_short = row["is_driven"] or not covers_deadline(outage, others, registry)
                if row["unknown_for"] > limit or not is_short:
                    await _record(connection, registry, (outage, others), "down" if row["was_down"] else "behind")
    known_until: datetime = await connection.fetchval(statement("platform", "known_until"))
    return known_until


async def _read(connection: Connection) -> list[Outage]:
    rows = await connection.fetch(statement("outages", "since"), datetime.min.replace(tzinfo=UTC))
    return [Outage(*row.values()) for row in rows]


async def _record(connection: Connection, registry: Registry, outages: tuple[Outage, list[Outage]], what: str) -> None:
    """A fact from now on: every month whose deadline it moves is judged anew."""
    outage, others = outages
    await connection.fetchval(statement("outages", "add"), *outage, what)
    metrics.OUTAGES.labels(what).inc()
    await doubt(connection, (("month", key) for key in moved_by(outage, others, registry)))
