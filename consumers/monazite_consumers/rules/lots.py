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
    if isinstance(statement, st.Production):
        return (_whole(statement, statement.origin, last_instant(statement.period.end)),)
    if isinstance(statement, st.Import):
        return (_whole(statement, "imported", statement.imported_at),)
    if isinstance(statement, st.ScrapIntake):
        return (_whole(statement, "recycled", statement.taken_in_at),)
    if isinstance(statement, st.OpeningInventory):
        return (_whole(statement, statement.origin, statement.counted_at),)
    if isinstance(statement, st.Blend):
        return (_whole(statement, "blend", statement.blended_at),)
    if isinstance(statement, st.Split):
        return tuple(
            LotMade(child.lot, "", "split", grams(child.net_mass_kg), None, statement.split_at)
            for child in statement.children
        )
    return ()


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
