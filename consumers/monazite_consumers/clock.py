"""The driven clock: one row that only the driver of a test or demo moves, never backwards."""

from datetime import datetime

from monazite_consumers.database import Connection
from monazite_consumers.errors import ClockError
from monazite_consumers.sql import statement


async def drive(connection: Connection, instant: datetime) -> None:
    """Moves the driven clock on, and wakes watch.

    Raises:
        ClockError: the clock stands later already.
    """
    if await connection.fetchval(statement("platform", "drive"), instant) is None:
        raise ClockError(f"the driven clock is past {instant.isoformat()} already")
    await connection.execute(statement("platform", "ring"))
