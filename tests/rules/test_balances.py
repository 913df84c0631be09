"""Balances: what a year of claims says, what elements say, and what a recycler cannot have won from its scrap."""

from datetime import UTC, datetime
from typing import Any

import pytest
from custody_talk import RECYCLER, SEPARATION, chain, judged, of_custody, the_chain
from regulator_desk import MINE, Desk, Json, send
from rule_coverage import clears, fires

from monazite_consumers.rules.balances import Recovery, uncertainty_g
from monazite_consumers.rules.entries import Recovery as RecoveryBand
from monazite_consumers.rules.entries import Settings
from monazite_contracts.builders import (
    a_correction,
    a_dispatch,
    a_metal_assay,
    a_production,
    a_scrap_intake,
    a_separation,
    a_void,
    an_input,
    an_opening_inventory,
    an_oxide_assay,
)

__all__ = ["chain"]

AUTUMN = datetime(2023, 11, 20, tzinfo=UTC)


def mined(month: int, claimed_reo_kg: str) -> Json:
    """A day's 11040 kg of REO, as the plant claims them."""
    period = {"start": f"2023-{month:02d}-04T00:00:00+08:00", "end": f"2023-{month:02d}-05T00:00:00+08:00"}
    return a_production(record=f"R-{month}", period=period, claimed_reo_kg=claimed_reo_kg)


GO_LIVE = datetime(2023, 2, 5, tzinfo=UTC)
MARCH, APRIL = datetime(2023, 3, 31, 12, tzinfo=UTC), datetime(2023, 4, 2, tzinfo=UTC)
"""Just within, and beyond, 31 days after the month of the first dealing."""


async def opened(desk: Desk, at: datetime, counted_at: str = "2023-01-01T00:00:00+08:00") -> Json:
    """The mine's first dealing was in February; then it states what was there."""
    await desk.receive(send(mined(2, "11040.000"), at=GO_LIVE))
    stock = an_opening_inventory(record="O-1", counted_at=counted_at)
    await desk.receive(send(stock, at=at))
    return stock


async def late_openings(desk: Desk) -> set[str]:
    return {period for rule, _, period in await judged(desk, at=AUTUMN) if rule == "opening-late"}


@fires("opening-late")
@clears("opening-late")
async def test_an_opening_inventory_long_after_go_live_is_told_whatever_it_says_of_its_count(chain: Desk) -> None:
    stock = await opened(chain, APRIL)
    assert await late_openings(chain) == {"2023-01"}
    (example,) = (await chain.evidence("opening-late"))["examples"]
    assert (example["first_dealt"], example["opened_g"], example["lots"]) == ("2023-02", 20_000_000, [f"{MINE}/O-1"])
    assert await chain.misfits() == []
    await chain.receive(send(a_void(stock), at=APRIL))
    assert await late_openings(chain) == set()


async def test_stock_that_was_counted_long_after_go_live_is_told(chain: Desk) -> None:
    await opened(chain, AUTUMN, counted_at="2023-11-01T00:00:00+08:00")
    assert await late_openings(chain) == {"2023-11"}


async def test_an_opening_inventory_at_go_live_may_be_corrected_later(chain: Desk) -> None:
    stock = await opened(chain, MARCH)
    await chain.receive(send(a_correction(stock, {"net_mass_kg": "19000.000"}), at=AUTUMN))
    assert await late_openings(chain) == set()


async def test_a_plant_that_has_only_opened_is_not_late(chain: Desk) -> None:
    await chain.receive(send(an_opening_inventory(record="O-1"), at=APRIL))
    assert await late_openings(chain) == set()


async def test_an_earlier_dealing_that_is_read_later_makes_an_opening_late_and_its_void_takes_that_back(
    chain: Desk,
) -> None:
    await chain.receive(send(mined(4, "11040.000"), at=APRIL))
    await chain.receive(send(an_opening_inventory(record="O-1"), at=APRIL))
    assert await late_openings(chain) == set()
    earlier = mined(2, "11040.000")
    await chain.receive(send(earlier, at=GO_LIVE))
    assert await late_openings(chain) == {"2023-01"}
    await chain.receive(send(a_void(earlier), at=APRIL))
    assert await late_openings(chain) == set()


async def test_how_late_an_opening_inventory_may_come_is_a_setting(chain: Desk) -> None:
    await opened(chain, APRIL)
    assert await late_openings(chain) == {"2023-01"}
    await chain.declare(the_chain(("settings", Settings(opening_days=60))))
    assert await late_openings(chain) == set()


@fires("claimed-bias-year")
@clears("claimed-bias-year")
async def test_a_claim_that_is_a_little_low_each_month_is_found_in_a_year(chain: Desk) -> None:
    said = [mined(month, "11030.000") for month in range(2, 6)]  # 906 ppm below: within the tolerance of a month
    told = await judged(chain, *said, at=AUTUMN)
    assert not {period for rule, _, period in told if rule == "claimed-bias"}
    assert {period for rule, _, period in told if rule == "claimed-bias-year"} == {"2023-04", "2023-05"}
    told = await judged(chain, *(a_correction(each, {"claimed_reo_kg": "11040.000"}) for each in said[:3]), at=AUTUMN)
    assert "claimed-bias-year" not in {rule for rule, _, _ in told}


