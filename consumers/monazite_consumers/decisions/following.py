"""The stage that follows intake: posts what current statements do to stocks, and keeps what they say of shipments."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.decisions.current import Current, at_places, read_current, saying
from monazite_consumers.decisions.doubting import Doubt
from monazite_consumers.decisions.moving import Moving, write
from monazite_consumers.decisions.noticing import state
from monazite_consumers.decisions.posting import copy, transposed
from monazite_consumers.decisions.reported import doubt_amended
from monazite_consumers.decisions.unfiled import Reading, note_unfiled
from monazite_consumers.rules.keys import consignor_of, month_key, shipment_key
from monazite_consumers.rules.move_rows import MoveRow, PastMove, row_of
from monazite_consumers.rules.moves import KINDS, Move, moves_of
from monazite_consumers.sql import statement
from monazite_contracts import statements as st
from monazite_contracts.events import statement_time
from monazite_contracts.months import month_of

MESSAGES: Final = 500
"""New messages that one portion follows."""

EVENTS: Final = 5000
"""New events, or places in the queue, that one portion follows; all of one message, or of one cause, go together."""

_STATED = ("message", "index", "noun", "key", "plant", "type", "at", "arrived_at", "data")


class Piece(NamedTuple):
    """One event to follow. `again`: it was followed before.

    `row`: its message, where it says what is so now, or did `until` an amendment arrived.
    """

    place: Place
    row: Any | None
    again: bool
    until: datetime | None = None

    def __str__(self) -> str:
        return f"{self.place[0]}/{self.place[1]}"


class Next(NamedTuple):
    """What is to be followed next. `is_all`: nothing else is, for now."""

    pieces: list[Piece]
    is_all: bool


async def next_pieces(connection: Connection, limit: int = EVENTS, *, takes_new: bool = True) -> Next:
    """What is to be followed next; from here on it counts as followed, in the caller's transaction.

    `takes_new`: new messages too, or only those again that were followed before.

    The queue is emptied before the events are read: whatever changes from here on is in it again. An event that was
    amended is said until the portion that reads the amendment: which events are, one statement tells.
    """
    (reached,) = await connection.fetch(statement("following", "reached"))
    followed, through = reached["followed"], reached["followed"]
    settled = reached["settled"] if takes_new else followed
    queued = await connection.fetch(statement("following", "restated"), followed, limit)
    if len(queued) < limit and followed < settled:
        bounds = settled, MESSAGES, limit
        through = await connection.fetchval(statement("following", "through"), followed, *bounds)
        queued += await connection.fetch(statement("following", "restated"), through, None)
    again = [(row["message"], row["index"]) for row in queued if row["message"] <= followed]
    rows = await connection.fetch(statement("following", "again"), *transposed(again, 2), through) if again else []
    says = {place: (row, until) for row in rows for place, until in saying(row)}
    pieces = []
    for place in again:
        row, until = says.get(place, (None, None))
        pieces.append(Piece(place, row, again=True, until=until))
    if followed < through:
        new = await connection.fetch(statement("following", "next"), followed, through, MESSAGES)
        await connection.execute(statement("following", "reach"), through)
        await doubt_amended(connection, followed, through)
        pieces += [Piece(place, row, again=False, until=until) for row in new for place, until in saying(row)]
    await note_unfiled(connection, Reading(followed, through, again))
    return Next(pieces, is_all=through >= settled and len(queued) < limit)


async def follow(connection: Connection, pieces: Sequence[Piece], changes: Changes) -> None:
    """Posts what events say now in place of what they said, in the caller's transaction."""
    moving = Moving()
    again = [piece for piece in pieces if piece.again]
    if again:
        await _take_back(connection, [piece.place for piece in again], moving)
        await state(connection, "event", [str(piece) for piece in again], (), changes)
    rows = {piece.place[0]: piece.row for piece in pieces if piece.row is not None}.values()
    until = {piece.place: piece.until for piece in pieces}
    said = await read_current(connection, at_places(rows, until))
    await _post_past(connection, ((each, at) for each in said if (at := until[each.place]) is not None), moving)
    await _post(connection, (each for each in said if until[each.place] is None), moving)


