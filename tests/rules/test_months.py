"""Months of plants: what is owed, whether it agrees with the events, and whether the material balances."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from custody_talk import SEPARATION, chain, judged, of_custody, the_chain
from owing_talk import DAY, DEADLINE, DUE, INSTANT, declare, due
from regulator_desk import MINE, Desk, Json, send
from rule_coverage import clears, fires

from monazite_consumers.rules.entries import Deadline, Excuse, Holiday, Recovery, Settings
from monazite_consumers.rules.obligations import Outage, extended
from monazite_contracts.builders import (
    a_correction,
    a_declaration,
    a_dispatch,
    a_flow_line,
    a_loss,
    a_nil_declaration,
    a_production,
    a_receipt_of_goods,
    a_separation,
    a_stocktake,
    a_target,
    an_input,
    an_oxide_assay,
)

__all__ = ["chain"]


@pytest.fixture
async def owing(desk: Desk) -> Desk:
    """The mine's enterprise owes flow records from May 2023 on."""
    await declare(desk)
    return desk


@fires("declaration-due-3", "declaration-due-1", "declaration-missing", "declaration-escalated")
@clears("declaration-due-3", "declaration-due-1", "declaration-missing", "declaration-escalated")
@pytest.mark.parametrize(
    ("at", "told"),
    [
        (DEADLINE - 3 * DAY - INSTANT, 0),
        (DEADLINE - 3 * DAY, 1),
        (DEADLINE - DAY - INSTANT, 1),
        (DEADLINE - DAY, 2),
        (DEADLINE - INSTANT, 2),
        (DEADLINE, 3),
        (DEADLINE + 5 * DAY - INSTANT, 3),
        (DEADLINE + 5 * DAY, 4),
    ],
)
async def test_a_month_without_events_is_reminded_missing_and_escalated_at_its_instants(
    owing: Desk, at: datetime, told: int
) -> None:
    assert due(await judged(owing, at=at)) == DUE[:told]
    assert due(await judged(owing, a_nil_declaration(), at=at)) == [], "filed"


async def test_watch_says_so_by_itself_when_the_instant_comes(owing: Desk) -> None:
    await judged(owing, at=DEADLINE - DAY)
    await owing.watch(DEADLINE)
    assert "declaration-missing" in due(await owing.alerts())


async def test_a_clock_that_jumps_over_months_misses_none(owing: Desk) -> None:
    told = await judged(owing, at=datetime(2023, 9, 20, tzinfo=UTC))
    assert {period for rule, _, period in told if rule == "declaration-missing"} == {
        "2023-05",
        "2023-06",
        "2023-07",
        "2023-08",
    }


@fires("declaration-late")
@clears("declaration-late")
async def test_what_comes_after_the_deadline_is_late_until_it_is_excused(owing: Desk) -> None:
    await judged(owing, at=DEADLINE + DAY)
    await owing.receive(send(a_nil_declaration(), at=DEADLINE))
    told = await judged(owing, at=DEADLINE + 2 * DAY)
    assert due(told) == []
    assert ("declaration-late", MINE) in of_custody(told)
    await declare(owing, ("excuses", Excuse(plant=MINE, month="2023-05", decision="flood")))
    assert ("declaration-late", MINE) not in of_custody(await judged(owing, at=DEADLINE + 3 * DAY))


async def test_a_record_that_is_corrected_after_the_deadline_was_filed_when_it_was_first_declared(owing: Desk) -> None:
    filed = a_declaration(lines=[a_flow_line(made_kg="1.000")])
    first = a_correction(filed, {"lines": [a_flow_line(made_kg="2.000")]}, record="C-1")
    second = a_correction(filed, {"lines": [a_flow_line()]}, record="C-2", target=a_target(first))
    await owing.receive(send(filed, at=DEADLINE - DAY))
    await owing.receive(send(first, at=DEADLINE + DAY))
    await owing.receive(send(second, at=DEADLINE + 2 * DAY))
    told = await judged(owing, at=DEADLINE + 3 * DAY)
    assert not due(told)
    assert ("declaration-late", MINE) not in of_custody(told)


