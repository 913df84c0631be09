"""What custody does in one transaction: follows statements, judges what they touch, tells what comes of it."""

from datetime import UTC, datetime
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.custody import judge_lots
from monazite_consumers.decisions.deciding import Platform, tell
from monazite_consumers.decisions.doubting import doubt
from monazite_consumers.decisions.following import follow
from monazite_consumers.decisions.licences import judge_licences
from monazite_consumers.decisions.months import judge_months
from monazite_consumers.decisions.shipments import judge_shipments
from monazite_consumers.rules.obligations import owed_months
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement

JUDGES: Final = (judge_lots, judge_shipments, judge_licences)
"""Of one noun each; what one of them puts in doubt, the next or the next portion judges."""


async def portion(connection: Connection, registry: Registry, platform: Platform) -> bool:
    """One portion of each kind of work, in the caller's transaction; whether there was any."""
    changes = Changes(at=platform.instant or datetime.now(UTC))
    followed = await follow(connection)
    judged = [await judge(connection, registry, changes) for judge in JUDGES]
    judged.append(await judge_months(connection, registry, platform.judged_at, changes))
    if changes.touched:
        await tell(connection, registry, platform, changes, ())
    return followed or any(judged)


async def catch_up(connection: Connection, registry: Registry, platform: Platform) -> None:
    """All of them, under the lock that excludes decisions."""
    await connection.execute(statement("following", "settled"))
    owing = owed_months(registry, datetime.min.replace(tzinfo=UTC), platform.judged_at)
    await doubt(connection, (("month", key) for key in owing))
    while await portion(connection, registry, platform):
        pass
