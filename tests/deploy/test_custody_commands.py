"""`monazite trace` and `monazite lot`, as a person and as a program see them."""

import asyncio
import re
import shutil
import subprocess
from functools import partial

import pytest
from custody_talk import RECYCLER, SEPARATION, judged, the_chain
from ore_separated import AT, IMPORT, ORE, OXIDE, chain
from regulator_desk import MINE, Desk, desk, open_desk, send
from typed_commands import monazite, read, shown

from monazite_contracts.builders import a_blend, a_production, a_scrap_intake, a_separation, an_input

__all__ = ["chain", "desk", "open_desk"]

DOT = shutil.which("dot")


async def test_a_trace_up_says_where_all_of_it_comes_from(chain: Desk) -> None:
    said = await shown(chain, "trace", OXIDE)
    assert re.search(r"ndpr-oxide, 1,900 kg, 1,[\d.]+ kg REO", said)
    assert "Comes from 2 lots, over 1 level." in said
    assert "The chain is not broken." in said
    assert re.search(rf"1 +75\.0000 +{ORE} *\n +bastnaesite-concentrate, 20,000 kg", said)
    assert re.search(r"mined 2023-05-0\d, shihe", said)
    assert "WB-20230504-001 to shihe-separation" in said
    assert "420220230000012345 (MM, Invented" in said
    assert re.search(rf"25\.0000 +1 +{SEPARATION}, .+ +\S+, imported", said)
    assert "The clock is DRIVEN" in said


async def test_a_trace_down_says_where_it_went_and_how_much_of_that_is_of_it(chain: Desk) -> None:
    said = await shown(chain, "trace", ORE, "--down")
    assert "Went into 1 lot, over 1 level." in said
    assert re.search(rf"1 +90\.0000 +75\.0000 +{OXIDE} *\n +ndpr-oxide, 1,900 kg", said)
    assert re.search(rf"90\.0000 +1 +1,900 +on hand: {SEPARATION} +ndpr-oxide", said)
    assert re.search(rf"10\.0000 +1 +2,000 +on hand: {MINE} +bastnaesite", said)


async def test_a_trace_for_a_program_has_exact_shares(chain: Desk) -> None:
    found = await read(chain, "trace", OXIDE)
    assert (found["direction"], found["complete"], found["current"], found["broken"]) == ("up", True, True, [])
    assert [(lot["lot"], lot["share"], lot["ends"]) for lot in found["lots"]] == [
        (OXIDE, "1.000000000000", "0.000000000000"),
        (ORE, "0.750000000000", "0.750000000000"),
        (IMPORT, "0.250000000000", "0.250000000000"),
    ]
    assert found["links"] == [
        {"from": ORE, "to": OXIDE, "net_g": 18_000_000, "reo_g": 9_936_000},
        {"from": IMPORT, "to": OXIDE, "net_g": 6_000_000, "reo_g": 3_312_000},
    ]
    assert found["lots"][1]["made"][0]["event_id"] == a_production()["id"]
    assert found["lots"][1]["shipments"][0]["waybill"] == "WB-20230504-001"
    down = await read(chain, "trace", ORE, "--down")
    assert (down["lots"][1]["from_it"], down["lots"][1]["from_it_g"]) == ("0.750000000000", 1_425_000)
    assert down["links"] == [{"from": ORE, "to": OXIDE, "net_g": 18_000_000, "reo_g": 9_936_000}]
    assert [(stay["how"], stay["where"], stay["net_g"], stay["share"]) for stay in down["whereabouts"]] == [
        ("on hand", MINE, 2_000_000, "0.100000000000"),
        ("on hand", SEPARATION, 1_900_000, "0.900000000000"),
    ]


async def drawn(desk: Desk, *asked: object) -> str:
    """A graph is as wide as it is, whatever the terminal."""
    ran = await monazite(desk, "trace", *asked, "--dot")
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def test_a_trace_as_a_graph(chain: Desk) -> None:
    graph = await drawn(chain, OXIDE)
    assert graph.startswith("digraph trace {\n")
    assert f'"{ORE}" -> "{OXIDE}" [label="18,000 kg"];' in graph
    assert graph.rstrip().endswith("}")


