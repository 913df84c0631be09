"""Findings about one current statement: its claim, its dates, its feed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monazite_consumers.rules.registry import Settings
from monazite_contracts import statements as st
from monazite_contracts.assays import reo_g
from monazite_contracts.catalogue import PRODUCTS, Stage
from monazite_contracts.months import day_of
from monazite_contracts.quantities import PPM, grams


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule noticed in one event or message. `measure` in the unit that the rule counts in, grams mostly."""

    rule: str
    subject: str
    period: str
    at: datetime
    measure: int = 0


def findings_of(
    plant: str, statement: st.Statement, event_time: datetime, arrived_at: datetime, settings: Settings
) -> tuple[Finding, ...]:
    """All findings about one statement, as it stands, by its own words and its arrival."""
    period = f"{day_of(event_time):%Y-%m}"
    noticed = (
        ("claimed-reo", claim_gap_g(statement, settings.claim_tolerance_ppm)),
        ("recycler-used-ore", ore_used_g(statement)),
        ("event-in-future", _seconds(event_time - arrived_at, timedelta(minutes=settings.future_tolerance_minutes))),
        ("event-long-past", _seconds(arrived_at - event_time, timedelta(days=settings.long_past_days))),
    )
    return tuple(Finding(rule, plant, period, event_time, measure) for rule, measure in noticed if measure)


def claim_gap_g(statement: st.Statement, tolerance_ppm: int) -> int:
    """Claimed less computed REO in grams, where it exceeds the tolerance; else 0."""
    claimed = getattr(statement, "claimed_reo_kg", None)
    if claimed is None:
        return 0
    assert isinstance(statement, st.Production | st.Import | st.ScrapIntake | st.OpeningInventory)  # noqa: S101 - these state a claim
    computed_g = reo_g(statement.net_mass_kg, statement.assay)
    gap_g = grams(claimed) - computed_g
    return gap_g if abs(gap_g) * PPM > tolerance_ppm * computed_g else 0


def ore_used_g(statement: st.Statement) -> int:
    """Grams of ore product that a recycler used as feed (Decree 785 art. 11), as the statement itself says."""
    if not isinstance(statement, st.Production) or statement.activity != "recovered":
        return 0
    return sum(grams(used.net_mass_kg) for used in statement.inputs if PRODUCTS[used.product].stage is Stage.ORE)


def _seconds(excess: timedelta, allowed: timedelta) -> int:
    """Whole seconds of an excess that is not allowed, at least 1; else 0."""
    return max(1, int(excess.total_seconds())) if excess > allowed else 0