async def test_an_earlier_copy_of_a_corrected_record_that_comes_to_light_was_filed_in_time(owing: Desk) -> None:
    filed = a_declaration(lines=[a_flow_line(made_kg="1.000")])
    await owing.receive(send(filed, at=DEADLINE + DAY))
    await owing.receive(send(a_correction(filed, {"lines": [a_flow_line()]}), at=DEADLINE + DAY))
    assert ("declaration-late", MINE) in of_custody(await judged(owing, at=DEADLINE + 2 * DAY))
    await owing.receive(send(filed, at=DEADLINE - DAY))
    assert ("declaration-late", MINE) not in of_custody(await judged(owing, at=DEADLINE + 3 * DAY))


async def test_a_record_is_filed_however_many_counts_were_taken_before_it(owing: Desk) -> None:
    counts = [a_stocktake(record=f"C-{n}", taken_at=f"2023-05-01T00:00:{n % 60:02}+08:00") for n in range(101)]
    await owing.receive(*(send(each, at=DEADLINE - 2 * DAY + n * INSTANT) for n, each in enumerate(counts)))
    await owing.receive(send(a_nil_declaration(), at=DEADLINE - DAY))
    assert due(await judged(owing, at=DEADLINE)) == []


async def test_of_many_records_the_first_one_filed_and_the_last_one_holds(owing: Desk) -> None:
    last = a_nil_declaration(record="N-999")
    said = [a_declaration(record=f"N-{n}") for n in range(201)]
    await owing.receive(*(send(each, at=DEADLINE - DAY + n * timedelta(seconds=1)) for n, each in enumerate(said)))
    await owing.receive(send(last, at=DEADLINE + DAY))
    told = of_custody(await judged(owing, at=DEADLINE + 2 * DAY))
    assert not {rule for rule, _ in told if rule in {"declaration-differs", "declaration-late"}}


async def test_an_excused_month_is_not_missing(owing: Desk) -> None:
    await declare(owing, ("excuses", Excuse(plant=MINE, month="2023-05", decision="flood")))
    assert due(await judged(owing, at=DEADLINE + 9 * DAY)) == []


async def test_a_duty_that_is_declared_later_owes_the_months_before(chain: Desk) -> None:
    assert due(await judged(chain, at=DEADLINE)) == []
    await declare(chain)
    assert due(await judged(chain, at=DEADLINE + DAY)) == DUE[:3]


@pytest.mark.parametrize(
    ("settings", "holidays", "deadline"),
    [
        ({}, [], DEADLINE),
        ({"deadline_day_included": False}, [], DEADLINE - DAY),
        ({"declared_by_day": 15}, [], DEADLINE + 5 * DAY),
        ({"deadline_moves_on_holidays": True}, [], DEADLINE + 2 * DAY),  # 10 June 2023 is a Saturday
        ({"deadline_moves_on_holidays": True}, [(date(2023, 6, 12), False)], DEADLINE + 3 * DAY),
        ({"deadline_moves_on_holidays": True}, [(date(2023, 6, 10), True)], DEADLINE),
    ],
)
async def test_the_deadline_is_a_setting(
    owing: Desk, settings: Json, holidays: list[tuple[date, bool]], deadline: datetime
) -> None:
    calendar = [("holidays", Holiday(day=day, working=working)) for day, working in holidays]
    await declare(owing, ("settings", Settings.model_validate(settings)), *calendar)
    assert "declaration-missing" not in due(await judged(owing, at=deadline - INSTANT))
    assert "declaration-missing" in due(await judged(owing, at=deadline))


