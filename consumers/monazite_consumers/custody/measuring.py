"""Keeps the metrics of what waits for custody."""

from time import monotonic
from typing import Final

from monazite_consumers import metrics
from monazite_consumers.database import Connection
from monazite_consumers.sql import statement

EVERY_S: Final = 5.0


class Backlog:
    """What waits to be followed and to be judged, counted every few seconds."""

    def __init__(self) -> None:
        self._at = -EVERY_S

    async def measure(self, connection: Connection) -> None:
        """Counts, if it is time to."""
        if monotonic() - self._at < EVERY_S:
            return
        self._at = monotonic()
        for row in await connection.fetch(statement("following", "backlog")):
            metrics.CUSTODY_WAITING.labels(row["what"]).set(row["waiting"])