async def _take_back(connection: Connection, places: Sequence[Place], moving: Moving) -> None:
    for row in await connection.fetch(statement("moves", "remove"), *transposed(places, 2)):
        moving.unpost(MoveRow(*row.values()))
    for row in await connection.fetch(statement("moves", "forget_past"), *transposed(places, 2)):
        moving.doubt_past(row["lot"], row["into_lot"], row["shipment"])
    for row in await connection.fetch(statement("following", "unstate"), *transposed(places, 2)):
        moving.doubts.add((row["noun"], row["key"]))
        if row["licence"] is not None:
            moving.doubts.add(("licence", row["licence"]))


async def _post_past(connection: Connection, said: Iterable[tuple[Current, datetime]], moving: Moving) -> None:
    """What was so until it was amended moves nothing, and tells since when something is missing."""
    rows = [row for each, until in said for row in past_rows(each, until)]
    for row in rows:
        moving.doubt_past(row.lot, row.into_lot, row.shipment)
    await copy(connection, "past_moves", PastMove._fields, [tuple(row) for row in rows])


async def _post(connection: Connection, current: Iterable[Current], moving: Moving) -> None:
    stated: list[tuple[Any, ...]] = []
    for now in current:
        for row in move_rows(now):
            moving.post(row)
        if (kept := stated_row(now)) is not None:
            moving.doubts |= {(kept[2], kept[3]), *_licence(now)}
            stated.append(kept)
    await copy(connection, "stated", _STATED, stated)
    await write(connection, moving)


def move_rows(now: Current) -> list[MoveRow]:
    """What a current statement does to stocks, before its lots are judged."""
    at = statement_time(now.said)
    return [row_of(now.place, line, at, move) for line, move in enumerate(moves_of(now.plant, now.said))]


def past_rows(said: Current, until: datetime) -> list[PastMove]:
    """What a statement did to stocks until it was amended, and that somebody answered, if only that nothing came."""
    rows = [row for row in move_rows(said) if KINDS[row.kind].sign or row.kind == "refused"]
    if not rows and isinstance(said.said, st.Received):
        none = Move("refused", said.plant, said.said.lines[0].lot, 0, shipment=_received_on(said.said))
        rows = [row_of(said.place, 0, statement_time(said.said), none)]
    return [PastMove(*row[:9], row.product, row.origin, row.into_lot, until, row.shipment) for row in rows]


def stated_row(now: Current) -> tuple[Any, ...] | None:
    """A statement as it is kept for the judgement of a shipment or a month; None where it says nothing of one."""
    if (kept := _kept_for(now)) is None:
        return None
    data = now.said.model_dump(mode="json", exclude_none=True)
    return (*now.place, *kept, now.plant, type(now.said).__name__, statement_time(now.said), now.arrived_at, data)


def _kept_for(now: Current) -> Doubt | None:
    """The noun and key for whose judgement a statement is kept as it was written."""
    said: Any = now.said
    if isinstance(said, (st.Dispatched, st.DestinationChanged)):
        return "shipment", shipment_key(now.plant, said.waybill)
    if isinstance(said, st.Received):
        return "shipment", _received_on(said)
    if isinstance(said, st.Declaration):
        return "month", month_key(now.plant, said.month)
    if isinstance(said, st.Stocktake):
        return "month", month_key(now.plant, month_of(said.taken_at))
    return None


def _received_on(said: st.Received) -> str:
    return shipment_key(consignor_of(said.consignor), said.waybill)


def _licence(now: Current) -> set[Doubt]:
    papers = getattr(now.said, "export", None)
    return {("licence", papers.licence)} if papers is not None and papers.licence is not None else set()