async def test_a_broken_chain_is_said_first_and_where(chain: Desk) -> None:
    unreported = [an_input(lot=f"{MINE}/R-9", net_mass_kg="1000.000"), an_input(net_mass_kg="1000.000")]
    await judged(chain, a_separation(record="S-2", inputs=unreported), at=AT)
    said = await shown(chain, "trace", f"{SEPARATION}/S-2")
    assert "The chain is BROKEN at 1 lot, 50.0000 % of its mass." in said
    assert "BROKEN: nobody reported that it was made" in " ".join(said.split())
    found = await read(chain, "trace", f"{SEPARATION}/S-2")
    assert found["broken"] == [{"lot": f"{MINE}/R-9", "why": "unreported", "ends": "0.500000000000"}]
    assert "color=red" in await drawn(chain, f"{SEPARATION}/S-2")


async def test_what_lies_above_a_condemned_lot_is_not_called_whole(chain: Desk) -> None:
    unreported = [an_input(lot=f"{MINE}/R-9", net_mass_kg="1000.000")]
    await judged(chain, a_separation(record="S-2", inputs=unreported), at=AT)
    said = await shown(chain, "trace", f"{SEPARATION}/S-2", "--down")
    assert "Went into no other lot." in said
    assert "Its own chain is BROKEN further up" in said


async def test_what_is_not_followed_is_said(chain: Desk) -> None:
    parents = [{"lot": f"{MINE}/R-{n}", "net_mass_kg": "10.000"} for n in (1, 2)]
    blends = [a_blend(record="B-1", parents=parents)]
    blends += [a_blend(record=f"B-{n + 1}", parents=[{"lot": f"{MINE}/B-{n}", "net_mass_kg": "5.000"}]) for n in (1, 2)]
    await judged(chain, *blends, at=AT)
    said = await shown(chain, "trace", f"{MINE}/B-3", "--levels", 2)
    assert "NOT COMPLETE: 1 lot leads further" in said
    assert "The chain is not broken." not in said
    assert not (await read(chain, "trace", f"{MINE}/B-3", "--levels", 2))["complete"]
    assert (await read(chain, "trace", f"{MINE}/B-3", "--levels", 3))["complete"]


async def test_more_lots_than_fit_a_screen_are_counted(chain: Desk) -> None:
    made = [a_production(record=f"P-{n}") for n in range(60)]
    parents = [{"lot": f"{MINE}/P-{n}", "net_mass_kg": f"{100 + n}.000"} for n in range(60)]
    await judged(chain, *made, a_blend(record="B-60", parents=parents), at=AT)
    said = await shown(chain, "trace", f"{MINE}/B-60")
    assert "35 lots more: --json and --dot have them all." in said
    assert re.search(rf"100\.0000 +60 +{MINE}, .+ +bastnaesite", said)
    assert len((await read(chain, "trace", f"{MINE}/B-60"))["lots"]) == 61


async def test_a_lot_that_nobody_knows_is_one_line_with_a_remedy(chain: Desk) -> None:
    ran = await monazite(chain, "trace", "shihe-mine/r-1")
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)
    assert "speaks of lot shihe-mine/r-1; write a lot as its plant did" in ran.stderr


async def test_a_trace_while_custody_is_behind_says_so(chain: Desk) -> None:
    await chain.receive(send(a_production(record="R-7")))
    await chain.watching.pass_once(chain.connection)
    assert "Custody is still behind" in await shown(chain, "trace", ORE)
    assert not (await read(chain, "trace", ORE))["current"]


async def test_one_form_at_a_time(chain: Desk) -> None:
    ran = await monazite(chain, "trace", ORE, "--json", "--dot")
    assert ran.returncode == 2
    assert "give one of --json and --dot" in ran.stderr


