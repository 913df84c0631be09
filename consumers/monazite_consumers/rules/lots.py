"""Lots: what a statement brings into being, and lot numbers that were used twice."""

from datetime import datetime
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.weighing import Weighed
from monazite_contracts import statements as st
from monazite_contracts.quantities import grams

_ORIGINS: Final[dict[type[Any], str]] = {st.Import: "imported", st.ScrapIntake: "recycled", st.Blend: "blend"}
"""Of lots whose statement does not say."""


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
    if st.is_assayed(statement):
        origin, net_g = _origin(statement), grams(statement.net_mass_kg)
        return (LotMade(statement.lot, statement.product, origin, net_g, weighed.reo_g, weighed.at),)
    if type(statement) is st.Split:
        return tuple(_part(child, weighed.at) for child in statement.children)
    return ()


def _origin(statement: st.AssayedStatement) -> str:
    if type(statement) is st.Production or type(statement) is st.OpeningInventory:
        return statement.origin
    return _ORIGINS[type(statement)]


def _part(child: st.Part, made_at: datetime) -> LotMade:
    return LotMade(child.lot, "", "split", grams(child.net_mass_kg), None, made_at)
