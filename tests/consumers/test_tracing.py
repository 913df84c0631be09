"""A lot's chain as it is read: up and down, with its papers, where it is broken, and how far it is followed."""

import pytest
from custody_talk import RECYCLER, SEPARATION, chain, judged
from regulator_desk import MINE, Desk, send

from monazite_consumers.queries import Shipments, Wanted, shipments
from monazite_consumers.rules.sharing import WHOLE
from monazite_consumers.tracing.chain import Limits, TooManyLotsError, Trace, UnknownLotError, trace, trace_plant
from monazite_consumers.tracing.papers import links, papers
from monazite_consumers.tracing.whereabouts import whereabouts
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


@pytest.mark.parametrize("undone", ["DELETE FROM lot_states", "UPDATE lot_states SET used_g = 1"])
async def test_what_went_into_a_lot_that_custody_has_still_to_judge_is_added_up(chain: Desk, undone: str) -> None:
    inputs = [an_input(), an_input(lot=f"{MINE}/R-2", net_mass_kg="60000.000")]
    await judged(chain, a_production(), a_production(record="R-2"), a_separation(record="S-1", inputs=inputs))
    known = (await trace(chain.connection, ORE, down=True)).came
    await chain.connection.execute(f"{undone} WHERE lot = $1", OXIDE)
    await chain.connection.execute("INSERT INTO doubts (noun, key) VALUES ('lot', $1)", OXIDE)
    assert 0 < known[OXIDE] < WHOLE
    assert (await trace(chain.connection, ORE, down=True)).came == known


async def test_a_lot_of_which_nobody_has_spoken_is_an_error_with_a_remedy(chain: Desk) -> None:
    await judged(chain)
    with pytest.raises(UnknownLotError, match=r"speaks of lot shihe-mine/R-1; write a lot as its plant did"):
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
    rows, *counts = await shipments(chain.connection, Wanted(only_open=True))
    assert [(row["waybill"], row["state"], row["actor"]) for row in rows] == [
        ("WB-2", "short", MINE),
        ("WB-3", "under way", SEPARATION),
    ]
    assert [row["late_days"] for row in rows] == [35, 16]
    assert [row["task"] for row in rows] == ["weigh again, and correct", "state the receipt"]
    assert counts == [2, 2]
    rows, *_ = await shipments(chain.connection, Wanted([SEPARATION]))
    assert len(rows) == 3
    assert await shipments(chain.connection, Wanted([RECYCLER], only_open=True)) == Shipments([], 0, 0)


async def test_what_is_affected_when_a_lot_is_condemned(chain: Desk) -> None:
    oxide = [{"lot": OXIDE, "product": "ndpr-oxide", "net_mass_kg": "400.000"}]
    abroad = {"kind": "named", "name": "Invented Magnets", "country": "DE"}
    ore = [{"lot": ORE, "product": "bastnaesite-concentrate", "net_mass_kg": "1000.000"}]
    await judged(
        chain, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"), a_loss(record="V-1"),
        a_separation(record="S-1", inputs=[an_input(net_mass_kg="12000.000")]),
        a_dispatch(record="D-3", plant=SEPARATION, waybill="WB-2", lines=oxide, consignee=abroad, end_use="export"),
        a_dispatch(record="D-4", waybill="WB-3", lines=ore),
    )  # fmt: skip
    found = await trace(chain.connection, ORE, down=True)
    stays = await whereabouts(chain.connection, found)
    assert {(stay.lot, stay.how, stay.where, stay.net_g) for stay in stays} == {
        (ORE, "on hand", MINE, 987_500),
        (ORE, "on hand", SEPARATION, 6_000_000),
        (ORE, "lost", MINE, 12_500),
        (ORE, "under way", SEPARATION, 1_000_000),
        (OXIDE, "on hand", SEPARATION, 1_500_000),
        (OXIDE, "left the register", "@DE Invented Magnets", 400_000),
    }
    assert sum(stay.units for stay in stays) == WHOLE
    (moving,) = [stay for stay in stays if stay.how == "under way"]
    assert (moving.shipment, moving.consignor, moving.due_at is not None) == (f"{MINE}/WB-3", MINE, True)


