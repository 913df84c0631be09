"""Contradictions: what is stated of a lot that its mass, its content, its origin or the calendar does not allow."""

from datetime import date

import pytest
from custody_talk import LOT, RECYCLER, SEPARATION, chain, judged, of_custody
from regulator_desk import MINE, Desk, Json, a_period
from rule_coverage import clears, fires

from monazite_contracts.builders import (
    a_blend,
    a_correction,
    a_dispatch,
    a_loss,
    a_metal_assay,
    a_production,
    a_receipt_of_goods,
    a_scrap_intake,
    a_separation,
    a_split,
    a_void,
    an_assay,
    an_input,
)

__all__ = ["chain"]

ORE = "bastnaesite-concentrate"


def refusing(**changes: Json) -> Json:
    line = {"lot": LOT, "accepted_kg": "0.000", "refused_kg": "18000.000", "reason": "other"}
    return a_receipt_of_goods(record="D-2", outcome="refused", lines=[line], **changes)


@fires("lot-refused")
@clears("lot-refused")
async def test_who_uses_what_it_has_refused_is_told_so(chain: Desk) -> None:
    refused = refusing()
    used = a_separation(record="S-1", plant=SEPARATION)
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), refused, used))
    assert ("lot-refused", SEPARATION) in told
    assert ("lot-overdrawn", SEPARATION) not in told, "once"
    assert (await chain.evidence("lot-refused"))["examples"] == [
        {"lot": LOT, "in_g": 0, "out_g": 18_000_000, "refused_g": 18_000_000}
    ]
    accepted = {"outcome": "accepted", "lines": [{"lot": LOT, "accepted_kg": "18000.000", "refused_kg": "0.000"}]}
    told = of_custody(await judged(chain, a_correction(refused, accepted)))
    assert ("lot-refused", SEPARATION) not in told


async def test_what_was_refused_may_be_refused_and_used_by_its_consignor(chain: Desk) -> None:
    sent_on = a_loss(record="L-1", net_mass_kg="19000.000", lost_at="2023-05-20T12:00:00+08:00")
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), refusing(), sent_on))
    assert not {rule for rule, _ in told} & {"lot-refused", "lot-overdrawn"}


async def test_a_lot_whose_statement_was_voided_is_nobodys(chain: Desk) -> None:
    made, used = a_production(), a_separation(record="S-1", plant=SEPARATION, period=a_period(date(2023, 5, 6)))
    told = of_custody(await judged(chain, made, a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"), used))
    assert told == set()
    told = of_custody(await judged(chain, a_void(made)))
    assert {
        ("lot-unreported", MINE), ("lot-unreported-elsewhere", SEPARATION), ("lot-overdrawn", MINE),
        ("origin-unlawful", SEPARATION),
    } <= told  # fmt: skip


@fires("lot-used-early")
@clears("lot-used-early")
async def test_nothing_is_used_before_it_was_received(chain: Desk) -> None:
    received = a_receipt_of_goods(record="D-2")  # on 6 May; what was used was used by the end of 4 May
    used = a_separation(record="S-1", plant=SEPARATION)
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), received, used))
    assert ("lot-used-early", SEPARATION) in told
    told = of_custody(await judged(chain, a_correction(received, {"received_at": "2023-05-04T20:00:00+08:00"})))
    assert ("lot-used-early", SEPARATION) not in told


async def test_what_production_makes_may_be_shipped_before_its_period_ends(chain: Desk) -> None:
    whole = {"start": "2023-05-01T00:00:00+08:00", "end": "2023-06-01T00:00:00+08:00"}
    told = of_custody(await judged(chain, a_production(period=whole), a_dispatch(record="D-1")))
    assert told == {("shipment-overdue", SEPARATION)}


@fires("blend-differs")
@clears("blend-differs")
async def test_a_blend_weighs_what_went_into_it(chain: Desk) -> None:
    blend = a_blend(record="B-1", net_mass_kg="10050.000")
    told = of_custody(await judged(chain, a_production(), a_production(record="R-2"), blend))
    assert told == {("blend-differs", MINE)}
    (example,) = (await chain.evidence("blend-differs"))["examples"]
    assert (example["used_g"], example["made_g"]) == (10_000_000, 10_050_000)
    assert of_custody(await judged(chain, a_correction(blend, {"net_mass_kg": "10010.000"}))) == set()


