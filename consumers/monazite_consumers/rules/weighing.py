"""A statement with what several rules ask of it and what is worked out once: when it happened, and its REO."""

from datetime import datetime
from typing import NamedTuple

from monazite_contracts import statements as st
from monazite_contracts.assays import reo_g
from monazite_contracts.events import statement_time


class Weighed(NamedTuple):
    """`at`: its event time. `reo_g`: grams of REO in the lot that it speaks of; None where it states no assay."""

    statement: st.Statement
    at: datetime
    reo_g: int | None


def weigh(statement: st.Statement) -> Weighed:
    """Our own computation from mass and assay, never the plant's claim."""
    made_g = reo_g(statement.net_mass_kg, statement.assay) if st.is_assayed(statement) else None
    return Weighed(statement, statement_time(statement), made_g)