async def test_of_a_lot_that_nobody_reported_what_is_on_hand_has_its_share(chain: Desk) -> None:
    received = a_receipt_of_goods(record="D-2")
    used = a_separation(record="S-1", inputs=[an_input(net_mass_kg="4500.000")])
    await judged(chain, a_dispatch(record="D-1"), received, used)
    found = await trace(chain.connection, ORE, down=True)
    assert ends(found) == {ORE: WHOLE * 3 // 4, OXIDE: WHOLE // 4}
    stays = await whereabouts(chain.connection, found)
    assert [(stay.where, stay.net_g, stay.units) for stay in stays if stay.lot == ORE] == [
        (SEPARATION, 13_500_000, WHOLE * 3 // 4)
    ]


async def test_of_a_lot_that_two_statements_made_both_masses_count(chain: Desk) -> None:
    """What the first of them made is a quarter of it."""
    again = [a_production(record="R-1"), a_production(record="R-2", lot=ORE, net_mass_kg="60000.000")]
    await judged(chain, *again, a_separation(record="S-1", inputs=[an_input(net_mass_kg="18000.000")]))
    found = await trace(chain.connection, ORE, down=True)
    assert ends(found) == {ORE: WHOLE * 31 // 40, OXIDE: WHOLE * 9 // 40}
    assert (found.states[ORE].net_g, found.states[ORE].reo_g) == (80_000_000, 44_160_000)
    assert found.came == {ORE: WHOLE, OXIDE: WHOLE}
    found = await trace(chain.connection, OXIDE)
    assert found.states[ORE].net_g == 80_000_000


async def test_what_is_left_of_a_lot_that_two_statements_made_is_where_it_is(chain: Desk) -> None:
    again = [a_production(record="R-1"), a_production(record="R-2", lot=ORE, net_mass_kg="60000.000")]
    await judged(chain, *again, a_split(record="R-1S"))
    found = await trace(chain.connection, ORE, down=True)
    stays = await whereabouts(chain.connection, found)
    left_g = 80_000_000 - sum(found.passes[ORE].values())
    assert [(each.how, each.net_g, each.units) for each in stays if each.lot == ORE] == [
        ("on hand", left_g, WHOLE * left_g // 80_000_000)
    ]


async def test_papers_name_the_enterprise_the_customs_declaration_the_licence_and_the_invoice(chain: Desk) -> None:
    papers_of_it = {"declaration": "530120230000000777", "destination": "DE", "end_user": "X", "licence": "LIC-1"}
    sent = a_dispatch(record="D-1", export=papers_of_it, invoice={"number": "VAT-9", "issued_on": "2023-05-04"})
    await judged(chain, a_production(), sent)
    found = (await papers(chain.connection, [ORE]))[ORE]
    (carried,) = found.carried
    assert (carried.export_declaration, carried.export_licence, carried.invoice) == (
        "530120230000000777", "LIC-1", "VAT-9",
    )  # fmt: skip
    assert found.made[0].enterprise == "shihe"


async def test_everything_that_a_mine_made_or_gave_away_unreported_is_followed(chain: Desk) -> None:
    hidden = [{"lot": f"{MINE}/R-9", "product": "bastnaesite-concentrate", "net_mass_kg": "10000.000"}]
    blend = a_blend(
        record="B-1", net_mass_kg="10000.000",
        parents=[{"lot": ORE, "net_mass_kg": "5000.000"}, {"lot": f"{MINE}/R-2", "net_mass_kg": "5000.000"}],
    )  # fmt: skip
    await judged(
        chain, a_production(), a_production(record="R-2"), blend,
        a_dispatch(record="D-1", waybill="WB-9", lines=hidden), an_import(record="I-1", plant=SEPARATION),
    )  # fmt: skip
    found = await trace_plant(chain.connection, MINE)
    assert found.lots[0].lot == MINE
    assert dict(found.passes[MINE]) == {ORE: 20_000_000, f"{MINE}/R-2": 20_000_000, f"{MINE}/R-9": 10_000_000}
    assert whys(found) == {f"{MINE}/R-9": "unreported"}
    assert ends(found) == {
        ORE: WHOLE * 3 // 10, f"{MINE}/R-2": WHOLE * 3 // 10, f"{MINE}/B-1": WHOLE // 5, f"{MINE}/R-9": WHOLE // 5,
    }  # fmt: skip
    assert set(found.came.values()) == {WHOLE}
    stays = await whereabouts(chain.connection, found)
    assert sum(stay.units for stay in stays) == WHOLE
    with pytest.raises(UnknownLotError, match="2022-01 has made anything"):
        await trace_plant(chain.connection, MINE, "2022-01")
    with pytest.raises(TooManyLotsError, match="4 lots; 3 can be traced"):
        await trace_plant(chain.connection, MINE, limits=Limits(lots=3))


async def test_a_circle_at_a_plant_is_followed_too(chain: Desk) -> None:
    around = [
        a_blend(record=f"B-{n}", parents=[{"lot": f"{MINE}/B-{1 - n}", "net_mass_kg": "10000.000"}]) for n in range(2)
    ]
    await judged(chain, *around)
    found = await trace_plant(chain.connection, MINE)
    assert whys(found) == {f"{MINE}/B-0": "circle", f"{MINE}/B-1": "circle"}
    stays = await whereabouts(chain.connection, found)
    assert sum(stay.units for stay in stays) == WHOLE


async def test_a_lot_used_in_two_lines_of_one_statement_counts_with_both(chain: Desk) -> None:
    inputs = [an_input(net_mass_kg="1000.000"), an_input(net_mass_kg="2000.000")]
    await judged(chain, a_production(), a_separation(record="S-1", inputs=inputs))
    found = await trace(chain.connection, OXIDE)
    assert found.passes == {OXIDE: {ORE: 3_000_000}}
    assert await links(chain.connection, found.names) == [(ORE, OXIDE, 3_000_000, 1_656_000)]


A_POOL = """
INSERT INTO moves (message, index, line, plant, lot, kind, step, at, net_g, into_lot)
SELECT 1000000 + n, 0, 0, 'pool', 'pool/L-' || n, 'used', 'blended', '2023-05-01', 1000, 'pool/L-' || n + 1
FROM generate_series(1, $1::integer) AS n
"""


async def test_a_pool_that_is_blended_every_day_is_followed_thousands_of_levels(chain: Desk) -> None:
    await judged(chain)
    await chain.connection.execute(A_POOL, 2_000)
    for down, lot, last in ((False, "pool/L-2001", "pool/L-1"), (True, "pool/L-1", "pool/L-2001")):
        found = await trace(chain.connection, lot, down=down)
        assert (found.lots[-1].lot, found.lots[-1].level, found.lots[-1].ends) == (last, 2_000, WHOLE)
        assert not found.unfollowed