async def test_one_month_does_not_hide_the_others(chain: Desk) -> None:
    """A high claim in June evens out the sum of June alone: the year's evidence still has every month."""
    said = [mined(month, claimed) for month, claimed in ((2, "11020.000"), (3, "11020.000"), (4, "11045.000"))]
    told = await judged(chain, *said, at=AUTUMN)
    assert ("claimed-bias", MINE, "2023-04") not in told
    assert ("claimed-bias-year", MINE, "2023-04") in told
    (example,) = (await chain.evidence("claimed-bias-year"))["examples"]
    assert [line["month"] for line in example["months"]] == ["2023-02", "2023-03", "2023-04"]


async def test_a_late_claim_changes_what_is_said_of_the_months_after_it(chain: Desk) -> None:
    await judged(chain, mined(3, "11030.000"), mined(4, "11030.000"), at=AUTUMN)
    told = await judged(chain, mined(2, "11030.000"), at=AUTUMN)
    assert ("claimed-bias-year", MINE, "2023-04") in told


def smelted(**changes: Any) -> Json:
    """A tonne of neodymium metal, 1166.400 kg of its oxide, out of so much of it."""
    oxide = an_oxide_assay(treo_pct="100.0000", oxides_pct={"Nd": "60.0000", "Pr": "40.0000"})
    feed = an_input(net_mass_kg="1300.000", product="ndpr-oxide", assay=oxide)
    made: Json = {
        "activity": "smelted", "product": "neodymium-metal", "net_mass_kg": "1000.000", "claimed_reo_kg": "1166.400",
        "assay": a_metal_assay(Nd="100.0000"), "inputs": [feed],
    }  # fmt: skip
    return a_separation(record="S-1", plant=SEPARATION, **(made | changes))


@fires("element-gained")
@clears("element-gained")
async def test_an_element_that_the_feed_did_not_hold_is_found_where_the_total_balances(chain: Desk) -> None:
    said = smelted()
    told = of_custody(await judged(chain, said))
    assert ("element-gained", SEPARATION) in told
    (example,) = (await chain.evidence("element-gained"))["examples"]
    assert example["lines"] == [
        {"step": "smelted", "element": "Nd", "used_g": 780_000, "made_g": 1_166_400, "uncertainty_g": 7_015}
    ]
    right = {"net_mass_kg": "680.000", "claimed_reo_kg": "793.152"}  # 13 kg more, less than three times 5.5 kg
    assert ("element-gained", SEPARATION) not in of_custody(await judged(chain, a_correction(said, right)))


async def test_elements_are_not_spoken_of_where_some_feed_is_silent(chain: Desk) -> None:
    silent = an_input(net_mass_kg="1300.000", product="ndpr-oxide", assay=an_oxide_assay(treo_pct="100.0000"))
    assert ("element-gained", SEPARATION) not in of_custody(await judged(chain, smelted(inputs=[silent])))


async def test_a_recycler_that_ships_more_than_its_scrap_can_give_is_found_by_its_balance(desk: Desk) -> None:
    """Over-quota oxide gets no papers of its own: it leaves as the recycler's make, out of scrap that is too little."""
    await desk.declare(the_chain(("recoveries", RecoveryBand(step="recovered", low_pct="70.0000", high_pct="98.0000"))))
    scrap = a_scrap_intake(record="T-1", plant=RECYCLER)  # 800 kg that hold 216 kg of REO
    feed = an_input(lot=f"{RECYCLER}/T-1", product="magnet-sludge", net_mass_kg="800.000",
                    assay=an_oxide_assay(treo_pct="27.0000"))  # fmt: skip
    made = a_separation(
        record="X-1", plant=RECYCLER, activity="recovered", origin="recycled", inputs=[feed],
        net_mass_kg="1900.000", claimed_reo_kg="1890.500",
    )  # fmt: skip
    sent = a_dispatch(
        record="D-1", plant=RECYCLER, consignee={"kind": "plant", "plant": SEPARATION},
        lines=[{"lot": f"{RECYCLER}/X-1", "product": "ndpr-oxide", "net_mass_kg": "1900.000"}],
    )  # fmt: skip
    told = of_custody(await judged(desk, scrap, made, sent))
    assert ("recovery-recovered", RECYCLER) in told
    assert ("recycled-differs", RECYCLER) not in told, "its papers are in order"
    (example,) = (await desk.evidence("recovery-recovered"))["examples"]
    assert (example["used_reo_g"], example["made_reo_g"]) == (216_000, 1_890_500)
    right = {"net_mass_kg": "200.000", "claimed_reo_kg": "199.000"}
    assert ("recovery-recovered", RECYCLER) not in of_custody(await judged(desk, a_correction(made, right)))


async def test_a_recycler_that_passes_off_oxide_of_others_has_more_shipped_than_made(chain: Desk) -> None:
    line = {"lot": f"{RECYCLER}/NOWHERE", "product": "ndpr-oxide", "net_mass_kg": "1900.000"}
    told = of_custody(
        await judged(chain, a_dispatch(record="D-1", plant=RECYCLER, lines=[line], waybill="W-1",
                                       consignee={"kind": "plant", "plant": SEPARATION}))
    )  # fmt: skip
    assert {("lot-unreported", RECYCLER), ("lot-overdrawn", RECYCLER)} <= told


@pytest.mark.parametrize(
    ("lines", "uncertain_g"),
    [([1_000_000], 5_000), ([1_000_000] * 4, 10_000), ([3_000_000, 4_000_000], 25_000), ([], 0)],
)
def test_lines_are_uncertain_independently_of_each_other(lines: list[int], uncertain_g: int) -> None:
    squares = sum(line * line for line in lines)
    assert uncertainty_g(squares, 5_000) == uncertain_g
    assert Recovery("separated", sum(lines), 0, squares).uncertainty_g(5_000) == uncertain_g
