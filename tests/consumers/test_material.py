"""A month's material: flows that add up, coverage by lawful chains, origin of feed, elements; whatever comes when."""

from collections.abc import Mapping
from typing import Any

import pytest
from custody_talk import RECYCLER, SEPARATION, chain, judged
from regulator_desk import MINE, Desk, Json

from monazite_consumers import material
from monazite_consumers.material import Covered, Output
from monazite_consumers.rules.balances import Line
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
    an_assay,
    an_import,
    an_input,
    an_oxide_assay,
)

__all__ = ["chain"]

PLANTS = (MINE, SEPARATION, RECYCLER)
MAY, JUNE, JULY = "2023-05", "2023-06", "2023-07"


async def net(desk: Desk, month: str = MAY) -> dict[tuple[str, str], Line]:
    return {(line.plant, line.product): line.net for line in await material.flow_lines(desk.connection, month, PLANTS)}


async def reo(desk: Desk, month: str = MAY) -> dict[tuple[str, str], Line]:
    return {(line.plant, line.product): line.reo for line in await material.flow_lines(desk.connection, month, PLANTS)}


async def outputs(desk: Desk, month: str = MAY) -> list[Output]:
    return await material.outputs(desk.connection, month, PLANTS)


async def coverage(desk: Desk, month: str = MAY) -> list[Covered]:
    return await material.coverage(desk.connection, month, PLANTS)


ORE = "bastnaesite-concentrate"


# --- flows


