"""Closed months: what is restated makes a revision, what was amended or stated since is for a person to see."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.doubting import doubt
from monazite_consumers.decisions.noticing import Noticed
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.keys import month_key
from monazite_consumers.sql import statement
from monazite_contracts.declarations import Declaration
from monazite_contracts.months import day_start, first_day, month_end, month_start

MESSAGE_MAX: Final = 2**63 - 1

DECLARED: Final = "monazite.declaration.v1"

NEWEST_MAX: Final = 5
"""Of what was said since, so many are named."""

IDLE: Final = ["amendment-without-target", "amendment-rival", "void-of-void", "amendment-out-of-scope"]
"""Findings at amendments that have no effect."""


def _named(key: str) -> tuple[str, str, date]:
    plant, _, month = key.partition(" ")
    return plant, month, first_day(month)


async def restate(connection: Connection, keys: Sequence[str]) -> None:
    """Months that have been judged anew are to be compared with what was reported of them, once anything is."""
    named = [(plant, first) for plant, _, first in map(_named, keys)]
    await connection.execute(statement("reports", "restate"), *transposed(named, 2))


async def doubt_amended(connection: Connection, after: int = 0, through: int = MESSAGE_MAX) -> None:
    """Closed months of plants that amended something between two messages: a void moves nothing, and doubts nothing."""
    rows = await connection.fetch(statement("reports", "perhaps_amended"), after, through)
    await doubt(connection, (("month", row["key"]) for row in rows))


async def doubt_late(connection: Connection, after: int, month: str) -> None:
    """A month of plants that stated something of it after a message: perhaps judged before its report was there."""
    rows = await connection.fetch(statement("reports", "late"), after, month_start(month), month_end(month))
    await doubt(connection, (("month", month_key(row["plant"], month)) for row in rows))


async def amended_since(connection: Connection, keys: Sequence[str]) -> list[Noticed]:
    """Of months that are closed, those of which something was amended or stated after their first report.

    A flow record that comes late is told of as such; one beside a record that the report knew is told of here.
    """
    asked = [(plant, first, day_start(first), month_end(month)) for plant, month, first in map(_named, keys)]
    noticed = []
    about = IDLE, DECLARED, Declaration.__name__, NEWEST_MAX
    for row in await connection.fetch(statement("reports", "amended"), *transposed(asked, 4), *about):
        plant, month, said = row["plant"], f"{row['month']:%Y-%m}", (row["amendments"], row["late_statements"])
        detail = {"month": month, "amendments": said[0], "late_statements": said[1], "newest": row["newest"]}
        key = month_key(plant, month)
        noticed.append(Noticed(key, "amendment-after-report", plant, month, row["arrived_at"], sum(said), detail))
    return noticed
