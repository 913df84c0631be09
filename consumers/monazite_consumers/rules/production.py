"""Findings about one current statement: its claim, its dates, its feed."""

from dataclasses import dataclass
from datetime import datetime

from monazite_consumers.rules.entries import Settings
from monazite_consumers.rules.weighing import Weighed
from monazite_contracts import statements as st
from monazite_contracts.catalogue import PRODUCTS, Stage
from monazite_contracts.months import month_of
from monazite_contracts.quantities import PPM, grams


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule noticed in one event or message. `measure` in the unit that the rule counts in, grams mostly."""

    rule: str
    subject: str
    period: str
    at: datetime
    measure: int = 0


def findings_of(plant: str, weighed: Weighed, arrived_at: datetime, settings: Settings) -> tuple[Finding, ...]:
    """All findings about one statement, as it stands, by its own words and its arrival."""
    noticed = _untimely(weighed.at, arrived_at, settings)
    if gap_g := claim_gap_g(weighed, settings.claim_tolerance_ppm):
        noticed.append(("claimed-reo", gap_g))
    if ore_g := ore_used_g(weighed.statement):
        noticed.append(("recycler-used-ore", ore_g))
    if not noticed:
        return ()
    period = month_of(weighed.at)
    return tuple(Finding(rule, plant, period, weighed.at, measure) for rule, measure in noticed)


def claim_gap_g(weighed: Weighed, tolerance_ppm: int) -> int:
    """Claimed less computed REO in grams, where it exceeds the tolerance; else 0."""
    computed_g = weighed.reo_g
    claimed = None if computed_g is None else getattr(weighed.statement, "claimed_reo_kg", None)
    if computed_g is None or claimed is None:
        return 0
    gap_g = grams(claimed) - computed_g
    return gap_g if abs(gap_g) * PPM > tolerance_ppm * computed_g else 0


def ore_used_g(statement: st.Statement) -> int:
    """Grams of ore product that a recycler used as feed (Decree 785 art. 11), as the statement itself says."""
    if type(statement) is not st.Production or statement.activity != "recovered":
        return 0
    return sum(grams(used.net_mass_kg) for used in statement.inputs if PRODUCTS[used.product].stage is Stage.ORE)


def _untimely(at: datetime, arrived_at: datetime, settings: Settings) -> list[tuple[str, int]]:
    """Whole seconds that an event lies ahead of its arrival, or behind it, where that is more than is allowed."""
    ahead_s = (at - arrived_at).total_seconds()
    if ahead_s > settings.future_tolerance_minutes * 60:
        return [("event-in-future", int(ahead_s) or 1)]
    if -ahead_s > settings.long_past_days * 86_400:
        return [("event-long-past", int(-ahead_s) or 1)]
    return []
