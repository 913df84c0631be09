"""What is so now at places of the ledger: statements read again, with the amendments that hold."""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Place
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.sql import statement
from monazite_contracts import statements as st
from monazite_contracts.assays import Assay
from monazite_contracts.events import Event, target_of
from monazite_contracts.opening import open_value


class Current(NamedTuple):
    """A statement that says what is so now, or did until it was amended. `place`: of the event that made it say so."""

    place: Place
    plant: str
    said: st.Statement
    arrived_at: datetime


def saying(row: Any) -> Iterator[tuple[Place, datetime | None]]:
    """The places of a message's row that say what is so now (None), or said so until an amendment arrived."""
    return (((row["message"], index), until) for index, until in zip(row["indexes"], row["untils"], strict=True))


def at_places(rows: Iterable[Any], places: Container[Place]) -> list[dict[str, Any]]:
    """Rows of messages with those of their events that are at given places."""
    kept = [{**row, "indexes": [place[1] for place, _ in saying(row) if place in places]} for row in rows]
    return [row for row in kept if row["indexes"]]


class _Seen(NamedTuple):
    """An event on the way back to its statement. `assay`: the newest final one on that way."""

    place: Place
    arrived_at: datetime
    event: Event
    assay: Assay | None = None


async def read_current(connection: Connection, rows: Iterable[Any]) -> list[Current]:
    """The statements of messages (with value, arrival and the indexes of events that say, or said, what is so)."""
    seen: list[_Seen] = []
    for row in rows:
        events = open_value(row["value"]).events
        for index in row["indexes"]:
            event = events[index].event
            assert event is not None  # noqa: S101 - what says anything was understood
            seen.append(_Seen((row["message"], index), row["arrived_at"], event))
    found: list[Current] = []
    while seen:
        found += [now for each in seen if (now := _stated(each)) is not None]
        seen = await _targets(connection, [each for each in seen if type(each.event.data) is st.AssayFinalised])
    return found


def _stated(seen: _Seen) -> Current | None:
    """The statement that an event makes, with the final assay that amends it; None: one step further back, or none."""
    data = seen.event.data
    if isinstance(data, st.AssayFinalised | st.Void):
        return None
    stated: Any = data.replacement.data if type(data) is st.Correction else data
    if seen.assay is not None:
        stated = stated.model_copy(update={"assay": seen.assay})
    return Current(seen.place, seen.event.source, stated, seen.arrived_at)


async def _targets(connection: Connection, finals: list[_Seen]) -> list[_Seen]:
    """The events that final assays amend."""
    if not finals:
        return []
    asked = [(*each.place, *(target_of(each.event) or ()), each.event.source) for each in finals]
    rows = await connection.fetch(statement("following", "targets"), *transposed(asked, 5))
    by_place = {(row["message"], row["index"]): row for row in rows}
    found: list[_Seen] = []
    for each in finals:
        row = by_place[each.place]
        event = open_value(row["value"]).events[row["target_index"]].event
        data: Any = each.event.data
        assert event is not None  # noqa: S101 - what is amended was understood
        found.append(_Seen(each.place, each.arrived_at, event, each.assay or data.assay))
    return found