async def test_where_everything_from_a_mine_went(chain: Desk) -> None:
    said = await shown(chain, "trace", MINE, "--down", "--month", "2023-05")
    assert f"{MINE} 2023-05: what it made, and where that went" in said
    assert "3 lots, over 2 levels." in said
    assert re.search(rf"45\.0000 +1 +1,900 +on hand: {SEPARATION} +ndpr-oxide", said)
    assert re.search(r"50\.0000 +1 +20,000 +under way: +bastnaesite", said)
    assert re.search(rf"5\.0000 +1 +2,000 +on hand: {MINE} +bastnaesite", said)
    found = await read(chain, "trace", MINE, "--down")
    assert (found["lot"], found["plant"], found["month"]) == (None, MINE, None)
    assert {lot["lot"] for lot in found["lots"]} == {ORE, f"{MINE}/R-2", OXIDE}
    assert f'"{MINE}" -> "{ORE}" [label="20,000 kg"];' in await drawn(chain, MINE, "--down")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((MINE,), "is no lot but a plant"),
        ((ORE, "--month", "2023-05"), "give a plant and a month"),
        ((MINE, "--down", "--month", "2023-13"), "give a plant and a month"),
        (("shihe-miney",), "shihe-miney is neither a lot (shihe-mine/L-1) nor a plant of the register (did you mean"),
        (("shihe-miney", "--down"), "the register has no plant shihe-miney (did you mean shihe-mine?)"),
        (("shihe-miney/R-1",), "the register has no plant shihe-miney (did you mean shihe-mine?)"),
        (("shihe-miney/R-1", "--down"), "the register has no plant shihe-miney (did you mean shihe-mine?)"),
        ((MINE, "--down", "--month", "2022-05"), "2022-05 has made anything; write a plant as the register does"),
        (("",), "neither a lot (shihe-mine/L-1) nor a plant"),
        (("/", "--down"), "the register has no plant"),
        (("\udcff/1",), "the database refuses"),
        (("\udcff", "--down"), "the database refuses"),
        ((ORE, "--levels", "0"), "greater than or equal to 1"),
    ],
)
async def test_what_cannot_be_traced_is_said(chain: Desk, asked: tuple[str, ...], said: str) -> None:
    ran = await monazite(chain, "trace", *asked)
    assert ran.returncode in {1, 2}
    assert said in " ".join(ran.stderr.split())


@pytest.mark.skipif(DOT is None, reason="Graphviz is not installed")
async def test_graphviz_draws_the_graph(chain: Desk) -> None:
    graph = await drawn(chain, OXIDE)
    drawing = partial(subprocess.run, [DOT, "-Tsvg"], input=graph, capture_output=True, text=True, check=True)
    svg = (await asyncio.to_thread(drawing)).stdout
    assert svg.count('class="node"') == 3
    assert svg.count('class="edge"') == 2


async def test_the_balance_of_a_lot_at_each_plant(chain: Desk) -> None:
    told = await read(chain, "lot", ORE)
    assert (told["format"], told["lot"]) == ("monazite/lot/1", ORE)
    held = {row["plant"]: row for row in told["plants"]}
    assert held[MINE]["made_g"] - held[MINE]["shipped_g"] == held[MINE]["on_hand_g"] == 2_000_000
    assert held[SEPARATION]["in_g"] == held[SEPARATION]["used_g"] == 18_000_000
    assert "2,000.000" in await shown(chain, "lot", ORE)
    ran = await monazite(chain, "lot", "shihe-mine/NOBODY")
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)


async def test_every_reason_why_a_chain_is_broken_has_words(desk: Desk) -> None:
    await desk.declare(the_chain())
    ore = a_scrap_intake(plant=RECYCLER, record="W-1", product="bastnaesite-concentrate")
    await judged(desk, ore)
    assert "BROKEN: an ore product that was taken in as scrap" in await shown(desk, "trace", f"{RECYCLER}/W-1")
