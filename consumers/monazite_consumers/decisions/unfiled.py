"""Notes what came as a declaration and is none, because it was refused or awaits: for the month that it speaks of."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import WHOLE, Place
from monazite_consumers.decisions.doubting import doubt
from monazite_consumers.decisions.posting import copy, transposed
from monazite_consumers.rules.envelopes import FAULT
from monazite_consumers.rules.keys import month_key
from monazite_consumers.rules.unfiled import months_said
from monazite_consumers.sql import statement
from monazite_contracts.events import Stream
from monazite_contracts.opening import VALUE_BYTES_MAX
from monazite_contracts.topics import PLANT_TOPICS

_COLUMNS: Final = ("message", "index", "plant", "month", "outcome", "rule", "arrived_at")


TOPIC: Final = PLANT_TOPICS[Stream.DECLARATIONS]


class Reading(NamedTuple):
    """The messages that are followed: new ones, after one number up to another, and old ones again."""

    after: int
    through: int
    again: Sequence[Place]


async def note_unfiled(connection: Connection, reading: Reading) -> None:
    """Of these messages, in the caller's transaction; the months that they speak of are in doubt."""
    told: set[tuple[str, str]] = set()
    if reading.again:
        for row in await connection.fetch(statement("unfiled", "remove"), *transposed(reading.again, 2)):
            told.add((row["plant"], row["month"]))
    messages = sorted({message for message, _ in reading.again})
    rows = []
    for found in await connection.fetch(
        statement("unfiled", "candidates"), reading.after, reading.through, messages, TOPIC
    ):
        rows += list(_unfiled(found))
    await _note(connection, rows, told)


async def note_set_aside(connection: Connection, place: Place) -> None:
    """That our own code raised on an event, if it is a declaration: nobody is called missing for that."""
    found = await connection.fetchrow(statement("unfiled", "set_aside"), *place, FAULT.rule, TOPIC)
    if found is not None:
        await _note(connection, list(_unfiled(found)), set())


async def _note(connection: Connection, rows: Sequence[tuple[Any, ...]], told: set[tuple[str, str]]) -> None:
    await copy(connection, "unfiled", _COLUMNS, list(rows))
    told = told | {(plant, month) for _, _, plant, month, *_ in rows}
    if told:
        owed = await connection.fetch(statement("unfiled", "perhaps_owed"), *transposed(sorted(told), 2))
        await doubt(connection, (("month", month_key(plant, month)) for plant, month in owed))


def _unfiled(found: Any) -> Iterator[tuple[int, int, str, str, str, str, datetime]]:
    """One row for each event, or of a message that is none for each that it would be."""
    value = found["value"]
    if len(value) > VALUE_BYTES_MAX:
        return
    only = found["index"] if found["index"] != WHOLE else None
    named, said = months_said(value, only, found["arrived_at"])
    # Whoever is refused without a name is nobody; who awaits is whom it claims to be.
    plant = found["plant"] or (named if found["outcome"] == "awaiting" else None)
    if plant is not None:
        for index, month in said:
            yield found["message"], index, plant, month, found["outcome"], found["rule"], found["arrived_at"]
