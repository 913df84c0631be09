"""Lots and custody, from what is so now, all at once."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from chaos.oracle.facts import ORES, day_of
from chaos.oracle.messages import End
from chaos.oracle.months import judge_months, sum_flows
from chaos.oracle.moves import CAME, MADE, MILLION, WENT, Move, Now, grams, month_of, month_start, moves_of
from chaos.oracle.recycling import judge_recycling
from chaos.oracle.registry import Registry
from chaos.oracle.shipments import judge_shipments


def judge_custody(current: list[Now], registry: Registry, end: End, now: datetime) -> None:
    """Everything about who holds what; `now`: an instant up to which watch has judged."""
    moves = [move for said in current for move in moves_of(said)]
    moves += judge_shipments(current, registry, end, now)
    makers: dict[str, list[Now]] = defaultdict(list)
    for said in current:
        if "lot" in said.data and "assay" in said.data:
            makers[said.data["lot"]].append(said)
    for found in makers.values():
        found.sort(key=lambda each: (each.at, each.plant, grams(each.data["net_mass_kg"])))
    judge_lots(moves, makers, registry, end)
    judge_recycling(moves, makers, end)
    flows = sum_flows(moves, makers, end)
    judge_months(flows, moves, current, registry, end, now)


def judge_lots(moves: list[Move], makers: dict[str, list[Now]], registry: Registry, end: End) -> None:
    held: dict[tuple[str, str], list[Move]] = defaultdict(list)
    parents: dict[str, set[str]] = defaultdict(set)
    for move in moves:
        held[move.lot, move.plant].append(move)
        end.holdings[move.lot, move.plant, move.kind] += move.net_g
        if move.into:
            parents[move.into].add(move.lot)
    for (lot, plant), found in held.items():
        came = sum(move.net_g for move in found if move.kind in MADE + CAME)
        went = [move for move in found if move.kind in WENT]
        out = sum(move.net_g for move in went)
        if (out - came) * MILLION > 2_000 * out:
            rule = "lot-refused" if any(move.kind == "refused" for move in found) else "lot-overdrawn"
            end.raised.add((rule, plant, month_of(max(move.at for move in went))))
        had = [month_start(move.at) if move.kind == "made" else move.at for move in found if move.kind in MADE + CAME]
        if had and went and min(move.at for move in went) < min(had):
            end.raised.add(("lot-used-early", plant, month_of(max(move.at for move in went))))
        handled = [move.at for move in found if move.kind in WENT + CAME]
        if lot not in makers and handled:
            rule = "lot-unreported" if lot.split("/")[0] == plant else "lot-unreported-elsewhere"
            end.raised.add((rule, plant, month_of(max(handled))))
    lawful = lawfulness(makers, parents, registry)
    for lot, (first, *_) in makers.items():
        if not lawful(lot):
            end.raised.add(("origin-unlawful", first.plant, month_of(first.at)))


def lawfulness(makers: dict[str, list[Now]], parents: dict[str, set[str]], registry: Registry) -> Callable[[str], bool]:
    known: dict[str, bool] = {}

    def lawful(lot: str) -> bool:
        if lot not in known:
            known[lot] = False  # what goes into itself has no origin
            known[lot] = bool(makers.get(lot)) and all(begins_well(lot, maker) for maker in makers[lot])
        return known[lot]

    def begins_well(lot: str, maker: Now) -> bool:
        if maker.kind != "monazite.production.v1":
            return True
        if maker.data["activity"] == "mined":
            return registry.listed(maker.plant, ORES[maker.data["product"]], day_of(maker.at))
        return bool(parents[lot]) and all(lawful(parent) for parent in parents[lot])

    return lawful
