"""Revisions of reports and their topic: what it tells a restored database, and what it is told when it was lost."""

import logging
from collections.abc import Sequence
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.delivery import announcement, put
from monazite_consumers.sql import statement
from monazite_contracts.alerts import ReportReady
from monazite_contracts.months import first_day
from monazite_contracts.topics import REPORTS

CHUNK: Final = 500

log = logging.getLogger(__name__)


async def read_back(connection: Connection, announced: Sequence[ReportReady]) -> None:
    """Keeps the highest revision of each report, and takes back what was drawn up without knowing of it."""
    highest: dict[tuple[str, str, str], int] = {}
    for ready in announced:
        key = ready.level, ready.subject, ready.month
        highest[key] = max(ready.revision, highest.get(key, 0))
    told = [(level, code, first_day(month), revision) for (level, code, month), revision in highest.items()]
    await connection.execute(statement("reports", "tell"), *transposed(told, 4))
    known = [bytes.fromhex(ready.hash) for ready in announced]
    gone = await connection.fetchval(statement("reports", "take_back"), REPORTS, known)
    await connection.execute(statement("reports", "reopen"))
    if gone:
        log.warning("%s reports that were never announced were taken back, and are drawn up anew", gone)


async def announce(connection: Connection) -> None:
    """Every stored revision again, in its order: into a topic that has lost them."""
    chunk = []
    async for row in connection.cursor(statement("reports", "announced"), prefetch=CHUNK):
        ready = ReportReady(
            type="monazite.report-ready.v1", month=f"{row['month']:%Y-%m}", level=row["level"], subject=row["code"],
            revision=row["revision"], hash=row["hash"].hex(), ready_at=row["stored_at"],
        )  # fmt: skip
        chunk.append(announcement(ready))
        if len(chunk) == CHUNK:
            await put(connection, chunk)
            chunk = []
    await put(connection, chunk)
