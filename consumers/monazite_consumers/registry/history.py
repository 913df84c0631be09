"""Who changed what in the registry, and when."""

from dataclasses import dataclass
from datetime import datetime

from monazite_consumers.database import Connection
from monazite_consumers.registry.plans import Change
from monazite_consumers.sql import statement


@dataclass(frozen=True, slots=True)
class Recorded:
    """One change of one entry, and the revision that made it."""

    revision: int
    applied_at: datetime
    applied_by: str
    change: Change


async def history(connection: Connection) -> tuple[Recorded, ...]:
    """Every change, newest revision first."""
    rows = await connection.fetch(statement("registry", "history"))
    return tuple(
        Recorded(
            row["revision"],
            row["applied_at"],
            row["applied_by"],
            Change(row["noun"], row["key"], row["before"], row["after"]),
        )
        for row in rows
    )