@pytest.mark.parametrize(("since", "deadline"), [(date(2023, 5, 1), DEADLINE - 2 * DAY), (date(2023, 5, 2), DEADLINE)])
async def test_a_deadline_that_is_declared_from_a_day_on_leaves_earlier_months_as_they_were(
    owing: Desk, since: date, deadline: datetime
) -> None:
    """A month that began before is due as it was."""
    earlier = Deadline(since=date(2023, 1, 1))
    await declare(owing, ("settings", Settings(declared_by_day=20)), *(
        ("deadlines", each) for each in (earlier, Deadline(since=since, declared_by_day=8))
    ))  # fmt: skip
    assert "declaration-missing" not in due(await judged(owing, at=deadline - INSTANT))
    assert "declaration-missing" in due(await judged(owing, at=deadline))
    assert await owing.misfits() == []


async def test_a_later_change_of_the_deadline_makes_no_earlier_record_late(owing: Desk) -> None:
    await judged(owing, at=DEADLINE - DAY)
    await owing.receive(send(a_nil_declaration(), at=DEADLINE - DAY))
    assert "declaration-late" not in {rule for rule, _, _ in await judged(owing, at=DEADLINE + DAY)}
    shorter: Json = {"declared_by_day": 5, "outage_grace_hours": 0}
    await declare(owing, ("deadlines", Deadline.model_validate(shorter | {"since": date(2023, 6, 1)})))
    assert "declaration-late" not in {rule for rule, _, _ in await judged(owing, at=DEADLINE + DAY)}
    await declare(owing, ("settings", Settings(declared_by_day=5)))
    assert "declaration-late" in {rule for rule, _, _ in await judged(owing, at=DEADLINE + DAY)}


@pytest.mark.parametrize(
    ("outages", "deadline"),
    [
        ([], DEADLINE),
        ([(-9 * DAY, -8 * DAY)], DEADLINE),
        ([(-DAY, -DAY / 2)], DEADLINE + DAY / 2),
        ([(-4 * DAY, -2 * DAY)], DEADLINE + DAY),
        ([(-DAY, DAY)], DEADLINE + 2 * DAY),
        ([(-DAY, -DAY / 2), (DAY / 4, DAY)], DEADLINE + DAY / 2 + 3 * DAY / 4),
        ([(DAY, 2 * DAY)], DEADLINE),
    ],
)
def test_what_an_outage_takes_before_a_deadline_is_given_back_after_it(
    outages: list[tuple[timedelta, timedelta]], deadline: datetime
) -> None:
    told = [Outage(DEADLINE + since, DEADLINE + until) for since, until in outages]
    assert extended(DEADLINE, told, 3 * DAY) == deadline


@fires("declaration-differs")
@clears("declaration-differs")
async def test_a_declaration_is_held_against_the_events_line_by_line(owing: Desk) -> None:
    said = a_declaration(record="M-1", lines=[a_flow_line(shipped_kg="17000.000", closing_kg="3000.000")])
    told = await judged(owing, a_production(), a_dispatch(record="D-1"), said)
    assert ("declaration-differs", MINE) in of_custody(told)
    (example,) = (await owing.evidence("declaration-differs"))["examples"]
    assert example["lines"] == [
        {"product": "bastnaesite-concentrate", "column": "shipped", "declared_g": 17_000_000, "computed_g": 18_000_000},
        {"product": "bastnaesite-concentrate", "column": "closing", "declared_g": 3_000_000, "computed_g": 2_000_000},
    ]
    told = await judged(owing, a_correction(said, {"lines": [a_flow_line()]}))
    assert ("declaration-differs", MINE) not in of_custody(told)


