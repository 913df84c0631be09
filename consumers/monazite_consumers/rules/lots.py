"""Lots: what a statement brings into being, and lot numbers that were used twice."""

from datetime import datetime
from typing import NamedTuple

from monazite_consumers.rules.weighing import Weighed
from monazite_contracts import statements as st
from monazite_contracts.quantities import grams


class LotMade(NamedTuple):
    """A lot that a statement brings into being; `reo_g` is None where the statement has no assay of its own."""

    lot: str
    product: str
    origin: str
    net_g: int
    reo_g: int | None
    made_at: datetime


def lots_of(weighed: Weighed) -> tuple[LotMade, ...]:
    """The lots that one statement makes."""
    statement = weighed.statement
    match statement:
        case st.Production() | st.OpeningInventory():
            return (_whole(statement, statement.origin, weighed),)
        case st.Import():
            return (_whole(statement, "imported", weighed),)
        case st.ScrapIntake():
            return (_whole(statement, "recycled", weighed),)
        case st.Blend():
            return (_whole(statement, "blend", weighed),)
        case st.Split():
            return tuple(_part(child, weighed.at) for child in statement.children)
        case _:
            return ()


def _part(child: st.Part, made_at: datetime) -> LotMade:
    return LotMade(child.lot, "", "split", grams(child.net_mass_kg), None, made_at)


def _whole(lot: st.AssayedLot, origin: str, weighed: Weighed) -> LotMade:
    return LotMade(lot.lot, lot.product, origin, grams(lot.net_mass_kg), weighed.reo_g, weighed.at)
