"""Lots: what a statement brings into being, and lot numbers that were used twice."""

from dataclasses import dataclass
from datetime import datetime

from monazite_contracts import statements as st
from monazite_contracts.assays import reo_g
from monazite_contracts.months import last_instant
from monazite_contracts.quantities import grams


@dataclass(frozen=True, slots=True)
class LotMade:
    """A lot that a statement brings into being; `reo_g` is None where the statement has no assay of its own."""

    lot: str
    product: str
    origin: str
    net_g: int
    reo_g: int | None
    made_at: datetime


def lots_of(statement: st.Statement) -> tuple[LotMade, ...]:
    """The lots that one statement makes."""
    made: tuple[LotMade, ...]
    match statement:
        case st.Production():
            made = (_whole(statement, statement.origin, last_instant(statement.period.end)),)
        case st.Import():
            made = (_whole(statement, "imported", statement.imported_at),)
        case st.ScrapIntake():
            made = (_whole(statement, "recycled", statement.taken_in_at),)
        case st.OpeningInventory():
            made = (_whole(statement, statement.origin, statement.counted_at),)
        case st.Blend():
            made = (_whole(statement, "blend", statement.blended_at),)
        case st.Split():
            made = tuple(_part(child, statement.split_at) for child in statement.children)
        case _:
            made = ()
    return made


def _part(child: st.Part, made_at: datetime) -> LotMade:
    return LotMade(child.lot, "", "split", grams(child.net_mass_kg), None, made_at)


def _whole(
    statement: st.Production | st.Import | st.ScrapIntake | st.OpeningInventory | st.Blend,
    origin: str,
    made_at: datetime,
) -> LotMade:
    return LotMade(
        statement.lot,
        statement.product,
        origin,
        grams(statement.net_mass_kg),
        reo_g(statement.net_mass_kg, statement.assay),
        made_at,
    )
