"""Months: what moved, what was owed, what was declared, and how claims lean."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from chaos.oracle.facts import CHINA, Json
from chaos.oracle.lots import Lots
from chaos.oracle.messages import End
from chaos.oracle.moves import MILLION, WENT, Move, Now, grams, month_of
from chaos.oracle.registry import Registry

COLUMNS = {"made": "made", "imported": "in", "taken_in": "in", "received": "in", "returned": "in"} | {
    "used": "used", "left_over": "used", "dispatched": "shipped", "lost": "lost",
}  # fmt: skip

TENTH = timedelta(days=10)
"""From the end of a month to its deadline; what came before it was over files nothing."""


def deadline(month: str) -> datetime:
    """The end of the 10th of the next month."""
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 11, tzinfo=CHINA)


def sum_flows(moves: list[Move], lots: Lots, end: End) -> dict[Any, list[Move]]:
    flows: dict[Any, list[Move]] = defaultdict(list)
    for move in moves:
        product = move.product or lots.product(move.lot)
        key = (move.plant, month_of(move.at), product, move.kind, move.step)
        flows[key].append(move)
    for key, found in flows.items():
        reo = sum(reo_of(move, lots) for move in found)
        end.flows[key] = (len(found), sum(m.net_g for m in found), sum(m.claimed_g for m in found), reo)
    return flows


def reo_of(move: Move, lots: Lots) -> int:
    """Of a line with an assay by that, of any other by its lot's; nothing of what was lost while it was made."""
    if move.kind == "lost_in_process":
        return 0
    return move.reo_g if move.reo_g is not None else lots.reo_of(move.lot, move.net_g) or 0


def judge_months(
    flows: dict[Any, list[Move]], moves: list[Move], current: list[Now], registry: Registry, end: End, now: datetime
) -> None:
    weighed: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for move in moves:
        if move.is_output:
            total = weighed[move.plant, month_of(move.at)]
            total[0] += move.claimed_g
            total[1] += move.reo_g or 0
    for (plant, month), (claimed, computed) in weighed.items():
        if claimed and computed and abs((claimed - computed) * MILLION // computed) > 1_000 and deadline(month) <= now:
            end.raised.add(("claimed-bias", plant, month))
    judge_years(weighed, end, now)
    filed: dict[tuple[str, str], list[Now]] = defaultdict(list)
    for said in sorted(current, key=lambda each: each.arrived_at):
        if said.kind == "monazite.declaration.v1":
            filed[said.plant, said.data["month"]].append(said)
    for (plant, month), found in filed.items():
        if differs(found[-1].data, plant, month, flows):
            end.raised.add(("declaration-differs", plant, month))
    for plant, month in owed(registry):
        if deadline(month) > now:
            continue
        came = [said for said in filed[plant, month] if said.arrived_at >= deadline(month) - TENTH]
        if not came:
            rules = ("declaration-due-3", "declaration-due-1", "declaration-missing", "declaration-escalated")
            end.raised |= {(rule, plant, month) for rule in rules}
        elif came[0].arrived_at >= deadline(month):
            end.raised.add(("declaration-late", plant, month))


def judge_years(weighed: dict[tuple[str, str], list[int]], end: End, now: datetime) -> None:
    """Claims that lean over twelve months, in at least three of which anything was made."""
    for plant, month in weighed:
        first = f"{int(month[:4]) - 1}{month[4:]}"
        year = [total for (whose, when), total in weighed.items() if whose == plant and first < when <= month]
        claimed, computed = sum(total[0] for total in year), sum(total[1] for total in year)
        if len(year) < 3 or not claimed or not computed or deadline(month) > now:
            continue
        if abs((claimed - computed) * MILLION // computed) > 500:
            end.raised.add(("claimed-bias-year", plant, month))


def owed(registry: Registry) -> set[tuple[str, str]]:
    """Plants' months in which whoever ran them had a duty on some day."""
    found = set()
    for duty in registry.nouns.get("duties", []):
        day = date.fromisoformat(duty["since"])
        while f"{day}" < duty["until"]:
            for plant in registry.plants:
                if any(o["enterprise"] == duty["enterprise"] for o in registry.on("operations", day, plant=plant)):
                    found.add((plant, f"{day:%Y-%m}"))
            day += timedelta(days=1)
    return found


def differs(declared: Json, plant: str, month: str, flows: dict[Any, list[Move]]) -> bool:
    """Whether a flow record disagrees with the events in any line."""
    columns: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (whose, when, product, kind, _), found in flows.items():
        net_g = sum(move.net_g for move in found)
        if whose != plant or kind not in COLUMNS:
            continue
        if when == month:
            columns[product][COLUMNS[kind]] += net_g
        if when < month:
            columns[product]["opening"] += -net_g if kind in WENT else net_g
    lines = {line["product"]: line for line in declared["lines"]}
    for product in {*columns, *lines}:
        found_g = columns[product]
        found_g["closing"] = (
            sum(found_g[name] for name in ("opening", "in", "made"))
            - sum(found_g[name] for name in ("used", "shipped", "lost"))
        )  # fmt: skip
        for name in ("opening", "in", "made", "used", "shipped", "lost", "closing"):
            said = grams(lines[product][f"{name}_kg"]) if product in lines else 0
            if abs(said - found_g[name]) * MILLION > 2_000 * max(abs(said), abs(found_g[name])):
                return True
    return False
