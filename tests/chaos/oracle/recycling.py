"""Where feed comes from by the chains of lots, and what was called recycled and is not."""

from collections import defaultdict
from datetime import datetime
from fractions import Fraction

from chaos.oracle.facts import ORES, Json
from chaos.oracle.messages import End
from chaos.oracle.moves import MILLION, Move, Now, month_of


def judge_recycling(moves: list[Move], makers: dict[str, list[Now]], end: End) -> None:
    """What recyclers used that was ore, and what was first stated as recycled and is not."""
    into: dict[str, list[Move]] = defaultdict(list)
    ore: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    called: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for move in moves:
        if move.into:
            into[move.into].append(move)
            is_ore = makers.get(move.lot) and makers[move.lot][0].data["product"] in ORES
            if is_ore and move.step == "recovered" and move.product not in ORES:
                ore[move.lot, move.plant].append(move.at)
        named = move.product if move.kind in {"used", "dispatched"} else None
        if named and makers.get(move.lot) and named != makers[move.lot][0].data["product"]:
            called[move.lot, move.plant].append(move.at)
    end.raised |= {("recycler-fed-ore", plant, month_of(max(found))) for (_, plant), found in ore.items()}
    end.raised |= {("lot-mislabelled", plant, month_of(max(found))) for (_, plant), found in called.items()}
    feeds: dict[str, dict[str, Fraction]] = {}
    for lot, (first, *_) in makers.items():
        stated = first.data
        if first.kind != "monazite.production.v1" or "recycled" not in {origin_of(first), of_activity(stated)}:
            continue
        used = sum(move.net_g for move in into[lot])
        other = Fraction(0)
        for move in into[lot]:
            if move.lot in makers and origin_of(makers[move.lot][0]) != "recycled":
                feed = feed_of(move.lot, makers, into, feeds)
                other += move.net_g * (1 - feed.get("recycled", 0) - feed.get("unknown", 0))
        if other * MILLION > 2_000 * used:
            end.raised.add(("recycled-differs", first.plant, month_of(first.at)))


def origin_of(maker: Now) -> str:
    fixed = {"monazite.import.v1": "imported", "monazite.scrap-intake.v1": "recycled"}
    return fixed.get(maker.kind) or str(maker.data["origin"])


def of_activity(stated: Json) -> str:
    return "recycled" if stated["activity"] == "recovered" else ""


def feed_of(
    lot: str, makers: dict[str, list[Now]], into: dict[str, list[Move]], known: dict[str, dict[str, Fraction]]
) -> dict[str, Fraction]:
    """Shares of the origins that a lot's feed came from, by mass."""
    if lot in known:
        return known[lot]
    known[lot] = {"unknown": Fraction(1)}  # what goes into itself has no origin
    if lot in makers:
        first = makers[lot][0]
        if first.kind != "monazite.production.v1":
            known[lot] = {origin_of(first): Fraction(1)}
        elif first.data["activity"] == "mined":
            plain = "by_product" if first.data["origin"] == "by_product" else "domestic"
            known[lot] = {"monazite" if first.data["product"] == "monazite-concentrate" else plain: Fraction(1)}
        elif used := sum(move.net_g for move in into[lot]):
            found: dict[str, Fraction] = defaultdict(Fraction)
            for move in into[lot]:
                for origin, share in feed_of(move.lot, makers, into, known).items():
                    found[origin] += Fraction(move.net_g, used) * share
            known[lot] = dict(found)
    return known[lot]
