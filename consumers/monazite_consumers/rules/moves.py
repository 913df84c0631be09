"""Moves: what a statement does to stocks, line by line: whose, of which lot, and by how much."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.elements import written
from monazite_consumers.rules.keys import consignor_of, shipment_key
from monazite_consumers.rules.weighing import Weighed, weigh
from monazite_contracts import statements as st
from monazite_contracts.assays import oxides_g, reo_g
from monazite_contracts.quantities import grams


class Column(StrEnum):
    """Where a move stands in a month's flow record (`DeclaredFlow`)."""

    OPENING = "opening"
    IN = "in"
    MADE = "made"
    USED = "used"
    SHIPPED = "shipped"
    LOST = "lost"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of move. `sign`: what it does to the stock. `makes`: it brings the lot into being."""

    name: str
    column: Column
    sign: int
    makes: bool = False


_REGROUPED: Final = frozenset({"split", "blended"})
"""Steps that make nothing new."""

_ROWS: Final = (
    Kind("opening", Column.OPENING, 1, makes=True),
    Kind("imported", Column.IN, 1, makes=True),
    Kind("taken_in", Column.IN, 1, makes=True),
    Kind("made", Column.MADE, 1, makes=True),
    Kind("used", Column.USED, -1),
    Kind("left_over", Column.USED, -1),
    Kind("dispatched", Column.SHIPPED, -1),
    Kind("received", Column.IN, 1),
    Kind("refused", Column.NONE, 0),
    Kind("returned", Column.IN, 1),
    Kind("lost", Column.LOST, -1),
    Kind("lost_in_process", Column.NONE, 0),
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _ROWS})
"""Every kind by its name. What a consignee *refused* is not in its stock; what of it was ever sent to it is the
consignor's again, *returned* by the judgement of the shipment and by no statement. What a split has *left over* is
in none of its children; below zero, they weigh more than what was split."""

MAKING: Final = tuple(kind.name for kind in _ROWS if kind.makes)


def is_output(kind: str, step: str) -> bool:
    """Whether a kind of move in a step is what production made."""
    return kind == "made" and step not in _REGROUPED


class Own(NamedTuple):
    """What a move says by itself of the material that it moves; of the rest it says what its lot is.

    What a line of use or a waybill calls a lot is a label, and no proof.
    """

    product: bool
    origin: bool
    reo: bool


def own(kind: str, step: str) -> Own:
    """Of a kind of move in a step."""
    if kind in {"opening", "imported", "taken_in", "lost_in_process"}:
        return Own(product=True, origin=True, reo=True)
    if kind == "made":
        return Own(product=step != "split", origin=step not in _REGROUPED, reo=step != "split")
    if kind == "used":
        return Own(product=False, origin=False, reo=step not in _REGROUPED)
    return Own(product=False, origin=False, reo=False)


class Move(NamedTuple):
    """One line. `step`: what was done to the material: an activity of production, `blended` or `split`.

    `into`: the lot that it became part of. `reo_g`: None where the statement has no assay of its own; `oxides`: nor one
    of the elements.
    """

    kind: str
    plant: str
    lot: str
    net_g: int
    step: str = ""
    product: str | None = None
    origin: str | None = None
    reo_g: int | None = None
    claimed_g: int | None = None
    into: str | None = None
    shipment: str | None = None
    oxides: str | None = None


def moves_of(plant: str, statement: st.Statement) -> tuple[Move, ...]:
    """The moves of one statement of a plant."""
    lines = _LINES.get(type(statement))
    return tuple(lines(plant, weigh(statement))) if lines else ()


def _whole(kind: str, plant: str, weighed: Weighed, origin: str | None, step: str = "") -> Move:
    lot: Any = weighed.statement
    claimed = getattr(lot, "claimed_reo_kg", None)
    return Move(
        kind, plant, lot.lot, grams(lot.net_mass_kg), step, lot.product, origin, weighed.reo_g,
        grams(claimed) if claimed is not None else None, oxides=written(oxides_g(lot.net_mass_kg, lot.assay)),
    )  # fmt: skip


def _production(plant: str, weighed: Weighed) -> Iterator[Move]:
    made: Any = weighed.statement
    yield _whole("made", plant, weighed, made.origin, made.activity)
    for used in made.inputs:
        yield Move(
            "used", plant, used.lot, grams(used.net_mass_kg), made.activity, used.product, None,
            reo_g(used.net_mass_kg, used.assay), into=made.lot, oxides=written(oxides_g(used.net_mass_kg, used.assay)),
        )  # fmt: skip
    if made.losses_kg is not None and (lost_g := grams(made.losses_kg)):
        yield Move("lost_in_process", plant, made.lot, lost_g, made.activity, made.product, made.origin)


def _imported(plant: str, weighed: Weighed) -> Iterator[Move]:
    yield _whole("imported", plant, weighed, "imported")


def _taken_in(plant: str, weighed: Weighed) -> Iterator[Move]:
    yield _whole("taken_in", plant, weighed, "recycled")


def _opening(plant: str, weighed: Weighed) -> Iterator[Move]:
    opened: Any = weighed.statement
    yield _whole("opening", plant, weighed, opened.origin)


def _blend(plant: str, weighed: Weighed) -> Iterator[Move]:
    blend: Any = weighed.statement
    yield _whole("made", plant, weighed, None, "blended")
    for part in blend.parents:
        yield Move("used", plant, part.lot, grams(part.net_mass_kg), "blended", into=blend.lot)


def _split(plant: str, weighed: Weighed) -> Iterator[Move]:
    """The parent goes into each child by the child's mass; what is left over went nowhere."""
    split: Any = weighed.statement
    left_g = grams(split.parent.net_mass_kg)
    for child in split.children:
        net_g = grams(child.net_mass_kg)
        left_g -= net_g
        yield Move("made", plant, child.lot, net_g, "split")
        yield Move("used", plant, split.parent.lot, net_g, "split", into=child.lot)
    if left_g:
        yield Move("left_over", plant, split.parent.lot, left_g, "split")


def _loss(plant: str, weighed: Weighed) -> Iterator[Move]:
    loss: Any = weighed.statement
    yield Move("lost", plant, loss.lot, grams(loss.net_mass_kg))


def _dispatched(plant: str, weighed: Weighed) -> Iterator[Move]:
    sent: Any = weighed.statement
    key = shipment_key(plant, sent.waybill)
    for line in sent.lines:
        yield Move("dispatched", plant, line.lot, grams(line.net_mass_kg), product=line.product, shipment=key)


def _received(plant: str, weighed: Weighed) -> Iterator[Move]:
    found: Any = weighed.statement
    key = shipment_key(consignor_of(found.consignor), found.waybill)
    for line in found.lines:
        if accepted_g := grams(line.accepted_kg):
            yield Move("received", plant, line.lot, accepted_g, shipment=key)
        if refused_g := grams(line.refused_kg):
            yield Move("refused", plant, line.lot, refused_g, shipment=key)


_LINES: Final[dict[type[Any], Callable[[str, Weighed], Iterator[Move]]]] = {
    st.Production: _production,
    st.Import: _imported,
    st.ScrapIntake: _taken_in,
    st.OpeningInventory: _opening,
    st.Blend: _blend,
    st.Split: _split,
    st.Loss: _loss,
    st.Dispatched: _dispatched,
    st.Received: _received,
}
