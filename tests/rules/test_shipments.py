"""Shipments: both sides, who must act next, and whether the goods may go where they go."""

from datetime import UTC, date, datetime

import pytest
from custody_talk import ACROSS, LOT, RECYCLER, SEPARATION, SOON, chain, judged, of_custody, on_hand, the_chain
from regulator_desk import MINE, Desk, Json
from rule_coverage import clears, fires

from monazite_consumers.rules.registry import Approval
from monazite_contracts.builders import (
    a_change_of_destination,
    a_correction,
    a_dispatch,
    a_production,
    a_receipt_of_goods,
    a_void,
)

__all__ = ["chain"]


def a_line(accepted: int, refused: int = 0) -> Json:
    reason = {} if (accepted, refused) == (18_000, 0) else {"reason": "other"}
    return {"lot": LOT, "accepted_kg": f"{accepted}.000", "refused_kg": f"{refused}.000"} | reason


@pytest.mark.parametrize(
    ("outcome", "line", "rule", "actor"),
    [
        ("short", a_line(17_000), "shipment-short", MINE),
        ("over", a_line(19_000), "shipment-over", MINE),
        ("refused", a_line(0, 18_000), "shipment-refused", None),
        ("partly_refused", a_line(10_000, 8_000), "shipment-refused", None),
    ],
)
@fires("shipment-short", "shipment-over", "shipment-refused")
@clears("shipment-short", "shipment-over", "shipment-refused")
async def test_both_sides_of_a_shipment_are_held_against_each_other(
    chain: Desk, outcome: str, line: Json, rule: str, actor: str | None
) -> None:
    found = a_receipt_of_goods(record="D-2", outcome=outcome, lines=[line])
    told = await judged(chain, a_production(), a_dispatch(record="D-1"), found)
    assert (rule, MINE) in of_custody(told)
    (row,) = await chain.connection.fetch("SELECT state, actor, due_at FROM shipments")
    assert row["state"] == outcome.replace("_", " ")
    assert row["actor"] == actor
    assert (row["due_at"] is None) is (actor is None), "what was refused is the consignor's again: nobody need act"
    refused_g = int(line["refused_kg"].split(".", maxsplit=1)[0]) * 1_000
    assert await on_hand(chain, LOT, MINE) == 2_000_000 + refused_g
    told = await judged(chain, a_correction(found, {"outcome": "accepted", "lines": [a_line(18_000)]}))
    assert rule not in {each for each, _ in of_custody(told)}
    assert await on_hand(chain, LOT, MINE) == 2_000_000


async def test_nobody_waits_for_an_answer_from_outside_the_register(chain: Desk) -> None:
    sender = {"kind": "named", "name": "A. Trader", "country": "CN"}
    await judged(chain, a_receipt_of_goods(record="D-2", consignor=sender))
    (row,) = await chain.connection.fetch("SELECT state, actor FROM shipments")
    assert tuple(row) == ("not dispatched", SEPARATION)
    await judged(chain, a_dispatch(record="D-1", consignee=sender, waybill="WB-OUT"))
    (row,) = await chain.connection.fetch("SELECT state, actor FROM shipments WHERE waybill = 'WB-OUT'")
    assert tuple(row) == ("left the register", None)


async def test_what_was_refused_does_not_hide_what_is_missing(chain: Desk) -> None:
    found = a_receipt_of_goods(record="D-2", outcome="partly_refused", lines=[a_line(10_000, 3_000)])
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), found))
    assert {("shipment-refused", MINE), ("shipment-short", MINE)} <= told
    (row,) = await chain.connection.fetch("SELECT measure FROM custody_findings WHERE rule = 'shipment-short'")
    assert row["measure"] == 5_000_000
    (row,) = await chain.connection.fetch("SELECT actor FROM shipments")
    assert row["actor"] == MINE
    assert await on_hand(chain, LOT, MINE) == 5_000_000


