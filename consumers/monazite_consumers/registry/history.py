"""Who changed what in the registry, and when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement


@dataclass(frozen=True, slots=True)
class Recorded:
    """One change of one entry; `before` is None for a new entry, `after` for one that was taken out."""

    revision: int
    applied_at: datetime
    applied_by: str
    noun: str
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


async def history(connection: Connection) -> tuple[Recorded, ...]:
    """Every change, newest revision first."""
    rows = await connection.fetch(statement("registry", "history"))
    return tuple(Recorded(**row) for row in rows)
