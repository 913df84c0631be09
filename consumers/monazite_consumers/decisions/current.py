"""What is so now at places of the ledger: statements read again, with the amendments that hold."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Place
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.sql import statement
from monazite_contracts import statements as st
from monazite_contracts.assays import Assay
from monazite_contracts.events import Event
from monazite_contracts.opening import open_value


class Current(NamedTuple):
    """A statement that says what is so now. `place`: of the event that made it say so."""

    place: Place
    plant: str
    statement: st.Statement
    arrived_at: datetime


class _Final(NamedTuple):
    """A final assay whose statement is still looked for."""

    place: Place
    arrived_at: datetime
    assay: Assay
    event: Event


async def read_current(connection: Connection, rows: Iterable[Any]) -> list[Current]:
    """The statements of messages (with value, arrival and the indexes of their effective events)."""
    found: list[Current] = []
    looking: list[_Final] = []
    for row in rows:
        events = open_value(row["value"]).events
        for index in row["indexes"]:
            event = events[index].event
            assert event is not None  # noqa: S101 - what is effective was understood
            _sort_in((row["message"], index), row["arrived_at"], event, found, looking)
    while looking:
        looking = await _follow(connection, looking, found)
    return found


def _sort_in(
    place: Place, arrived_at: datetime, event: Event, found: list[Current], looking: list[_Final], assay: Any = None
) -> None:
    data = event.data
    if type(data) is st.AssayFinalised:
        looking.append(_Final(place, arrived_at, assay or data.assay, event))
        return
    stated: Any = data.replacement.data if type(data) is st.Correction else data
    if assay is not None:
        stated = stated.model_copy(update={"assay": assay})
    found.append(Current(place, event.source, stated, arrived_at))


async def _follow(connection: Connection, looking: list[_Final], found: list[Current]) -> list[_Final]:
    """One amendment back; the newest of several final assays holds."""
    asked = [
        (*final.place, target.id, bytes.fromhex(target.hash), final.event.source)
        for final in looking
        for target in (final.event.data.target,)  # type: ignore[union-attr] # a final assay names one
    ]
    rows = await connection.fetch(statement("following", "targets"), *transposed(asked, 5))
    by_place = {(row["message"], row["index"]): row for row in rows}
    still: list[_Final] = []
    for final in looking:
        row = by_place.get(final.place)
        event = open_value(row["value"]).events[row["target_index"]].event if row is not None else None
        if event is not None:
            _sort_in(final.place, final.arrived_at, event, found, still, final.assay)
    return still
