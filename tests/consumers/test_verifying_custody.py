"""`ledger verify`: what was changed of lots, shipments, flows and months is found and named; what was not, fits."""

from datetime import date, timedelta

import pytest
from custody_talk import SETTLED
from every_alert import in_a_row
from every_holding import MINE, statements_of_holders, the_holders
from regulator_desk import ARRIVED_AT, Desk, an_allocation, send, the_registry
from tampering_custody import CHANGES

from monazite_consumers.rules.entries import Approval
from monazite_contracts.builders import a_blend, a_correction, a_loss, a_production, an_assay_finalised


@pytest.fixture
async def kept(desk: Desk) -> Desk:
    """A desk on which everything that can be wrong with lots, shipments and months was said, followed and judged."""
    await desk.declare(the_registry(an_allocation(1), *the_holders()))
    corrected = a_correction(a_loss(plant=MINE, record="L-2", lot=f"{MINE}/NOBODY"), {"net_mass_kg": "13.000"})
    for message in in_a_row([send(said) for said in (*statements_of_holders(), corrected)]):
        await desk.receive(message)
    await desk.watch(ARRIVED_AT + timedelta(days=3))
    await desk.follow()
    return desk


async def test_what_nobody_has_changed_fits(kept: Desk) -> None:
    assert (await kept.verify()).misfits == []
    rows = await kept.connection.fetch("SELECT DISTINCT noun FROM custody_findings")
    assert {row["noun"] for row in rows} == {"lot", "shipment", "licence", "month"}, "every noun is verified"


@pytest.mark.parametrize("what", CHANGES)
async def test_a_row_that_is_changed_behind_custodys_back_is_found(kept: Desk, what: str) -> None:
    change, column = CHANGES[what]
    done = await kept.connection.execute(change)
    assert not done.endswith(" 0"), "the change changes something"
    report = await kept.verify()
    assert column in report.by_column, dict(report.by_column)


async def test_what_custody_has_yet_to_follow_is_not_missed(kept: Desk) -> None:
    made = a_production(plant=MINE, record="R-2")
    for said in (made, a_correction(made, {"net_mass_kg": "1.000"}), a_blend(plant=MINE, record="B-9")):
        await kept.receive(send(said, at=SETTLED))
    assert await kept.misfits() == []
    await kept.watch(SETTLED + timedelta(days=3))
    assert await kept.misfits() == []
    await kept.follow()
    assert await kept.misfits() == []
    assert await kept.connection.fetchval("SELECT count(*) FROM moves WHERE into_lot = $1", f"{MINE}/B-9") == 2


async def test_what_custody_has_yet_to_judge_anew_is_not_held_against_it(kept: Desk) -> None:
    listed = ("approvals", Approval(enterprise="scrap", activity="separation", since=date(2020, 1, 1)))
    await kept.declare(the_registry(an_allocation(1), *the_holders(), listed))
    assert await kept.connection.fetchval("SELECT count(*) FROM sweeps") == 2
    assert await kept.misfits() == []
    await kept.follow()
    assert await kept.misfits() == []
    assert "consignee-not-entitled" not in await kept.rules()


async def test_final_assays_and_lots_in_a_circle_fit(kept: Desk) -> None:
    around = [
        a_blend(
            plant=MINE, record=f"A-{n}", parents=[{"lot": f"{MINE}/A-{1 - n}", "net_mass_kg": "10000.000"}]
        )
        for n in range(2)
    ]  # fmt: skip
    final = an_assay_finalised(next(statements_of_holders()), plant=MINE)
    for said in (*around, final):
        await kept.receive(send(said, at=SETTLED))
    await kept.follow()
    broken = await kept.connection.fetch("SELECT broken FROM lot_states WHERE lot LIKE '%/A-_'")
    assert [row["broken"] for row in broken] == ["circle"] * 2
    assert await kept.misfits() == []
