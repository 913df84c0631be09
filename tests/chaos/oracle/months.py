"""Months: what moved, what was owed, what was declared, and how claims lean."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from chaos.oracle.facts import CHINA, Json, month_of
from chaos.oracle.lots import Lots
from chaos.oracle.messages import End
from chaos.oracle.moves import MILLION, WENT, Move, Now, grams
from chaos.oracle.registry import Registry

COLUMNS = {"opening": "opening", "made": "made", "imported": "in", "taken_in": "in", "received": "in", "returned": "in"}
COLUMNS |= {"used": "used", "left_over": "used", "dispatched": "shipped", "lost": "lost"}
LINE = ("opening", "in", "made", "used", "shipped", "lost", "closing")

TENTH = timedelta(days=10)
"""From the end of a month to its deadline; what came before it was over files nothing."""


def deadline(month: str) -> datetime:
    """The end of the 10th of the next month."""
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 11, tzinfo=CHINA)


def sum_flows(moves: list[Move], lots: Lots, end: End) -> None:
    """By plant, month, product, kind and step; and what production made, by whether its chain is lawful."""
    flows: dict[Any, list[Move]] = defaultdict(list)
    for move in moves:
        says = None if move.kind in {"dispatched", "used"} else move.product  # a label is no proof
        product = says or lots.product(move.lot) or move.product or _labelled(move, moves)
        flows[move.plant, month_of(move.at), product, move.kind, move.step].append(move)
        if move.is_output:
            made = end.output[move.plant, month_of(move.at), move.step, product]
            for column, mass_g in enumerate((move.net_g, move.reo_g or 0, end.lawful(move.lot) and move.net_g)):
                made[column] += mass_g
    for key, found in flows.items():
        reo = sum(reo_of(move, lots) for move in found)
        end.flows[key] = (len(found), sum(m.net_g for m in found), sum(m.claimed_g for m in found), reo)


def _labelled(move: Move, moves: list[Move]) -> str:
    """What the waybill calls a lot of which nobody has said what it is; failing that, any waybill."""
    named = [each for each in moves if each.lot == move.lot and each.kind == "dispatched"]
    own = [each for each in named if each.shipment == move.shipment]
    return min((each.product or "" for each in own or named), default="")


def reo_of(move: Move, lots: Lots) -> int:
    """Of a line with an assay by that, of any other by its lot's; nothing of what was lost while it was made."""
    if move.kind == "lost_in_process":
        return 0
    return move.reo_g if move.reo_g is not None else lots.reo_of(move.lot, move.net_g) or 0


def judge_months(moves: list[Move], current: list[Now], registry: Registry, end: End, now: datetime) -> None:
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
    kept = {month: books(end, month) for month in {month for _, month in filed}}
    for (plant, month), found in filed.items():
        counts = any(said.arrived_at >= deadline(month) - TENTH for said in found)
        if counts and differs(found[-1].data, plant, kept[month]):
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
        end.declared[plant, month] = _status(came, month)


def _status(came: list[Now], month: str) -> str:
    if not came:
        return "missing"
    if came[0].arrived_at >= deadline(month):
        return "late"
    return "confirmed nil" if came[-1].data["nil"] else "reported"


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


Books = dict[tuple[str, str], dict[str, list[int]]]
"""By plant and product: of each figure of a flow record, grams of product and of REO."""


def books(end: End, month: str) -> Books:
    """Every plant's flow record of a month, as its events have it."""
    found: Books = defaultdict(lambda: {name: [0, 0] for name in LINE})
    for (plant, when, product, kind, _), (_, net_g, _, reo_g) in end.flows.items():
        if when > month or kind not in COLUMNS:
            continue
        sign = -1 if kind in WENT else 1
        line = found[plant, product]
        name = COLUMNS[kind] if when == month else "opening"
        for unit, mass_g in enumerate((net_g, reo_g)):
            line[name][unit] += mass_g if when == month else sign * mass_g
            line["closing"][unit] += sign * mass_g
    return found


def differs(declared: Json, plant: str, kept: Books) -> bool:
    """Whether a flow record disagrees with the events in any line."""
    lines = {line["product"]: line for line in declared["lines"]}
    for product in {*lines, *(product for whose, product in kept if whose == plant)} - {""}:
        for name in LINE:
            said = grams(lines[product][f"{name}_kg"]) if product in lines else 0
            found_g = kept[plant, product][name][0] if (plant, product) in kept else 0
            # What nobody knows the product of may be of any.
            open_g = kept[plant, ""][name][0] if (plant, "") in kept else 0
            found_g = min(max(said, found_g + min(0, open_g)), found_g + max(0, open_g))
            if abs(said - found_g) * MILLION > 2_000 * max(abs(said), abs(found_g)):
                return True
    return False
