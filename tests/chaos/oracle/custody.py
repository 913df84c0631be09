"""Lots and custody, from what is so now, all at once."""

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from chaos.oracle.facts import ORES, day_of, month_of
from chaos.oracle.lots import Lots, Maker
from chaos.oracle.messages import End
from chaos.oracle.months import judge_months, sum_flows
from chaos.oracle.moves import CAME, MADE, MILLION, WENT, Move, Now, month_start, moves_of, split_of
from chaos.oracle.recycling import judge_recycling
from chaos.oracle.registry import Registry
from chaos.oracle.shipments import judge_shipments


def judge_custody(current: list[Now], registry: Registry, end: End, now: datetime) -> None:
    """Everything about who holds what; `now`: an instant up to which watch has judged."""
    moves = [move for said in current for move in moves_of(said)]
    moves += judge_shipments(current, registry, end, now)
    lots = Lots(current, moves)
    judge_lots(moves, lots, registry, end)
    judge_contents(current, lots, end)
    judge_recycling(moves, lots, end)
    sum_flows(moves, lots, end)
    judge_months(moves, current, registry, end, now)


def judge_lots(moves: list[Move], lots: Lots, registry: Registry, end: End) -> None:
    held: dict[tuple[str, str], list[Move]] = defaultdict(list)
    for move in moves:
        held[move.lot, move.plant].append(move)
        end.holdings[move.lot, move.plant, move.kind] += move.net_g
    for (lot, plant), found in held.items():
        came = sum(move.net_g for move in found if move.kind in MADE + CAME)
        went = [move for move in found if move.kind in WENT]
        out = sum(move.net_g for move in went)
        if (out - came) * MILLION > 2_000 * out:
            rule = "lot-refused" if any(move.kind == "refused" for move in found) else "lot-overdrawn"
            end.raised.add((rule, plant, month_of(one_too_many(went, came))))
        had = [month_start(move.at) if move.is_output else move.at for move in found if move.kind in MADE + CAME]
        if had and went and min(move.at for move in went) < min(had):
            end.raised.add(("lot-used-early", plant, month_of(min(move.at for move in went))))
        handled = [move.at for move in found if move.kind in WENT + CAME]
        if lot not in lots.makers and handled:
            rule = "lot-unreported" if lot.split("/")[0] == plant else "lot-unreported-elsewhere"
            end.raised.add((rule, plant, month_of(min(handled))))
    end.lawful = lawfulness(lots, registry)
    for lot, (first, *_) in lots.makers.items():
        if not end.lawful(lot):
            end.raised.add(("origin-unlawful", first.plant, month_of(first.at)))


def one_too_many(went: list[Move], came_g: int) -> datetime:
    """When what was given away came to more than there ever was."""
    out_g = 0
    for move in sorted(went, key=lambda move: move.at):
        out_g += move.net_g
        if (out_g - came_g) * MILLION > 2_000 * out_g:
            break
    return move.at


def lawfulness(lots: Lots, registry: Registry) -> Callable[[str], bool]:
    known: dict[str, bool] = {}

    def lawful(lot: str) -> bool:
        if lot not in known:
            known[lot] = False  # what goes into itself has no origin
            known[lot] = lot in lots.makers and all(begins_well(maker) for maker in lots.makers[lot])
        return known[lot]

    def begins_well(maker: Maker) -> bool:
        if maker.step == "mined":
            return registry.listed(maker.plant, ORES[maker.product], day_of(maker.at))
        if maker.ends_here:
            return maker.kind != "scrap-intake" or maker.product not in ORES
        parents = {move.lot for move in lots.into[maker.lot]}
        return bool(parents) and all(lawful(parent) for parent in parents)

    return lawful


def judge_contents(current: list[Now], lots: Lots, end: End) -> None:
    """Blends that weigh or hold something else than what went into them, splits whose parts are more or less."""
    for first, *others in lots.makers.values():
        if first.step == "blended" and not others and blended_otherwise(first, lots):
            end.raised.add(("blend-differs", first.plant, month_of(first.at)))
    apart: dict[tuple[str, str], list[tuple[int, int, int, datetime]]] = defaultdict(list)
    for said in current:
        if said.kind == "monazite.split.v1":
            split = [move for move in split_of(said) if move.kind in WENT]
            rest_g, split_g = sum(m.net_g for m in split if m.kind == "left_over"), sum(m.net_g for m in split)
            if abs(rest_g) * MILLION > 2_000 * abs(split_g):
                apart[said.data["parent"]["lot"], said.plant].append((abs(rest_g), split_g, rest_g, said.at))
    end.raised |= {("split-differs", plant, month_of(max(found)[-1])) for (_, plant), found in apart.items()}


def blended_otherwise(blend: Maker, lots: Lots) -> bool:
    """By mass, or by content beyond two standard deviations of assays that are each off by half a percent."""
    parts = lots.into[blend.lot]
    used_g, reo = sum(part.net_g for part in parts), [lots.reo_of(part.lot, part.net_g) for part in parts]
    known = [grams for grams in reo if grams is not None]
    if blend.reo_g is not None and len(known) == len(parts):
        spread = 0.005 * sum(grams * grams for grams in (*known, blend.reo_g)) ** 0.5
        if abs(blend.reo_g - sum(known)) > 2 * spread + 0.002 * sum(known):
            return True
    return abs(blend.net_g - used_g) * MILLION > 2_000 * used_g