async def test_what_was_received_without_an_assay_of_its_own_holds_what_its_lot_holds(chain: Desk) -> None:
    await judged(chain, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"))
    assert (await net(chain))[SEPARATION, ORE] == Line(0, 18_000_000, 0, 0, 0, 0)
    assert (await reo(chain))[SEPARATION, ORE] == Line(0, 9_936_000, 0, 0, 0, 0)
    assert (await reo(chain))[MINE, ORE] == Line(0, 0, 11_040_000, 0, 9_936_000, 0)


async def test_a_month_opens_with_what_all_months_before_left(chain: Desk) -> None:
    june = {"start": "2023-06-04T00:00:00+08:00", "end": "2023-06-05T00:00:00+08:00"}
    await judged(chain, a_production(record="R-2", period=june), a_production(), a_dispatch(record="D-1"))
    assert (await net(chain, JUNE))[MINE, ORE] == Line(2_000_000, 0, 20_000_000, 0, 0, 0)
    assert (await reo(chain, JULY))[MINE, ORE] == Line(12_144_000, 0, 0, 0, 0, 0)


async def test_a_late_event_moves_the_opening_of_every_later_month(chain: Desk) -> None:
    june = {"start": "2023-06-04T00:00:00+08:00", "end": "2023-06-05T00:00:00+08:00"}
    await judged(chain, a_production(record="R-2", period=june))
    assert (await net(chain, JULY))[MINE, ORE].opening == 20_000_000
    made = a_production()
    await judged(chain, made)
    assert (await net(chain, JUNE))[MINE, ORE].opening == 20_000_000
    assert (await net(chain, JULY))[MINE, ORE].opening == 40_000_000
    await judged(chain, a_void(made))
    assert (await net(chain, JUNE))[MINE, ORE].opening == 0
    assert (await net(chain, JULY))[MINE, ORE].opening == 20_000_000


async def test_every_line_adds_up_in_product_and_in_reo(chain: Desk) -> None:
    await judged(
        chain, a_production(), a_split(record="S-1"), a_loss(record="L-1", lot=f"{MINE}/S-1-A"),
        a_production(record="R-2"), a_blend(record="B-1", parents=[{"lot": f"{MINE}/R-2", "net_mass_kg": "10000.000"}]),
        a_dispatch(record="D-1", lines=[{"lot": f"{MINE}/B-1", "product": ORE, "net_mass_kg": "9000.000"}]),
    )  # fmt: skip
    (line,) = await material.flow_lines(chain.connection, MAY, PLANTS)
    assert line.net.closing == 40_000_000 - 12_500 - 9_000_000
    assert line.reo.closing == 2 * 11_040_000 - 6_900 - 4_968_000
    assert line.net == Line(0, 0, 70_000_000, 30_000_000, 9_000_000, 12_500)


async def test_what_a_process_loses_is_part_of_what_it_used(chain: Desk) -> None:
    made = a_separation(record="S-1", plant=SEPARATION)
    await judged(chain, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"), made)
    lines = await net(chain)
    assert lines[SEPARATION, ORE] == Line(0, 18_000_000, 0, 18_000_000, 0, 0)
    assert lines[SEPARATION, "ndpr-oxide"] == Line(0, 0, 1_900_000, 0, 0, 0)


# --- coverage


async def test_output_is_covered_once_its_chain_is_whole(chain: Desk) -> None:
    await judged(chain, a_separation(record="S-1", plant=SEPARATION))
    assert await coverage(chain) == [Covered(SEPARATION, "ndpr-oxide", 1_900_000, 0)]
    await judged(chain, a_production())
    assert await coverage(chain) == [
        Covered(MINE, ORE, 20_000_000, 20_000_000),
        Covered(SEPARATION, "ndpr-oxide", 1_900_000, 1_900_000),
    ]


async def test_both_of_two_makers_of_one_lot_count_and_follow_its_chain(chain: Desk) -> None:
    lot = f"{SEPARATION}/S-1"
    await judged(
        chain,
        a_separation(record="S-1", plant=SEPARATION, lot=lot),
        a_separation(record="S-2", plant=SEPARATION, lot=lot),
    )
    assert await coverage(chain) == [Covered(SEPARATION, "ndpr-oxide", 3_800_000, 0)]
    await judged(chain, a_separation(record="S-3", plant=SEPARATION, lot=lot))
    assert await coverage(chain) == [Covered(SEPARATION, "ndpr-oxide", 5_700_000, 0)]
    await judged(chain, a_production())
    assert (await coverage(chain))[1] == Covered(SEPARATION, "ndpr-oxide", 5_700_000, 5_700_000)


# --- origin of feed


def separated(*lots: tuple[str, str], **fields: Any) -> Json:
    """A lot of oxide out of so much of each lot; 1890.500 kg of REO."""
    inputs = [an_input(lot=lot, net_mass_kg=net_mass_kg) for lot, net_mass_kg in lots]
    return a_separation(record="S-1", plant=SEPARATION, inputs=inputs, **fields)


async def test_output_is_split_by_the_mass_of_what_it_was_made_of(chain: Desk) -> None:
    abroad = an_import(plant=SEPARATION, record="I-1")
    await judged(
        chain, a_production(), abroad,
        separated((f"{MINE}/R-1", "2000.000"), (f"{SEPARATION}/I-1", "1000.000")),
    )  # fmt: skip
    made = [line for line in await outputs(chain) if line.activity == "separated"]
    assert made == [
        Output(SEPARATION, "separated", "ndpr-oxide", "domestic", 1_266_667, 1_260_333),
        Output(SEPARATION, "separated", "ndpr-oxide", "imported", 633_333, 630_167),
    ]
    assert sum(line.reo_g for line in made) == 1_890_500


async def test_a_blend_is_what_its_parts_are_and_not_just_mixed(chain: Desk) -> None:
    monazite = a_production(record="M-1", product="monazite-concentrate")
    parents = [{"lot": f"{MINE}/{record}", "net_mass_kg": "5000.000"} for record in ("R-1", "M-1")]
    await judged(
        chain, a_production(), monazite, a_blend(record="B-1", parents=parents), separated((f"{MINE}/B-1", "900.000"))
    )
    made = {line.origin: line.net_g for line in await outputs(chain) if line.activity == "separated"}
    assert made == {"domestic": 950_000, "monazite": 950_000}


async def test_what_no_chain_tells_is_of_unknown_origin_until_it_is_told(chain: Desk) -> None:
    await judged(chain, separated((f"{MINE}/R-1", "2000.000"), (f"{MINE}/R-2", "2000.000")), a_production())
    assert {line.origin: line.net_g for line in await outputs(chain) if line.activity == "separated"} == {
        "domestic": 950_000,
        "unknown": 950_000,
    }
    await judged(chain, a_production(record="R-2"))
    (line,) = [line for line in await outputs(chain) if line.activity == "separated"]
    assert (line.origin, line.net_g) == ("domestic", 1_900_000)


async def test_the_origin_follows_a_correction_at_the_far_end_of_the_chain(chain: Desk) -> None:
    mined, feed = a_production(), [(f"{MINE}/B-2", "900.000")]
    blends = [
        a_blend(record=f"B-{n}", parents=[{"lot": f"{MINE}/{lot}", "net_mass_kg": "10000.000"}])
        for n, lot in enumerate(("R-1", "B-1"), 1)
    ]
    await judged(chain, separated(*feed), *blends, mined)
    assert {line.origin for line in await outputs(chain)} == {"domestic"}
    await judged(chain, a_correction(mined, {"product": "monazite-concentrate"}))
    assert {line.origin for line in await outputs(chain)} == {"monazite"}


# --- elements


def with_elements(**shares: str) -> Json:
    return an_assay(oxides_pct=shares)


async def elements(desk: Desk) -> Mapping[tuple[str, str], tuple[int, int]]:
    rows = await material.element_steps(desk.connection, MAY, PLANTS)
    return {(recovery.step, element): (recovery.used_g, recovery.made_g) for _, element, recovery in rows}


async def test_an_element_is_balanced_where_every_assay_tells_it(chain: Desk) -> None:
    feed = an_input(assay=with_elements(Nd="16.0000", Ce="50.0000"))
    pure = an_oxide_assay(treo_pct="100.0000", oxides_pct={"Nd": "75.0000", "Pr": "25.0000"})
    await judged(chain, a_separation(record="S-1", plant=SEPARATION, inputs=[feed], assay=pure))
    assert await elements(chain) == {
        ("separated", "Ce"): (4_968_000, 0),
        ("separated", "Nd"): (1_589_760, 1_425_000),
        ("separated", "Pr"): (0, 475_000),
    }
    await judged(chain, a_separation(record="S-2", plant=SEPARATION, inputs=[an_input()]))
    assert await elements(chain) == {}, "some feed does not tell its elements"


async def test_parts_of_a_lot_hold_its_elements(chain: Desk) -> None:
    made = a_production(assay=with_elements(Nd="16.0000"))
    await judged(chain, made, a_split(record="S-1"), a_dispatch(record="D-1", lines=[
        {"lot": f"{MINE}/S-1-A", "product": ORE, "net_mass_kg": "5000.000"}
    ]))  # fmt: skip
    rows = await chain.connection.fetch(
        "SELECT kind, element, oxide_g FROM element_flows WHERE step = '' AND moves <> 0 ORDER BY kind"
    )
    assert [tuple(row) for row in rows] == [("dispatched", "Nd", 441_600)]


@pytest.mark.parametrize("count", [1, 4])
async def test_the_uncertainty_is_the_root_of_the_squares(chain: Desk, count: int) -> None:
    inputs = [an_input(net_mass_kg="1000.000", assay=an_oxide_assay(treo_pct="100.0000"))] * count
    made = a_separation(record="S-1", plant=SEPARATION, inputs=inputs, net_mass_kg="0.001", claimed_reo_kg="0.001")
    await judged(chain, made)
    ((plant, step),) = await material.process_steps(chain.connection, MAY, PLANTS)
    assert (plant, step.step, step.used_g) == (SEPARATION, "separated", count * 1_000_000)
    assert step.uncertainty_g(5_000) == {1: 5_000, 4: 10_000}[count]