@fires("receipt-without-dispatch")
@clears("receipt-without-dispatch")
async def test_nobody_can_give_a_plant_goods_back_that_it_never_sent(chain: Desk) -> None:
    refused = a_receipt_of_goods(record="D-2", outcome="refused", lines=[a_line(0, 18_000)])
    told = await judged(chain, a_production(), refused)
    assert ("receipt-without-dispatch", SEPARATION) in of_custody(told)
    assert await on_hand(chain, LOT, MINE) == 20_000_000
    told = await judged(chain, a_dispatch(record="D-1"))
    assert "receipt-without-dispatch" not in {rule for rule, _ in of_custody(told)}
    assert await on_hand(chain, LOT, MINE) == 20_000_000


@fires("redirect-without-dispatch")
@clears("redirect-without-dispatch")
async def test_a_destination_is_changed_of_what_was_dispatched(chain: Desk) -> None:
    told = await judged(chain, a_change_of_destination(record="D-3"))
    assert ("redirect-without-dispatch", MINE) in of_custody(told)
    told = await judged(chain, a_dispatch(record="D-1"))
    assert "redirect-without-dispatch" not in {rule for rule, _ in of_custody(told)}


@fires("shipment-overdue")
@clears("shipment-overdue")
async def test_goods_that_do_not_arrive_are_overdue_at_the_consignee(chain: Desk) -> None:
    due_at = datetime(2023, 6, 3, 4, tzinfo=UTC)
    await judged(chain, a_production(), a_dispatch(record="D-1"), at=due_at)
    assert "shipment-overdue" not in {rule for rule, _ in of_custody(await chain.alerts())}
    await chain.watch(due_at + SOON)
    assert ("shipment-overdue", SEPARATION) in of_custody(await chain.alerts())
    (row,) = await chain.connection.fetch("SELECT state, actor, due_at FROM shipments")
    assert tuple(row) == ("under way", SEPARATION, due_at)
    told = await judged(chain, a_receipt_of_goods(record="D-2"), at=due_at + ACROSS)
    assert "shipment-overdue" not in {rule for rule, _ in of_custody(told)}


@fires("shipment-misdelivered", "consignee-not-entitled")
@clears("shipment-misdelivered")
async def test_goods_may_go_elsewhere_but_their_consignor_says_so(chain: Desk) -> None:
    elsewhere = a_receipt_of_goods(record="D-2", plant=RECYCLER)
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), elsewhere))
    assert ("shipment-misdelivered", RECYCLER) in told
    redirected = a_change_of_destination(record="D-3", consignee={"kind": "plant", "plant": RECYCLER})
    told = of_custody(await judged(chain, redirected))
    assert "shipment-misdelivered" not in {rule for rule, _ in told}
    assert ("consignee-not-entitled", MINE) in told, "ore goes to listed enterprises only"


@clears("consignee-not-entitled")
async def test_a_listing_entitles_a_consignee(chain: Desk) -> None:
    sent = a_dispatch(record="D-1", consignee={"kind": "plant", "plant": RECYCLER})
    told = await judged(chain, a_production(), sent)
    assert ("consignee-not-entitled", MINE) in of_custody(told)
    listed = Approval(enterprise="ganzhou", activity="separation", since=date(2020, 1, 1))
    await chain.declare(the_chain(("approvals", listed)))
    assert "consignee-not-entitled" not in {rule for rule, _ in of_custody(await judged(chain))}


@fires("waybill-reused")
@clears("waybill-reused")
async def test_a_waybill_number_is_used_once(chain: Desk) -> None:
    second = a_dispatch(record="D-2")
    told = await judged(chain, a_production(), a_dispatch(record="D-1"), second)
    assert ("waybill-reused", MINE) in of_custody(told)
    told = await judged(chain, a_void(second))
    assert "waybill-reused" not in {rule for rule, _ in of_custody(told)}
