"""Shipments: both sides of each waybill, held against each other."""

from datetime import datetime, timedelta

from chaos.oracle.facts import ORES, day_of, month_of
from chaos.oracle.messages import End
from chaos.oracle.moves import MILLION, Move, Now, grams
from chaos.oracle.registry import Registry


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
        if dispatch.at - receipt.at > timedelta(minutes=15):
            end.raised.add(("receipt-before-dispatch", receipt.plant, month_of(receipt.at)))
        state, is_apart = held_against(dispatch, receipt, end)
        end.shipments[key] = (consignee, state, consignor if is_apart else None)
        way = consignor, receipt.data["waybill"]
        masses = {line["lot"]: grams(line["net_mass_kg"]) for line in dispatch.data["lines"]}
        for line in receipt.data["lines"]:
            back = min(grams(line["refused_kg"]), masses.get(line["lot"], 0) - grams(line["accepted_kg"]))
            if back > 0:
                returned.append(Move("returned", consignor, line["lot"], back, receipt.at, shipment=way))
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
