"""Lots, shipments, flows and months, from what is so now, all at once."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from chaos.oracle.facts import CHINA, ORES, Json, day_of, event_time, reo_g
from chaos.oracle.messages import End
from chaos.oracle.registry import Registry

MILLION = 1_000_000
MADE, CAME, WENT = ("opening", "imported", "taken_in", "made"), ("received", "returned"), ("used", "dispatched", "lost")
COLUMNS = {"made": "made", "imported": "in", "taken_in": "in", "received": "in", "returned": "in"} | {
    "used": "used", "dispatched": "shipped", "lost": "lost",
}  # fmt: skip


class Now(NamedTuple):
    """What a statement says now."""

    kind: str
    data: Json
    plant: str
    arrived_at: datetime

    @property
    def at(self) -> datetime:
        return event_time(self.data)


class Move(NamedTuple):
    """One line of a statement."""

    kind: str
    plant: str
    lot: str
    net_g: int
    at: datetime
    step: str = ""
    product: str | None = None
    into: str | None = None
    claimed_g: int = 0
    reo_g: int = 0


def month_start(at: datetime) -> datetime:
    return datetime.combine(day_of(at).replace(day=1), datetime.min.time(), CHINA)


def grams(kilograms: str) -> int:
    return int(Fraction(kilograms) * 1000)


def month_of(at: datetime) -> str:
    return f"{day_of(at):%Y-%m}"


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


def moves_of(said: Now) -> list[Move]:
    data, plant, at = said.data, said.plant, said.at
    kind = said.kind.split(".")[1]
    if kind in {"production", "import", "scrap-intake"}:
        name = {"import": "imported", "scrap-intake": "taken_in"}.get(kind, "made")
        step, net = data.get("activity", ""), data["net_mass_kg"]
        found = [
            Move(
                name, plant, data["lot"], grams(net), at, step, data["product"],
                claimed_g=grams(data["claimed_reo_kg"]), reo_g=reo_g(net, data["assay"]),
            )
        ]  # fmt: skip
        for used in data.get("inputs", []):
            mass = grams(used["net_mass_kg"])
            found.append(Move("used", plant, used["lot"], mass, at, step, used["product"], into=data["lot"]))
        if grams(data.get("losses_kg", "0")):
            lost = grams(data["losses_kg"])
            found.append(Move("lost_in_process", plant, data["lot"], lost, at, step, data["product"]))
        return found
    if kind == "dispatched":
        return [
            Move("dispatched", plant, line["lot"], grams(line["net_mass_kg"]), at, product=line["product"])
            for line in data["lines"]
        ]
    if kind == "received":
        parts = [
            (name, line["lot"], grams(line[f"{word}_kg"]))
            for line in data["lines"]
            for name, word in (("received", "accepted"), ("refused", "refused"))
        ]
        return [Move(name, plant, lot, net_g, at) for name, lot, net_g in parts if net_g]
    return []


def judge_shipments(current: list[Now], registry: Registry, end: End, now: datetime) -> list[Move]:
    """How each stands; returns what is the consignors' again."""
    sent: dict[str, Now] = {}
    taken: dict[str, Now] = {}
    for said in current:
        if said.kind == "monazite.dispatched.v1":
            sent[f"{said.plant}/{said.data['waybill']}"] = said
        elif said.kind == "monazite.received.v1":
            taken[f"{said.data['consignor']['plant']}/{said.data['waybill']}"] = said
    returned: list[Move] = []
    for key in {*sent, *taken}:
        dispatch, receipt, consignor = sent.get(key), taken.get(key), key.split("/")[0]
        if dispatch is None:
            assert receipt is not None
            end.shipments[key] = (receipt.plant, "not dispatched", consignor)
            end.raised.add(("receipt-without-dispatch", receipt.plant, month_of(receipt.at)))
            continue
        consignee = dispatch.data["consignee"]["plant"]
        check_entitled(dispatch, consignee, registry, end)
        if receipt is None:
            expected = dispatch.data.get("expected_at")
            due = datetime.fromisoformat(expected) if expected else dispatch.at + timedelta(days=30)
            end.shipments[key] = (consignee, "under way", consignee)
            if due <= now:
                end.raised.add(("shipment-overdue", consignee, month_of(due)))
            continue
        state, is_apart = held_against(dispatch, receipt, end)
        end.shipments[key] = (consignee, state, consignor if is_apart else None)
        masses = {line["lot"]: grams(line["net_mass_kg"]) for line in dispatch.data["lines"]}
        for line in receipt.data["lines"]:
            back = min(grams(line["refused_kg"]), masses.get(line["lot"], 0) - grams(line["accepted_kg"]))
            if back > 0:
                returned.append(Move("returned", consignor, line["lot"], back, receipt.at))
    return returned


def check_entitled(dispatch: Now, consignee: str, registry: Registry, end: End) -> None:
    day = day_of(dispatch.at)
    holders = registry.holders(consignee, day)
    listed = any(list(registry.on("approvals", day, enterprise=holder)) for holder in holders)
    if any(not holders or (line["product"] in ORES and not listed) for line in dispatch.data["lines"]):
        end.raised.add(("consignee-not-entitled", dispatch.plant, month_of(dispatch.at)))


def held_against(dispatch: Now, receipt: Now, end: End) -> tuple[str, bool]:
    """The state, and whether mass is unaccounted for; one lot is on each of our waybills."""
    (line,), (found,) = dispatch.data["lines"], receipt.data["lines"]
    masses = grams(line["net_mass_kg"]), grams(found["accepted_kg"]), grams(found["refused_kg"])
    missing = masses[0] - masses[1] - masses[2]
    apart = abs(missing) * MILLION > 2_000 * masses[0]
    rules = [
        *(["shipment-refused"] if masses[2] else []),
        *(["shipment-short" if missing > 0 else "shipment-over"] if apart else []),
    ]
    end.raised |= {(rule, dispatch.plant, month_of(receipt.at)) for rule in rules}
    if masses[2]:
        return "partly refused" if masses[1] else "refused", apart
    return rules[0].removeprefix("shipment-") if rules else "received", apart


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


def sum_flows(moves: list[Move], makers: dict[str, list[Now]], end: End) -> dict[Any, list[Move]]:
    flows: dict[Any, list[Move]] = defaultdict(list)
    for move in moves:
        made = makers.get(move.lot)
        product = move.product or (made[0].data["product"] if made else "")
        key = (move.plant, month_of(move.at), product, move.kind, move.step)
        flows[key].append(move)
    for key, found in flows.items():
        end.flows[key] = (len(found), sum(m.net_g for m in found), sum(m.claimed_g for m in found))
    return flows


TENTH = timedelta(days=10)
"""From the end of a month to its deadline; what came before it was over files nothing."""


def deadline(month: str) -> datetime:
    """The end of the 10th of the next month."""
    year, number = map(int, month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 11, tzinfo=CHINA)


def judge_months(
    flows: dict[Any, list[Move]], moves: list[Move], current: list[Now], registry: Registry, end: End, now: datetime
) -> None:
    weighed: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for move in moves:
        if move.kind == "made":
            total = weighed[move.plant, month_of(move.at)]
            total[0] += move.claimed_g
            total[1] += move.reo_g
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