async def test_what_was_on_hand_before_is_the_opening_of_a_month(owing: Desk) -> None:
    june = a_declaration(
        record="M-2", month="2023-06",
        lines=[a_flow_line(opening_kg="2000.000", made_kg="0.000", shipped_kg="0.000", closing_kg="2000.000")],
    )  # fmt: skip
    told = await judged(owing, june, at=datetime(2023, 7, 20, tzinfo=UTC))
    assert ("declaration-differs", MINE) in of_custody(told)
    told = await judged(owing, a_production(), a_dispatch(record="D-1"), at=datetime(2023, 7, 21, tzinfo=UTC))
    assert ("declaration-differs", MINE) not in of_custody(told)


@fires("stocktake-differs")
@clears("stocktake-differs")
async def test_a_count_is_held_against_the_book_at_its_instant(chain: Desk) -> None:
    told = await judged(chain, a_production(), a_dispatch(record="D-1"), a_stocktake(record="C-1"))
    assert ("stocktake-differs", MINE) not in of_custody(told)
    gone = a_loss(record="L-1", net_mass_kg="100.000")
    told = await judged(chain, gone)
    assert ("stocktake-differs", MINE) in of_custody(told)
    told = await judged(chain, a_correction(gone, {"lost_at": "2023-06-01T08:00:00+08:00"}))
    assert ("stocktake-differs", MINE) not in of_custody(told)


A_MONTH = {"start": "2023-05-01T00:00:00+08:00", "end": "2023-06-01T00:00:00+08:00"}


@pytest.mark.parametrize(
    ("counted_kg", "differs"), [("0.000", False), ("12000.000", False), ("20000.000", False), ("20500.000", True)]
)
async def test_a_count_amid_a_production_may_find_any_part_of_it(chain: Desk, counted_kg: str, differs: bool) -> None:  # noqa: FBT001
    counts = [{"product": "bastnaesite-concentrate", "net_mass_kg": counted_kg}]
    count = a_stocktake(record="C-1", taken_at="2023-05-15T18:00:00+08:00", counts=counts)
    told = await judged(chain, a_production(period=A_MONTH), count)
    assert (("stocktake-differs", MINE) in of_custody(told)) is differs


async def test_a_count_before_a_production_began_finds_none_of_it(chain: Desk) -> None:
    counts = [{"product": "bastnaesite-concentrate", "net_mass_kg": "12000.000"}]
    count = a_stocktake(record="C-1", taken_at="2023-05-01T18:00:00+08:00", counts=counts)
    told = await judged(chain, a_production(), count)
    assert ("stocktake-differs", MINE) in of_custody(told)


async def test_each_count_of_a_month_that_differs_is_told(chain: Desk) -> None:
    counts = [a_stocktake(record=f"C-{day}", taken_at=f"2023-05-{day}T18:00:00+08:00") for day in (20, 21)]
    told = await judged(chain, a_production(), *counts)
    assert ("stocktake-differs", MINE) in of_custody(told)
    (example,) = (await chain.evidence("stocktake-differs"))["examples"]
    assert [(line["taken_at"], line["counted_g"], line["book_g"]) for line in example["lines"]] == [
        (f"2023-05-{day}T18:00:00+08:00", 2_000_000, 20_000_000) for day in (20, 21)
    ]


def made_from(step: str, made_kg: str, used_kg: str) -> Json:
    """Pure oxide of pure oxide, so that masses are REO."""
    pure = an_oxide_assay(treo_pct="100.0000")
    return a_separation(
        plant=SEPARATION, record="S-1", activity=step, net_mass_kg=made_kg, claimed_reo_kg=made_kg, assay=pure,
        inputs=[an_input(net_mass_kg=used_kg, product="magnet-sludge", assay=pure)],
    )  # fmt: skip


