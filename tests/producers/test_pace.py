"""Real holders keep to what is issued, on every day, whatever the seed and the number of events."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from monazite_contracts.assays import reo_g
from monazite_contracts.catalogue import PRODUCTS
from monazite_contracts.months import day_of, last_instant
from monazite_contracts.opening import open_value
from monazite_producers.simulator.pace import days_of, measured_pace, straight_pace

FIRST_ISSUE = date(2023, 3, 24)


def drawn_by_day(year: Any, holder: str, kind: str) -> dict[date, int]:
    """By the contract's arithmetic, from the messages alone; an upper bound where compounds are separated again."""
    members = {m["member"] for m in year.registry["memberships"] if m["group"] == holder}
    plants = {o["plant"] for o in year.registry["operations"] if o["enterprise"] in members}
    drawn: dict[date, int] = defaultdict(int)
    for message in year.messages:
        if message.key.decode().partition("/")[0] not in plants or message.topic != "plant-production":
            continue
        for event in open_value(message.value).events:
            data = event.event.data if event.event is not None else None
            activity = getattr(data, "activity", "")
            if data is None or activity not in {"mined", "separated"}:
                continue
            of_kind = "separation" if activity == "separated" else PRODUCTS[data.product].mining_kind
            if of_kind == kind:
                drawn[day_of(last_instant(data.period.end))] += reo_g(data.net_mass_kg, data.assay)
    return drawn


@pytest.mark.parametrize("holder", ["northern", "creg", "guangdong", "xiamen"])
@pytest.mark.parametrize("seed", [71, 5])
def test_a_real_holder_never_draws_more_than_97_per_cent_of_what_is_issued(play: Any, holder: str, seed: int) -> None:
    year = play(5_000, seed)
    kinds = {a["kind"] for a in year.registry["allocations"] if a["holder"] == holder}
    assert kinds
    for kind in kinds:
        drawn = drawn_by_day(year, holder, kind)
        issued = [
            (date.fromisoformat(a["issued_on"]), a["tonnes_reo"] * 1_000_000)
            for a in year.registry["allocations"]
            if (a["holder"], a["kind"], a["year"]) == (holder, kind, 2023)
        ]
        total = 0
        for day in days_of(2023):
            total += drawn[day]
            granted = sum(grams for issued_on, grams in issued if issued_on <= day)
            assert day < FIRST_ISSUE or total * 100 <= granted * 97, (holder, kind, day)
        assert sum(grams for _, grams in issued) * 94 <= total * 100 <= sum(grams for _, grams in issued) * 97
        assert sum(grams for day, grams in drawn.items() if day < FIRST_ISSUE) > 0


def test_a_pace_only_rises_and_ends_just_below_the_grants() -> None:
    pace = measured_pace([(FIRST_ISSUE, 100), (date(2023, 9, 25), 100)], 2023)
    assert len(pace) == 365
    assert pace == sorted(pace)
    assert pace[-1] == 189_600_000
    assert pace[(date(2023, 9, 24) - date(2023, 1, 1)).days] == 95_500_000


def test_a_batch_in_time_bends_no_pace() -> None:
    early = [(date(2023, 1, 2), 30), (date(2023, 2, 1), 170)]
    assert measured_pace(early, 2023) == measured_pace([(date(2023, 1, 2), 200)], 2023)


def test_a_straight_pace_passes_through_its_knots_and_then_rests() -> None:
    pace = straight_pace([(date(2023, 1, 10), 0), (date(2023, 1, 20), 10)], 2023)
    assert pace[8] == 0
    assert pace[14] == 5_000_000
    assert pace[19] == pace[-1] == 10_000_000
    assert len(pace) == 365


def test_a_leap_year_has_all_its_days(play: Any) -> None:
    year = play(2_000, 71, 2024)
    *days, closing = year.days
    assert len(days) == 366
    assert {cap.holder for cap in year.account.granted_g if not cap.holder.startswith("example-")} == {
        "northern",
        "creg",
    }
    assert days[-1].day == days_of(2024)[0] + timedelta(days=365)
    assert closing.day == date(2025, 1, 6)
