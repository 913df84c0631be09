"""A lot's chain as it is read: up and down, with its papers, where it is broken, and how far it is followed."""

import pytest
from custody_talk import RECYCLER, SEPARATION, chain, judged
from regulator_desk import MINE, Desk, send

from monazite_consumers.queries import shipments
from monazite_consumers.rules.sharing import WHOLE
from monazite_consumers.tracing import Limits, Trace, UnknownLotError, papers, trace
from monazite_contracts.builders import (
    a_blend,
    a_correction,
    a_dispatch,
    a_loss,
    a_production,
    a_receipt_of_goods,
    a_scrap_intake,
    a_separation,
    a_split,
    an_import,
    an_input,
)

__all__ = ["chain"]

ORE, OXIDE = f"{MINE}/R-1", f"{SEPARATION}/S-1"


def ends(found: Trace) -> dict[str, int]:
    return {each.lot: each.ends for each in found.lots if each.ends}


def whys(found: Trace) -> dict[str, str]:
    return {each.lot: why for each, why in found.breaks}


async def test_up_from_an_oxide_to_the_mine_and_the_customs(chain: Desk) -> None:
    ore = an_import(record="I-1", plant=SEPARATION)
    inputs = [an_input(net_mass_kg="18000.000"), an_input(lot=f"{SEPARATION}/I-1", net_mass_kg="6000.000")]
    made = a_separation(record="S-1", inputs=inputs)
    await judged(chain, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"), ore, made)
    found = await trace(chain.connection, OXIDE)
    assert ends(found) == {ORE: WHOLE * 3 // 4, f"{SEPARATION}/I-1": WHOLE // 4}
    assert found.breaks == []
    assert found.states[ORE].product == "bastnaesite-concentrate"
    documents = await papers(chain.connection, [each.lot for each in found.lots])
    (mined,) = documents[ORE].made
    assert (mined.plant, mined.kind, mined.step, mined.event_id) == (MINE, "made", "mined", a_production()["id"])
    (imported,) = documents[f"{SEPARATION}/I-1"].made
    assert imported.paper == "420220230000012345 (MM, Invented Minerals Ltd)"
    (carried,) = documents[ORE].carried
    assert (carried.waybill, carried.consignee, carried.state) == ("WB-20230504-001", SEPARATION, "received")
    assert (carried.sent_g, carried.accepted_g) == (18_000_000, 18_000_000)


async def test_papers_are_those_of_the_statement_that_holds(chain: Desk) -> None:
    scrap = a_scrap_intake(plant=RECYCLER, record="W-1")
    await judged(chain, scrap, a_correction(scrap, {"supplier": "Another Invented Scrapyard"}))
    documents = await papers(chain.connection, [f"{RECYCLER}/W-1"])
    assert [made.paper for made in documents[f"{RECYCLER}/W-1"].made] == ["Another Invented Scrapyard"]


async def test_down_from_a_mine_to_what_a_condemned_lot_spoils(chain: Desk) -> None:
    blend = a_blend(
        record="B-1", net_mass_kg="10000.000",
        parents=[{"lot": f"{ORE}S-A", "net_mass_kg": "4000.000"}, {"lot": f"{MINE}/R-2", "net_mass_kg": "6000.000"}],
    )  # fmt: skip
    await judged(chain, a_production(), a_production(record="R-2"), a_split(record="R-1S"), blend)
    found = await trace(chain.connection, ORE, down=True)
    assert ends(found) == {f"{ORE}S-A": WHOLE * 3 // 10, f"{ORE}S-B": WHOLE // 2, f"{MINE}/B-1": WHOLE // 5}
    assert found.came == {ORE: WHOLE, f"{ORE}S-A": WHOLE, f"{ORE}S-B": WHOLE, f"{MINE}/B-1": WHOLE * 2 // 5}
    assert sum(each.ends for each in found.lots) == WHOLE


async def test_a_parent_that_nobody_reported_is_where_the_chain_is_broken(chain: Desk) -> None:
    inputs = [an_input(net_mass_kg="1000.000"), an_input(lot=f"{MINE}/R-9", net_mass_kg="3000.000")]
    await judged(chain, a_production(), a_separation(record="S-1", inputs=inputs))
    found = await trace(chain.connection, OXIDE)
    assert whys(found) == {f"{MINE}/R-9": "unreported"}
    assert ends(found) == {ORE: WHOLE // 4, f"{MINE}/R-9": WHOLE * 3 // 4}


async def test_a_circle_is_an_end_that_says_so(chain: Desk) -> None:
    around = [
        a_blend(record=f"B-{n}", parents=[{"lot": f"{MINE}/B-{1 - n}", "net_mass_kg": "10000.000"}]) for n in range(2)
    ]
    made = a_separation(record="S-1", inputs=[an_input(lot=f"{MINE}/B-0")])
    await judged(chain, *around, made)
    found = await trace(chain.connection, OXIDE)
    assert whys(found) == {f"{MINE}/B-0": "circle", f"{MINE}/B-1": "circle"}
    assert ends(found) == {f"{MINE}/B-0": WHOLE}
    down = await trace(chain.connection, f"{MINE}/B-1", down=True)
    assert {each.lot for each in down.lots} == {f"{MINE}/B-0", f"{MINE}/B-1", OXIDE}


async def a_row_of_blends(desk: Desk, number: int) -> None:
    blends = [
        a_blend(record=f"R-{n + 1}", parents=[{"lot": f"{MINE}/R-{n}", "net_mass_kg": "10000.000"}])
        for n in range(1, number)
    ]
    await judged(desk, a_production(), *blends)


@pytest.mark.parametrize(
    ("limits", "last"), [(Limits(levels=2), 3), (Limits(lots=4), 2), (Limits(levels=4), None), (Limits(lots=5), None)]
)
async def test_what_is_beyond_a_limit_is_said_to_be_not_followed(chain: Desk, limits: Limits, last: int | None) -> None:
    await a_row_of_blends(chain, 5)
    found = await trace(chain.connection, f"{MINE}/R-5", limits=limits)
    assert found.unfollowed == ({f"{MINE}/R-{last}"} if last else set())
    assert ends(found) == {f"{MINE}/R-{last or 1}": WHOLE}


async def test_a_lot_that_is_only_lost_is_known(chain: Desk) -> None:
    await judged(chain, a_loss())
    assert whys(await trace(chain.connection, ORE)) == {ORE: "unreported"}


async def test_a_lot_that_custody_has_not_judged_yet_is_not_called_unreported(chain: Desk) -> None:
    await judged(chain, a_production(), a_separation(record="S-1"))
    await chain.connection.execute("DELETE FROM lot_states WHERE lot = $1", ORE)
    assert whys(await trace(chain.connection, OXIDE)) == {ORE: "not-judged"}


async def test_a_lot_of_which_nobody_has_spoken_is_an_error_with_a_remedy(chain: Desk) -> None:
    await judged(chain)
    with pytest.raises(UnknownLotError, match=r"speaks of lot shihe-mine/R-1; write it as its plant did"):
        await trace(chain.connection, ORE)
    await chain.receive(send(a_production()))
    await chain.watching.pass_once(chain.connection)
    with pytest.raises(UnknownLotError, match="ask again in a moment"):
        await trace(chain.connection, ORE)


async def test_shipments_say_who_must_act_next_and_whether_it_is_late(chain: Desk) -> None:
    short = a_receipt_of_goods(
        record="D-3", waybill="WB-2", outcome="short",
        lines=[{"lot": ORE, "accepted_kg": "1.000", "refused_kg": "0.000", "reason": "other"}],
    )  # fmt: skip
    await judged(
        chain, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"),
        a_dispatch(record="D-4", waybill="WB-2"), short, a_dispatch(record="D-5", waybill="WB-3"),
    )  # fmt: skip
    rows, more = await shipments(chain.connection, None, only_open=True)
    assert [(row["waybill"], row["state"], row["actor"]) for row in rows] == [
        ("WB-2", "short", MINE),
        ("WB-3", "under way", SEPARATION),
    ]
    assert [row["overdue"] for row in rows] == [True, True]
    assert not more
    rows, _ = await shipments(chain.connection, SEPARATION, only_open=False)
    assert len(rows) == 3
    assert await shipments(chain.connection, RECYCLER, only_open=True) == ([], False)
