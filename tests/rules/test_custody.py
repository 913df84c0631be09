"""Lots: what is on hand, where it comes from, and what cannot be."""

from datetime import UTC, date, datetime, timedelta

import pytest
from custody_talk import LOT, SEPARATION, SOON, chain, judged, of_custody, on_hand
from regulator_desk import MINE, Desk, a_period, a_plant, an_enterprise, send
from rule_coverage import clears, fires

from monazite_contracts.builders import (
    a_blend,
    a_correction,
    a_dispatch,
    a_loss,
    a_production,
    a_receipt_of_goods,
    a_separation,
    a_split,
    a_void,
    an_assay_finalised,
    an_input,
)

__all__ = ["chain"]


async def test_a_lot_from_the_mine_to_separation_leaves_nothing_to_notice(chain: Desk) -> None:
    told = await judged(
        chain, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"),
        a_separation(
            record="S-1", lot=f"{SEPARATION}/S-1", plant=SEPARATION, period=a_period(date(2023, 5, 6))
        ),
    )  # fmt: skip
    assert of_custody(told) == set()
    assert await on_hand(chain, LOT, MINE) == 2_000_000
    assert await on_hand(chain, LOT, SEPARATION) == 0
    (row,) = await chain.connection.fetch("SELECT state, actor FROM shipments")
    assert tuple(row) == ("received", None)