async def test_a_blend_holds_what_went_into_it(chain: Desk) -> None:
    rich = a_blend(record="B-1", assay=an_assay(treo_pct="63.0000"))
    told = of_custody(await judged(chain, a_production(), a_production(record="R-2"), rich))
    assert told == {("blend-differs", MINE)}
    (example,) = (await chain.evidence("blend-differs"))["examples"]
    assert example["used_reo_g"], example["made_reo_g"] == (5_520_000, 5_796_000)
    assert example["uncertainty_g"] == 34_938, "half a percent of the root of 2760² + 2760² + 5796² kg²"
    slightly = a_correction(rich, {"assay": an_assay(treo_pct="60.5000")})
    assert of_custody(await judged(chain, slightly)) == set()


@fires("split-differs")
@clears("split-differs")
async def test_the_parts_of_a_split_weigh_what_was_split(chain: Desk) -> None:
    split = a_split(record="S-1", parent={"lot": LOT, "net_mass_kg": "19000.000"})
    told = of_custody(await judged(chain, a_production(), split))
    assert ("split-differs", MINE) in told
    assert (await chain.evidence("split-differs"))["examples"] == [
        {"lot": LOT, "used_g": 19_000_000, "left_over_g": -1_000_000}
    ]
    told = of_custody(await judged(chain, a_correction(split, {"parent": {"lot": LOT, "net_mass_kg": "20000.000"}})))
    assert ("split-differs", MINE) not in told


async def test_what_was_split_is_held_against_its_parts_however_much_else_was_made_of_the_lot(chain: Desk) -> None:
    split = a_split(record="S-1", parent={"lot": LOT, "net_mass_kg": "100.000"}, children=[part("A", "90.000")])
    made = a_separation(record="S-2", plant=MINE, inputs=[an_input(net_mass_kg="19000.000")])
    told = of_custody(await judged(chain, a_production(), split, made))
    assert ("split-differs", MINE) in told
    (example,) = (await chain.evidence("split-differs"))["examples"]
    assert example == {"lot": LOT, "used_g": 100_000, "left_over_g": 10_000}


async def test_one_split_that_comes_to_more_does_not_make_up_for_another_that_comes_to_less(chain: Desk) -> None:
    parent = {"lot": LOT, "net_mass_kg": "100.000"}
    short = a_split(record="S-1", parent=parent, children=[part("A", "90.000")])
    over = a_split(record="S-2", parent=parent, children=[part("B", "110.000")])
    told = of_custody(await judged(chain, a_production(), short, over))
    assert ("split-differs", MINE) in told


def part(name: str, net_mass_kg: str) -> Json:
    return {"lot": f"{MINE}/{name}", "net_mass_kg": net_mass_kg}


def recovered(lot: str, **changes: Json) -> Json:
    """What a recycler says it won from scrap."""
    scrap = an_input(lot=lot, product="magnet-scrap", net_mass_kg="1000.000")
    made: Json = {"activity": "recovered", "origin": "recycled", "inputs": [scrap]}
    return a_separation(record="X-1", plant=RECYCLER, **(made | changes))


@fires("recycler-fed-ore", "recycled-differs")
@clears("recycler-fed-ore", "recycled-differs")
async def test_ore_that_a_recycler_calls_scrap_is_ore_still(chain: Desk) -> None:
    made = recovered(LOT)
    told = of_custody(await judged(chain, a_production(), made))
    assert {("recycler-fed-ore", RECYCLER), ("recycled-differs", RECYCLER)} <= told
    assert ("recycler-used-ore", RECYCLER) not in told, "its own statement does not say so"
    scrap = a_scrap_intake(record="T-1", plant=RECYCLER, net_mass_kg="1000.000", claimed_reo_kg="270.000")
    right = [an_input(lot=f"{RECYCLER}/T-1", product="magnet-sludge", net_mass_kg="1000.000")]
    told = of_custody(await judged(chain, scrap, a_correction(made, {"inputs": right})))
    assert not {rule for rule, _ in told} & {"recycler-fed-ore", "recycled-differs"}


