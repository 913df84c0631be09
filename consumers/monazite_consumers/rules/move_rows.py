"""What is kept of moves: as stated now, as stated until it was amended, and both by the order of arrival."""

from datetime import datetime
from typing import NamedTuple

from monazite_consumers.rules.moves import Move, is_output, own


class MoveRow(NamedTuple):
    """One move as stored; the columns of its row.

    `feed`, `lawful`: of what was made, where it came from and whether lawfully, as last summed. `label`: what a waybill
    or a line of use calls it, which is what it is taken for until its lot is known.
    """

    message: int
    index: int  # type: ignore[assignment] # the column is older than the tuple
    line: int
    plant: str
    lot: str
    kind: str
    step: str
    at: datetime
    net_g: int
    product: str | None
    origin: str | None
    reo_g: int | None
    claimed_g: int | None
    into_lot: str | None
    shipment: str | None
    oxides: str | None = None
    feed: str | None = None
    lawful: bool | None = None
    label: str | None = None


class PastMove(NamedTuple):
    """What a move said that was so until it was amended; the columns of its row."""

    message: int
    index: int  # type: ignore[assignment] # the column is older than the tuple
    line: int
    plant: str
    lot: str
    kind: str
    step: str
    at: datetime
    net_g: int
    product: str | None
    origin: str | None
    into_lot: str | None
    until: datetime
    shipment: str | None


class Stated(NamedTuple):
    """A move for as long as it was stated, by arrival. `until`: None where it is stated still."""

    lot: str
    plant: str
    kind: str
    step: str
    at: datetime
    net_g: int
    product: str | None
    origin: str | None
    since: datetime
    until: datetime | None


def row_of(place: tuple[int, int], line: int, at: datetime, m: Move) -> MoveRow:
    """The row of a statement's move; of what was made, until its lot is judged, what is stated is taken to be so."""
    feed, lawful = (m.origin, True) if is_output(m.kind, m.step) else (None, None)
    return MoveRow(
        *place, line, m.plant, m.lot, m.kind, m.step, at, m.net_g, m.product, m.origin, m.reo_g, m.claimed_g, m.into,
        m.shipment, m.oxides, feed, lawful, None if own(m.kind, m.step).product else m.product,
    )  # fmt: skip
