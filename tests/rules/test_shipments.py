"""Shipments: both sides, who must act next, and whether the goods may go where they go."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from custody_talk import ACROSS, LOT, RECYCLER, SEPARATION, SETTLED, SOON, chain, judged, of_custody, on_hand, the_chain
from regulator_desk import MINE, Desk, Json
from rule_coverage import clears, fires

from monazite_consumers.queries import Wanted, shipments
from monazite_consumers.rules.entries import Approval, Settings
from monazite_consumers.rules.keys import read_shipment_key, shipment_key
from monazite_consumers.rules.waybills import Said, Sides, expected_at, sides_of
from monazite_contracts import statements as st
from monazite_contracts.builders import (
    a_change_of_destination,
    a_correction,
    a_dispatch,
    a_production,
    a_receipt_of_goods,
    a_separation,
    a_void,
    an_input,
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


async def test_a_shipment_is_judged_by_its_masses_whatever_its_receipt_calls_them(chain: Desk) -> None:
    found = a_receipt_of_goods(record="D-2", outcome="over", lines=[a_line(10)])
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), found))
    assert ("shipment-short", MINE) in told
    assert ("shipment-over", MINE) not in told


async def on_stock(desk: Desk, plant: str = MINE) -> list[tuple[str, int]]:
    rows = await desk.connection.fetch(
        "SELECT product, net_g FROM stocks WHERE plant = $1 AND net_g <> 0 ORDER BY product", plant
    )
    return [(row["product"], row["net_g"]) for row in rows]


async def test_what_was_shipped_is_of_what_the_lot_is_whatever_the_waybill_calls_it(chain: Desk) -> None:
    labelled = [{"lot": LOT, "product": "magnet-sludge", "net_mass_kg": "100.000"}]
    told = of_custody(await judged(chain, made := a_production(), a_dispatch(record="D-1", lines=labelled)))
    assert ("lot-mislabelled", MINE) in told
    assert await on_stock(chain) == [("bastnaesite-concentrate", 19_900_000)]
    assert await chain.misfits() == []
    await judged(chain, a_void(made))
    assert await on_stock(chain) == [("magnet-sludge", -100_000)]
    assert await chain.misfits() == []


async def test_what_was_used_is_of_what_the_lot_is_whatever_its_user_calls_it(chain: Desk) -> None:
    used = [an_input(lot=LOT, product="magnet-sludge", net_mass_kg="5000.000")]
    oxide = a_separation(record="S-1", plant=SEPARATION, inputs=used, net_mass_kg="1900.000")
    taken = a_receipt_of_goods(record="D-2")
    told = of_custody(await judged(chain, made := a_production(), a_dispatch(record="D-1"), taken, oxide))
    assert ("lot-mislabelled", SEPARATION) in told
    there = [("bastnaesite-concentrate", 13_000_000), ("ndpr-oxide", 1_900_000)]
    assert await on_stock(chain, SEPARATION) == there
    assert await chain.misfits() == []
    await judged(chain, a_void(made))
    unknown = [("bastnaesite-concentrate", 18_000_000), ("magnet-sludge", -5_000_000), ("ndpr-oxide", 1_900_000)]
    assert await on_stock(chain, SEPARATION) == unknown, (
        "nobody says what the lot is: each line is what it calls itself"
    )
    assert await chain.misfits() == []


async def test_nobody_waits_for_an_answer_from_outside_the_register(chain: Desk) -> None:
    sender = {"kind": "named", "name": "A. Trader", "country": "CN"}
    await judged(chain, a_receipt_of_goods(record="D-2", consignor=sender))
    (row,) = await chain.connection.fetch("SELECT state, actor FROM shipments")
    assert tuple(row) == ("not dispatched", SEPARATION)
    ((listed,), *_) = await shipments(chain.connection, Wanted(only_open=True))
    assert listed["task"] == "correct the consignor, or state an import or a scrap intake instead"
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


def to(plant: str, at: str = "2023-05-06T08:00:00+08:00") -> Json:
    return a_change_of_destination(record=f"D-{at}", consignee={"kind": "plant", "plant": plant}, changed_at=at)


async def standing(desk: Desk) -> tuple[Any, ...]:
    (row,) = await desk.connection.fetch("SELECT consignee, state, actor, received_at FROM shipments")
    return tuple(row)


async def test_somebody_who_was_never_named_cannot_speak_for_the_consignee(chain: Desk) -> None:
    elsewhere = a_receipt_of_goods(record="D-2", plant=RECYCLER)
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), elsewhere))
    assert {("shipment-misdelivered", RECYCLER), ("shipment-overdue", SEPARATION)} <= told
    assert await standing(chain) == (SEPARATION, "under way", SEPARATION, None)
    assert "shipment-short" not in {rule for rule, _ in told}
    nothing = a_correction(elsewhere, {"outcome": "refused", "lines": [a_line(0, 18_000)]})
    told = of_custody(await judged(chain, nothing))
    assert "shipment-misdelivered" not in {rule for rule, _ in told}, "who refuses takes nothing"
    assert await on_hand(chain, LOT, MINE) == 2_000_000, "what a stranger refuses goes back to nobody"


@pytest.mark.parametrize(
    ("refused", "accepted", "state"),
    [(18_000, 18_000, "received"), (10_000, 10_000, "received"), (10_000, 9_000, "short")],
)
async def test_what_was_refused_goes_on_to_whom_the_consignor_names_next(
    chain: Desk, refused: int, accepted: int, state: str
) -> None:
    outcome = "refused" if refused == 18_000 else "partly_refused"
    refusal = a_receipt_of_goods(record="D-2", outcome=outcome, lines=[a_line(18_000 - refused, refused)])
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), refusal))
    assert ("shipment-refused", MINE) in told
    assert await on_hand(chain, LOT, MINE) == (2_000 + refused) * 1_000
    told = of_custody(await judged(chain, to(RECYCLER)))
    assert await standing(chain) == (RECYCLER, "under way", RECYCLER, None)
    assert await on_hand(chain, LOT, MINE) == 2_000_000, "it is on its way again"
    there = {"received_at": "2023-05-07T08:00:00+08:00", "record": "D-4", "plant": RECYCLER}
    told = of_custody(await judged(chain, a_receipt_of_goods(lines=[a_line(accepted)], **there)))
    assert (await standing(chain))[:2] == (RECYCLER, state)
    road = {rule for rule, _ in told if rule.startswith("shipment-")}
    assert road == ({"shipment-short"} if state == "short" else set())


async def test_what_was_refused_and_is_sent_to_the_same_plant_again_is_owed_again(chain: Desk) -> None:
    refusal = a_receipt_of_goods(record="D-2", outcome="refused", lines=[a_line(0, 18_000)])
    await judged(chain, a_production(), a_dispatch(record="D-1"), refusal, to(SEPARATION, "2023-05-10T08:00:00+08:00"))
    assert (await standing(chain))[:2] == (SEPARATION, "under way")
    late = to(RECYCLER, "2023-05-12T08:00:00+08:00")
    at = {"received_at": "2023-05-12T06:00:00+08:00"}
    elsewhere = a_receipt_of_goods(record="D-5", plant=RECYCLER, outcome="refused", lines=[a_line(0, 18_000)], **at)
    await judged(chain, late, elsewhere)
    assert (await standing(chain))[:2] == (RECYCLER, "refused"), "it was named a little late"
    assert await on_hand(chain, LOT, MINE) == 20_000_000


async def test_whoever_is_named_anew_has_its_own_time_and_entitlement(chain: Desk) -> None:
    listed = Approval(enterprise="ganzhou", activity="separation", since=date(2023, 6, 1))
    await chain.declare(the_chain(("approvals", listed)))
    redirected = to(RECYCLER, "2023-06-01T08:00:00+08:00")
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), redirected))
    assert not {"shipment-overdue", "consignee-not-entitled"} & {rule for rule, _ in told}
    due_at = datetime(2023, 7, 1, tzinfo=UTC)
    (row,) = await chain.connection.fetch("SELECT due_at FROM shipments")
    assert row["due_at"] == due_at
    await chain.watch(due_at + SOON)
    assert ("shipment-overdue", RECYCLER) in of_custody(await chain.alerts())


async def test_no_consignor_may_expect_goods_for_ever(chain: Desk) -> None:
    await judged(chain, a_production(), a_dispatch(record="D-1", expected_at="2099-01-01T00:00:00+08:00"))
    (row,) = await chain.connection.fetch("SELECT due_at FROM shipments")
    assert row["due_at"] == datetime(2023, 5, 4, 4, tzinfo=UTC) + timedelta(days=90)


async def test_nobody_is_late_for_goods_that_were_expected_before_they_left() -> None:
    at = datetime(2023, 5, 4, tzinfo=UTC)
    sent = st.Dispatched.model_construct(dispatched_at=at, expected_at=at - timedelta(days=30))
    said = Said(MINE, sent, at)
    assert expected_at(Sides((said,), (), ()), Settings(), at) == at + timedelta(days=30)


@pytest.mark.parametrize(("received_at", "is_told"), [("11:44:59", True), ("11:45:00", False)])
@fires("receipt-before-dispatch")
@clears("receipt-before-dispatch")
async def test_goods_are_received_after_they_were_dispatched(chain: Desk, received_at: str, *, is_told: bool) -> None:
    early = a_receipt_of_goods(record="D-2", received_at=f"2023-05-04T{received_at}+08:00")
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), early))
    assert (("receipt-before-dispatch", SEPARATION) in told) is is_told
    told = of_custody(await judged(chain, a_correction(early, {"received_at": "2023-05-04T13:00:00+08:00"})))
    assert "receipt-before-dispatch" not in {rule for rule, _ in told}


async def test_a_receipt_that_is_dated_into_a_closed_month_is_told_of_in_that_month(chain: Desk) -> None:
    early = a_receipt_of_goods(record="D-2", received_at="2023-01-02T09:30:00+08:00")
    told = await judged(chain, a_production(), early)
    assert "receipt-before-dispatch" not in {rule for rule, _ in of_custody(told)}, "nobody knows when they left"
    assert ("receipt-before-dispatch", SEPARATION, "2023-01") in await judged(chain, a_dispatch(record="D-1"))
    (example,) = (await chain.evidence("receipt-before-dispatch"))["examples"]
    assert example["dispatched_at"] == "2023-05-04T12:00:00+08:00"
    assert example["received_at"] == "2023-01-02T09:30:00+08:00"


async def test_whoever_took_ore_in_is_looked_at_even_after_a_change_of_destination(chain: Desk) -> None:
    sent = a_dispatch(record="D-1", consignee={"kind": "plant", "plant": RECYCLER})
    taken = a_receipt_of_goods(record="D-2", plant=RECYCLER)
    told = await judged(chain, a_production(), sent, taken, to(SEPARATION))
    assert ("consignee-not-entitled", MINE) in of_custody(told)
    assert (await standing(chain))[:2] == (SEPARATION, "received"), "every gram is accounted for"


async def test_a_delivery_in_parts_accuses_nobody_before_the_rest_can_have_come(chain: Desk) -> None:
    part = a_receipt_of_goods(record="D-2", lines=[a_line(10_000)])
    soon = datetime(2023, 5, 6, tzinfo=UTC)
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), part, at=soon))
    assert "shipment-short" not in {rule for rule, _ in told}
    assert ("shipment-short", MINE) in of_custody(await judged(chain, at=SETTLED))
    rest = a_receipt_of_goods(record="D-3", lines=[a_line(8_000)])
    assert "shipment-short" not in {rule for rule, _ in of_custody(await judged(chain, rest))}


def test_a_waybill_of_one_party_is_never_taken_for_one_of_another() -> None:
    one, other = shipment_key("@CN Foo", "A/1"), shipment_key("@CN Foo/A", "1")
    assert one != other
    assert [read_shipment_key(key) for key in (one, other)] == [("@CN Foo", "A/1"), ("@CN Foo/A", "1")]
    assert read_shipment_key(shipment_key("mine-1", "A/1")) == ("mine-1", "A/1")


def test_dispatches_of_one_instant_are_ordered_by_what_they_say() -> None:
    said = [
        Said(MINE, st.Dispatched.model_validate_json(json.dumps(a_dispatch(end_use=use)["data"])), SETTLED)
        for use in ("trade", "alloy")
    ]
    assert sides_of(said) == sides_of(said[::-1])