async def test_over_quota_oxide_that_is_shipped_as_recycled_is_found_by_its_chain(chain: Desk) -> None:
    """A separation plant passes its own oxide to a recycler, which states it as won from scrap."""
    oxide = a_separation(record="S-1", plant=SEPARATION)
    sent = a_dispatch(
        record="D-9", plant=SEPARATION, waybill="W-9", consignee={"kind": "plant", "plant": RECYCLER},
        lines=[{"lot": f"{SEPARATION}/S-1", "product": "ndpr-oxide", "net_mass_kg": "1900.000"}],
    )  # fmt: skip
    told = of_custody(
        await judged(
            chain, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"), oxide, sent,
            recovered(f"{SEPARATION}/S-1"),
        )
    )  # fmt: skip
    assert ("recycled-differs", RECYCLER) in told
    metal = a_separation(
        record="M-1", plant=SEPARATION, activity="smelted", product="ndpr-metal", origin="recycled",
        assay=a_metal_assay(), inputs=[an_input(lot=f"{RECYCLER}/X-1", product="ndpr-oxide", net_mass_kg="900.000")],
    )  # fmt: skip
    assert ("recycled-differs", SEPARATION) not in of_custody(await judged(chain, metal)), "it was told so"
    assert (await chain.evidence("recycled-differs"))["examples"] == [{"lot": f"{RECYCLER}/X-1", "feed": "domestic"}]


async def test_what_no_chain_tells_is_not_held_to_be_other_than_recycled(chain: Desk) -> None:
    told = of_custody(await judged(chain, recovered(f"{RECYCLER}/T-1")))
    assert ("recycled-differs", RECYCLER) not in told
    assert ("lot-unreported", RECYCLER) in told


@fires("ore-as-scrap")
@clears("ore-as-scrap")
async def test_ore_that_is_taken_in_as_scrap_is_no_recycled_feed(chain: Desk) -> None:
    lot = f"{RECYCLER}/T-1"
    scrap = a_scrap_intake(record="T-1", plant=RECYCLER, product="bastnaesite-concentrate")
    oxide = recovered(lot, inputs=[an_input(lot=lot, product="bastnaesite-concentrate", net_mass_kg="1000.000")])
    told = of_custody(await judged(chain, scrap, oxide))
    assert {("ore-as-scrap", RECYCLER), ("recycled-differs", RECYCLER)} <= told
    rows = await chain.connection.fetch("SELECT feed FROM lot_states WHERE plant = $1", RECYCLER)
    assert {row["feed"] for row in rows} == {"unknown"}
    assert ("origin-unlawful", RECYCLER) in told, "ore that came as scrap was mined somewhere"
    assert (await chain.evidence("origin-unlawful"))["examples"] == [
        {"lot": lot, "why": "ore-as-scrap", "parents": []},
        {"lot": f"{RECYCLER}/X-1", "why": "parent", "parents": [lot]},
    ]
    assert {row["lawful"] for row in await chain.connection.fetch("SELECT lawful FROM outputs WHERE lines > 0")} == {
        False
    }
    told = of_custody(await judged(chain, a_correction(scrap, {"product": "magnet-sludge"})))
    assert not {"ore-as-scrap", "recycled-differs", "origin-unlawful"} & {rule for rule, _ in told}


@fires("lot-mislabelled")
@clears("lot-mislabelled")
@pytest.mark.parametrize("is_used", [False, True])
async def test_a_lot_is_sent_and_used_as_what_it_is(chain: Desk, *, is_used: bool) -> None:
    said = a_separation(record="S-1", plant=SEPARATION) if is_used else a_dispatch(record="D-1")
    (line,) = said["data"]["inputs" if is_used else "lines"]
    false = line | {"lot": LOT, "product": "lanthanum-oxide"}
    said["data"]["inputs" if is_used else "lines"] = [false]
    by = SEPARATION if is_used else MINE
    told = of_custody(await judged(chain, a_production(), said))
    assert ("lot-mislabelled", by) in told
    evidence = await chain.evidence("lot-mislabelled")
    assert evidence["examples"] == [{"lot": LOT, "product": "bastnaesite-concentrate", "named": ["lanthanum-oxide"]}]
    right = {"inputs" if is_used else "lines": [false | {"product": "bastnaesite-concentrate"}]}
    told = of_custody(await judged(chain, a_correction(said, right)))
    assert "lot-mislabelled" not in {rule for rule, _ in told}
