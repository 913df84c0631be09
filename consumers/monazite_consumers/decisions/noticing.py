"""What is noticed about a lot, a shipment or a plant's month: kept beside it, and counted into alerts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.posting import copy, transposed
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.sql import statement

_COLUMNS = ("noun", "key", "rule", "subject", "period", "at", "measure", "detail")


class Noticed(NamedTuple):
    """One finding about a key of a noun. `at`: from when an absence settles. `detail`: the arithmetic, for a person."""

    key: str
    rule: str
    subject: str
    period: str
    at: datetime
    measure: int
    detail: Mapping[str, Any]

    @property
    def alert(self) -> AlertKey:
        """The alert that it counts into."""
        return AlertKey(self.rule, self.subject, self.period)


async def state(
    connection: Connection, noun: str, keys: Sequence[str], found: Iterable[Noticed], changes: Changes
) -> None:
    """Puts what is noticed about these keys in the place of what was."""
    rows = await connection.fetch(statement("custody", "noticed"), noun, list(keys))
    before = {(row["key"], row["rule"], row["subject"]): Noticed(*row.values()) for row in rows}
    after = {(each.key, each.rule, each.subject): each for each in found}
    gone = [name for name, each in before.items() if after.get(name) != each]
    new = [each for name, each in after.items() if before.get(name) != each]
    if gone:
        await connection.execute(statement("custody", "unnotice"), noun, *transposed(gone, 3))
    for name in gone:
        changes.count(before[name].alert, -1, -before[name].measure)
    for each in new:
        changes.count(each.alert, 1, each.measure)
    await copy(connection, "custody_findings", _COLUMNS, [(noun, *each[:-1], dict(each.detail)) for each in new])