@pytest.mark.parametrize("order", [1, -1])
async def test_whatever_arrives_first(chain: Desk, order: int) -> None:
    events = [a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2")]
    for event in events[::order]:
        await judged(chain, event)
    assert of_custody(await chain.alerts()) == set()


@fires("lot-overdrawn")
@clears("lot-overdrawn")
async def test_more_than_on_hand_is_alerted_once_it_has_settled_and_clears_when_the_rest_is_stated(chain: Desk) -> None:
    line = {"lot": LOT, "product": "bastnaesite-concentrate", "net_mass_kg": "25000.000"}
    sent = a_dispatch(record="D-1", lines=[line])
    arrived = datetime(2023, 5, 4, 1, tzinfo=UTC)
    await chain.receive(send(a_production(), at=arrived))
    await chain.receive(send(sent, at=arrived))
    await chain.watch(arrived + SOON - timedelta(seconds=1))
    await chain.follow()
    assert ("lot-overdrawn", MINE) not in of_custody(await chain.alerts())
    await chain.watch(arrived + SOON)
    assert ("lot-overdrawn", MINE) in of_custody(await chain.alerts())
    evidence = await chain.evidence("lot-overdrawn")
    assert evidence["measure"] == 5_000_000
    assert evidence["examples"] == [{"lot": LOT, "in_g": 20_000_000, "out_g": 25_000_000}]
    told = await judged(chain, a_correction(sent, {"lines": [line | {"net_mass_kg": "20000.000"}]}))
    assert ("lot-overdrawn", MINE) not in of_custody(told)


@fires("lot-unreported-elsewhere", "origin-unlawful")
@clears("lot-unreported-elsewhere", "origin-unlawful")
async def test_a_lot_that_nobody_reported_breaks_the_chain_of_what_was_made_of_it(chain: Desk) -> None:
    made = a_separation(record="S-1", plant=SEPARATION, lot=f"{SEPARATION}/S-1", inputs=[an_input(lot=f"{MINE}/R-9")])
    told = of_custody(await judged(chain, made))
    assert {("lot-unreported-elsewhere", SEPARATION), ("origin-unlawful", SEPARATION)} <= told
    told = of_custody(await judged(chain, a_production(record="R-9")))
    assert not {rule for rule, _ in told} & {"lot-unreported-elsewhere", "origin-unlawful"}


@fires("lot-unreported")
@clears("lot-unreported")
async def test_a_plants_own_unreported_lot_settles_sooner(chain: Desk) -> None:
    arrived = datetime(2023, 5, 4, 5, tzinfo=UTC)
    await chain.receive(send(a_loss(record="L-1"), at=arrived))
    await chain.follow()
    await chain.watch(arrived + SOON)
    await chain.follow()
    assert ("lot-unreported", MINE) in of_custody(await chain.alerts())
    told = await judged(chain, a_production())
    assert ("lot-unreported", MINE) not in of_custody(told)


async def test_ore_of_a_mine_that_is_on_no_list_stays_unlawful_however_often_it_is_blended(desk: Desk) -> None:
    await desk.declare([*an_enterprise("wild", "-"), *a_plant(MINE, "wild")])
    told = await judged(desk, a_production(), a_production(record="R-2"), a_blend(record="B-1"))
    assert ("origin-unlawful", MINE) in of_custody(told)
    evidence = await desk.evidence("origin-unlawful")
    assert evidence["count"] == 3
    await desk.declare([*an_enterprise("wild"), *a_plant(MINE, "wild")])
    await desk.follow()
    assert ("origin-unlawful", MINE) not in of_custody(await desk.alerts())
    assert await desk.rebuild() == []


async def test_a_circle_of_lots_is_no_lawful_origin(chain: Desk) -> None:
    around = [
        a_blend(record=f"B-{n}", parents=[{"lot": f"{MINE}/B-{1 - n}", "net_mass_kg": "10000.000"}]) for n in range(2)
    ]
    told = await judged(chain, *around)
    assert ("origin-unlawful", MINE) in of_custody(told)
    rows = await chain.connection.fetch("SELECT broken FROM lot_states ORDER BY lot")
    assert [row["broken"] for row in rows] == ["circle", "circle"]


async def test_a_final_assay_changes_what_flowed_everywhere(chain: Desk) -> None:
    made = a_production()
    await judged(chain, made, a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"))
    before = await flows(chain)
    assert before[SEPARATION, "received"] == (18_000_000, 9_936_000)
    await judged(chain, an_assay_finalised(made))
    after = await flows(chain)
    assert after[SEPARATION, "received"] == (18_000_000, 9_853_200)
    assert after[MINE, "dispatched"] == after[SEPARATION, "received"]


async def flows(desk: Desk) -> dict[tuple[str, str], tuple[int, int]]:
    rows = await desk.connection.fetch("SELECT plant, kind, net_g, reo_g FROM flows WHERE moves <> 0")
    return {(row["plant"], row["kind"]): (row["net_g"], row["reo_g"]) for row in rows}


async def test_what_a_lot_was_split_from_is_forgotten_when_nobody_has_stated_it_any_more(chain: Desk) -> None:
    await judged(chain, a_production(), a_split(record="R-1S"))
    await judged(chain, a_void(a_production()))
    rows = await chain.connection.fetch("SELECT product, reo_g, broken FROM lot_states WHERE lot <> $1", LOT)
    assert [tuple(row) for row in rows] == [(None, None, "parent")] * 2, "as if it had never been stated"


async def test_a_lot_that_was_only_ever_refused_is_nobodys_and_halts_nobody(chain: Desk) -> None:
    line = {"lot": LOT, "accepted_kg": "0.000", "refused_kg": "18000.000", "reason": "other"}
    told = await judged(chain, a_receipt_of_goods(record="D-2", outcome="refused", lines=[line]))
    assert of_custody(told) == {("receipt-without-dispatch", SEPARATION)}
    assert "platform-fault" not in {rule for rule, _, _ in told}


async def test_split_lots_are_what_their_parent_is(chain: Desk) -> None:
    await judged(chain, a_split(record="R-1S"), a_production())
    rows = await chain.connection.fetch("SELECT lot, product, reo_g, broken FROM lot_states ORDER BY lot")
    assert [tuple(row) for row in rows] == [
        (LOT, "bastnaesite-concentrate", 11_040_000, None),
        (f"{MINE}/R-1S-A", "bastnaesite-concentrate", 5_520_000, None),
        (f"{MINE}/R-1S-B", "bastnaesite-concentrate", 5_520_000, None),
    ]
