"""Which alerts a world must raise, from its registry and sums alone."""

from collections import Counter

from benchmarks.world import CapName, World, misstated
from monazite_contracts.quantities import GRAMS_PER_TONNE

THRESHOLDS = (("cap-80", 80), ("cap-95", 95), ("cap-100", 100))


def granted_g(world: World) -> Counter[CapName]:
    """What each cap was granted in all."""
    found = Counter[CapName]()
    for entry in world.registry["allocations"]:
        if entry["year"] == world.year and entry.get("form") != "reserve":
            found[entry["holder"], entry["kind"]] += entry["tonnes_reo"] * GRAMS_PER_TONNE
    return found


def expected(world: World) -> set[tuple[str, str, str]]:
    """Rule, subject and period of every alert about the caps of now and about claims."""
    found = set()
    for (holder, kind), grams in granted_g(world).items():
        drawn_g = world.drawn_g[holder, kind]
        rules = [rule for rule, percent in THRESHOLDS if drawn_g and drawn_g * 100 >= grams * percent]
        if drawn_g > grams:
            rules.append("cap-overrun")
        found |= {(rule, f"{holder}/{kind}", f"{world.year}") for rule in rules}
    return found | {("claimed-reo", plant, month) for plant, month in misstated(world.said)}
