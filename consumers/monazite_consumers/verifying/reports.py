"""Verifies stored reports: each document is the one that was hashed, and each revision follows the one before.

After a restore it follows what was announced before.
"""

import zlib
from hashlib import sha256
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import Misfit, Report

PREFETCH = 20
"""Documents in memory: a nation's may be large."""


async def check_reports(connection: Connection, report: Report) -> None:
    """One after another."""
    whose, due = None, 1
    async for row in connection.cursor(statement("verifying", "reports"), prefetch=PREFETCH):
        report.reports += 1
        named = row["level"], row["code"], row["month"]
        due = due + 1 if named == whose else 1
        whose = named
        detail = f"{row['month']:%Y-%m} for {row['level']} {row['code']}, revision {row['revision']}"
        if row["revision"] not in {due, row["told"] + 1}:
            report.add(Misfit("reports.revision", due, row["revision"], detail))
        due = row["revision"]
        found = _hash(row)
        if found != row["hash"].hex():
            report.add(Misfit("reports.document", row["hash"].hex(), found, detail))


def _hash(row: Any) -> str:
    try:
        return sha256(zlib.decompress(row["document"])).hexdigest()
    except zlib.error:
        return "no document"
