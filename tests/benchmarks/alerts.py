"""Which alerts a world must raise, from its registry and sums alone."""

from collections import Counter, defaultdict
from datetime import date

from benchmarks.world import CapName, World, misstated
from monazite_contracts.quantities import GRAMS_PER_TONNE

THRESHOLDS = (("cap-80", 80), ("cap-95", 95), ("cap-100", 100))


def grants(world: World) -> dict[CapName, list[tuple[date, int]]]:
    """When how many grams were granted to each cap."""
    found: dict[CapName, Counter[date]] = defaultdict(Counter)
    for entry in world.registry["allocations"]:
        if entry["year"] == world.year and entry.get("form") != "reserve":
            issued_on = date.fromisoformat(str(entry["issued_on"]))
            found[entry["holder"], entry["kind"]][issued_on] += entry["tonnes_reo"] * GRAMS_PER_TONNE
    return {cap: sorted(issued.items()) for cap, issued in found.items()}


def granted_g(world: World) -> Counter[CapName]:
    """What each cap was granted in all."""
    return Counter({cap: sum(grams for _, grams in issued) for cap, issued in grants(world).items()})


def expected(world: World) -> set[tuple[str, str, str]]:
    """Rule, subject and period of every alert about caps, now and then, and about claims."""
    found, issued = set(), grants(world)
    for (holder, kind), grams in granted_g(world).items():
        drawn_g = world.drawn_g[holder, kind]
        rules = [rule for rule, percent in THRESHOLDS if drawn_g and drawn_g * 100 >= grams * percent]
        if drawn_g > grams:
            rules.append("cap-overrun")
        if _overran(world, (holder, kind), issued[holder, kind]):
            rules.append("cap-overrun-then")
        found |= {(rule, f"{holder}/{kind}", f"{world.year}") for rule in rules}
    return found | {("claimed-reo", plant, month) for plant, month in misstated(world.said)}


def _overran(world: World, cap: CapName, issued: list[tuple[date, int]]) -> bool:
    """Whether more was drawn up to some day than was issued by then, from the first issue on."""
    days = sorted((day, grams) for (*of, day), grams in world.drawn_days_g.items() if (*of,) == cap)
    first_issue, drawn_g = min(day for day, _ in issued), 0
    for day, grams in days:
        drawn_g += grams
        if day >= first_issue and drawn_g > sum(granted for on, granted in issued if on <= day):
            return True
    return False