@fires("recovery-separated", "recovery-recovered")
@clears("recovery-separated", "recovery-recovered")
@pytest.mark.parametrize("step", ["separated", "recovered"])
@pytest.mark.parametrize(("made_kg", "odd"), [("1000.000", True), ("950.000", False), ("500.000", True)])
async def test_more_or_less_than_the_feed_can_give(desk: Desk, step: Any, made_kg: str, odd: bool) -> None:  # noqa: FBT001
    band = Recovery(step=step, low_pct="80.0000", high_pct="98.0000")
    await desk.declare(the_chain(("recoveries", band), ("settings", Settings(assay_uncertainty_ppm=1_000))))
    told = await judged(desk, said := made_from(step, made_kg, "1000.000"))
    assert ((f"recovery-{step}", SEPARATION) in of_custody(told)) is odd
    if odd:
        (example,) = (await desk.evidence(f"recovery-{step}"))["examples"]
        assert example["used_reo_g"] == 1_000_000
        right = {"net_mass_kg": "900.000", "claimed_reo_kg": "900.000"}
        told = await judged(desk, a_correction(said, right))
        assert (f"recovery-{step}", SEPARATION) not in of_custody(told)


@fires("recovery-smelted")
@clears("recovery-smelted")
async def test_smelting_is_held_to_its_band_too(desk: Desk) -> None:
    band = Recovery(step="smelted", low_pct="80.0000", high_pct="99.0000")
    await desk.declare(the_chain(("recoveries", band)))
    metal = {"basis": "metal", "status": "final", "elements_pct": {"Nd": "100.0000"}}
    said = a_separation(
        plant=SEPARATION, record="S-1", activity="smelted", product="neodymium-metal", net_mass_kg="1000.000",
        claimed_reo_kg="1166.400", assay=metal,
        inputs=[an_input(net_mass_kg="1000.000", product="neodymium-oxide", assay=an_oxide_assay(treo_pct="100.0000"))],
    )  # fmt: skip
    assert ("recovery-smelted", SEPARATION) in of_custody(await judged(desk, said))
    told = await judged(desk, a_correction(said, {"net_mass_kg": "800.000", "claimed_reo_kg": "933.120"}))
    assert ("recovery-smelted", SEPARATION) not in of_custody(told)


@fires("claimed-bias")
@clears("claimed-bias")
async def test_a_claim_that_is_always_a_little_low_is_noticed_in_sum(chain: Desk) -> None:
    said = [
        a_production(record=f"R-{n}", claimed_reo_kg="11000.000") for n in range(3)
    ]  # 40 kg below each, within the tolerance of one
    told = await judged(chain, *said)
    assert ("claimed-bias", MINE, "2023-05") in told
    assert not {rule for rule, _, _ in told if rule == "claimed-reo"}
    told = await judged(chain, *(a_correction(each, {"claimed_reo_kg": "11040.000"}) for each in said))
    assert ("claimed-bias", MINE, "2023-05") not in told


async def test_goods_under_way_are_on_nobodys_books(chain: Desk) -> None:
    await judged(chain, a_production(), a_dispatch(record="D-1"))
    rows = await chain.connection.fetch("SELECT plant, kind, net_g FROM flows WHERE moves <> 0 ORDER BY kind")
    assert [tuple(row) for row in rows] == [(MINE, "dispatched", 18_000_000), (MINE, "made", 20_000_000)]
    await judged(chain, a_receipt_of_goods(record="D-2"))
    rows = await chain.connection.fetch("SELECT kind, net_g FROM flows WHERE plant = $1 AND moves <> 0", SEPARATION)
    assert [tuple(row) for row in rows] == [("received", 18_000_000)]


async def test_a_claim_beyond_every_number_leaves_the_months_other_findings_alone(owing: Desk) -> None:
    assays = [an_oxide_assay(treo_pct="100.0000"), *[an_oxide_assay(treo_pct="0.0001")] * 11]  # 1 g of REO in all
    said = [
        a_production(record=f"R-{n}", net_mass_kg="0.001", claimed_reo_kg="999999999.999", assay=assay)
        for n, assay in enumerate(assays)
    ]
    told = await judged(owing, *said, at=DEADLINE)
    assert "declaration-missing" in due(told)
    assert ("claimed-bias", MINE, "2023-05") in told
