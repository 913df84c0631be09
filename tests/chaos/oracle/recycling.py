"""What was called what it is not: ore used as scrap, lots under another name, output that is not recycled."""

from collections import defaultdict
from datetime import datetime
from fractions import Fraction

from chaos.oracle.facts import ORES, month_of
from chaos.oracle.lots import Lots
from chaos.oracle.messages import End
from chaos.oracle.moves import MILLION, Move


def judge_recycling(moves: list[Move], lots: Lots, end: End) -> None:
    """What recyclers used that was ore, and what was first stated as recycled and is not."""
    ore: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    called: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for move in moves:
        product = lots.product(move.lot)
        if move.kind == "used" and move.step == "recovered" and product in ORES and move.product not in ORES:
            ore[move.lot, move.plant].append(move.at)
        named = move.product if move.kind in {"used", "dispatched"} else None
        if named and product and named != product:
            called[move.lot, move.plant].append(move.at)
    end.raised |= {("recycler-fed-ore", plant, month_of(min(found))) for (_, plant), found in ore.items()}
    end.raised |= {("lot-mislabelled", plant, month_of(min(found))) for (_, plant), found in called.items()}
    for lot, (first, *_) in lots.makers.items():
        if first.kind == "scrap-intake" and first.product in ORES:
            end.raised.add(("ore-as-scrap", first.plant, month_of(first.at)))
        if not first.is_output or (first.step != "recovered" and first.origin != "recycled"):
            continue
        used = sum(move.net_g for move in lots.into[lot])
        other = sum((move.net_g * _not_recycled(move.lot, lots) for move in lots.into[lot]), Fraction(0))
        if other * MILLION > 2_000 * used:
            end.raised.add(("recycled-differs", first.plant, month_of(first.at)))


def _not_recycled(lot: str, lots: Lots) -> Fraction:
    """The share of a lot that is known to be something else; what was stated as recycled is used in good faith."""
    if lots.product(lot) in ORES:
        return Fraction(1)
    if lot not in lots.makers or lots.origin(lot) == "recycled":
        return Fraction(0)
    feed = lots.feed(lot)
    return 1 - feed.get("recycled", Fraction(0)) - feed.get("unknown", Fraction(0))
