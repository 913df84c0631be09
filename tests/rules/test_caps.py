"""Caps: thresholds at or above, overrun now and then, recovery by a batch, retraction and clearing by correction."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regulator_desk import (
    HOLDER,
    OPENED_AT,
    Desk,
    a_draw,
    a_key,
    a_plant,
    an_allocation,
    an_enterprise,
    send,
    the_registry,
)
from rule_coverage import clears, fires

from monazite_consumers.rules.caps import (
    PERCENT_MAX,
    CapDays,
    Overrun,
    cap_conditions,
    judge_cap,
    judge_then,
    would_have_held,
)
from monazite_consumers.rules.entries import Membership
from monazite_consumers.rules.grants import Grant
from monazite_contracts.builders import a_correction, a_separation, a_target, a_void
from monazite_contracts.catalogue import CapKind

TODAY = date(2023, 6, 1)
FIRST = Grant(date(2023, 1, 1), 1_000)
CAP, YEAR = f"{HOLDER}/mining_rock", "2023"


def drawn(*days: tuple[int, int]) -> CapDays:
    """(day of May, grams), as they stand and as first stated."""
    grams = [amount_g for _, amount_g in days]
    return CapDays([date(2023, 5, day) for day, _ in days], grams, grams)


@pytest.mark.parametrize(
    ("grams", "conditions"),
    [
        (0, set()),
        (799, set()),
        (800, {"cap-80"}),
        (949, {"cap-80"}),
        (950, {"cap-80", "cap-95"}),
        (999, {"cap-80", "cap-95"}),
        (1_000, {"cap-80", "cap-95", "cap-100"}),
        (1_001, {"cap-80", "cap-95", "cap-100", "cap-overrun", "cap-overrun-then"}),
    ],
)
@fires("cap-80", "cap-95", "cap-100", "cap-overrun")
def test_thresholds_hold_at_or_above_and_overrun_above(grams: int, conditions: set[str]) -> None:
    assert cap_conditions(judge_cap(drawn((4, grams)), [FIRST], TODAY)) == conditions


def test_nothing_drawn_reaches_no_threshold_of_a_cap_cut_to_nothing() -> None:
    nothing = [FIRST, Grant(date(2023, 2, 1), -1_000)]
    assert cap_conditions(judge_cap(drawn(), nothing, TODAY)) == set()
    assert "cap-overrun" in cap_conditions(judge_cap(drawn((4, 1)), nothing, TODAY))


def test_the_percentage_is_rounded_down() -> None:
    assert judge_cap(drawn((4, 999)), [FIRST], TODAY).percent == 99
    assert judge_cap(drawn((4, 1_009)), [FIRST], TODAY).percent == 100
    assert judge_cap(drawn((4, 1)), [], TODAY).percent is None


def test_before_the_first_issue_there_are_no_thresholds() -> None:
    later = Grant(date(2023, 7, 1), 1)
    assert cap_conditions(judge_cap(drawn((4, 9_999)), [later], TODAY)) == {"cap-not-issued"}
    assert cap_conditions(judge_cap(drawn(), [later], TODAY)) == set()


def test_then_is_judged_from_the_first_issue_on() -> None:
    first = Grant(date(2023, 5, 10), 1_000)
    assert judge_then(*drawn((4, 1_000), (12, 0))[:2], [first])[0] is None
    overrun, peak = judge_then(*drawn((4, 1_000), (12, 500))[:2], [first])
    assert overrun is not None
    assert (overrun.first_day, overrun.last_day, overrun.peak_g, peak) == (
        date(2023, 5, 12),
        date(2023, 5, 12),
        500,
        150,
    )


@given(
    st.dictionaries(st.integers(1, 28), st.integers(0, 400)),
    st.dictionaries(st.integers(1, 28), st.integers(-300, 900), min_size=1),
)
def test_then_is_the_same_as_looking_at_every_day(draws: dict[int, int], issues: dict[int, int]) -> None:
    over, peak_percent = [], 0
    for day in range(min(issues), 29):
        level = sum(grams for at, grams in draws.items() if at <= day)
        granted = sum(grams for at, grams in issues.items() if at <= day)
        if day in draws or day in issues:
            peak_percent = max(peak_percent, PERCENT_MAX * (level > 0) if granted <= 0 else level * 100 // granted)
            over += [(date(2023, 5, day), level - granted)] * (level > granted)
    found, peak = judge_then(
        *drawn(*sorted(draws.items()))[:2], [Grant(date(2023, 5, day), grams) for day, grams in sorted(issues.items())]
    )
    expected = Overrun(over[0][0], over[-1][0], max(excess for _, excess in over)) if over else None
    assert (found, peak) == (expected, peak_percent)


def test_an_overrun_then_keeps_first_day_last_day_and_peak() -> None:
    batch = Grant(date(2023, 5, 20), 500)
    judged = judge_cap(drawn((4, 900), (5, 200), (6, 300), (20, 1), (21, 200)), [FIRST, batch], TODAY)
    assert judged.then is not None
    assert (judged.then.first_day, judged.then.last_day, judged.then.peak_g) == (
        date(2023, 5, 5),
        date(2023, 5, 21),
        400,
    )


def test_a_batch_of_the_same_day_covers_that_day() -> None:
    judged = judge_cap(drawn((4, 1_400)), [FIRST, Grant(date(2023, 5, 4), 400)], TODAY)
    assert judged.then is None


def test_a_cut_may_overrun_a_cap_afterwards() -> None:
    judged = judge_cap(drawn((4, 900)), [FIRST, Grant(date(2023, 5, 20), -200)], TODAY)
    assert {"cap-overrun", "cap-overrun-then"} <= cap_conditions(judged)


@pytest.mark.parametrize(("rule", "percent"), [("cap-80", 80), ("cap-95", 95), ("cap-100", 100)])
def test_a_threshold_that_was_reached_recovers_and_one_that_was_not_is_retracted(rule: str, percent: int) -> None:
    more = Grant(date(2023, 5, 20), 9_000)
    assert would_have_held(rule, judge_cap(drawn((4, percent * 10)), [FIRST, more], TODAY))
    assert not would_have_held(rule, judge_cap(drawn((4, percent * 10 - 10)), [FIRST, more], TODAY))


# --- through the deciding transaction


@fires("cap-80", "cap-95", "cap-100", "cap-overrun", "cap-overrun-then")
async def test_draws_raise_one_alert_after_the_other(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    found = []
    for number, mass in enumerate(("799.999", "0.001", "150.000", "50.000", "0.001")):
        await desk.receive(send(a_draw(mass, f"R-{number}")))
        found.append(await desk.rules())
    ladder = ["cap-80", "cap-95", "cap-100"]
    assert found == [set(), {*ladder[:1]}, {*ladder[:2]}, {*ladder}, {*ladder, "cap-overrun", "cap-overrun-then"}]
    alerts = await desk.alerts()
    assert {key[1:] for key in alerts} == {(CAP, YEAR)}
    assert {alert["percent"] for alert in alerts.values()} == {100}


@clears("cap-80", "cap-95", "cap-100", "cap-overrun")
@fires("cap-overrun-then")
async def test_a_batch_that_covers_recovers_now_and_leaves_then(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.receive(send(a_draw(1_200)))
    await desk.declare(the_registry(an_allocation(1), an_allocation(9, date(2023, 6, 1), batch="2")))
    assert "cap-overrun" in await desk.rules(), "the batch is not issued yet"
    await desk.watch(datetime(2023, 5, 31, 15, 59, 59, tzinfo=UTC))
    assert "cap-overrun" in await desk.rules()
    await desk.watch(datetime(2023, 5, 31, 16, tzinfo=UTC))
    assert await desk.rules() == {"cap-overrun-then"}
    assert await desk.rules("recovered") == {"cap-80", "cap-95", "cap-100", "cap-overrun"}
    assert await desk.evidence("cap-overrun-then") == {
        "drawn_g": 1_200_000,
        "granted_g": 10_000_000,
        "original_g": 1_200_000,
        "first_day": "2023-05-04",
        "last_day": "2023-05-04",
        "peak_g": 200_000,
    }


@clears("cap-80", "cap-95", "cap-100", "cap-overrun", "cap-overrun-then")
@fires("cap-cleared-by-correction")
async def test_a_correction_retracts_what_never_was_and_says_that_it_did(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    stated = a_draw(1_200)
    correction = a_correction(stated, {"net_mass_kg": "700.000", "claimed_reo_kg": "700.000"})
    other = a_draw(50, "R-2")
    await desk.receive(send(stated, other))
    await desk.receive(send(correction, a_void(other)))
    assert await desk.drawn_g() == 700_000
    assert await desk.rules() == {"cap-cleared-by-correction"}
    assert await desk.rules("retracted") == {"cap-80", "cap-95", "cap-100", "cap-overrun", "cap-overrun-then"}
    evidence = await desk.evidence("cap-cleared-by-correction")
    assert (evidence["original_g"], evidence["drawn_g"], evidence["peak_g"]) == (1_250_000, 700_000, 250_000)
    assert {(cited["event"], cited["moved_g"]) for cited in evidence["amendments"]} == {
        (correction["id"], -500_000),
        (a_void(other)["id"], -50_000),
    }


@clears("cap-cleared-by-correction")
async def test_a_cleared_overrun_stays_until_a_person_closes_it_or_it_never_was_one(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    stated = a_draw(1_200)
    await desk.receive(send(stated), send(a_void(stated)))
    await desk.receive(send(a_draw(10, "R-2")))
    await desk.watch(datetime(2023, 12, 31, tzinfo=UTC))
    assert await desk.rules() == {"cap-cleared-by-correction"}
    await desk.declare(the_registry(an_allocation(2)))
    assert await desk.rules("retracted") >= {"cap-cleared-by-correction"}


async def test_only_amendments_of_that_cap_are_cited(desk: Desk) -> None:
    """Not those of another kind, another year, another basis, or of a plant whose draws another holder bears."""
    others = an_enterprise("other"), a_plant("other-mine", "other")
    await desk.declare(the_registry(an_allocation(1), *others[0], *others[1]))
    rock, ionic = a_draw(1_200), a_draw(1, "R-2", product="ionic-oxide-concentrate")
    last_year, foreign = a_draw(1, "R-3", date(2022, 12, 31)), a_draw(1, "R-4", plant="other-mine")
    await desk.receive(*[send(event) for event in (rock, ionic, last_year, foreign)])
    await desk.receive(*[send(a_void(event)) for event in (rock, ionic, last_year, foreign)])
    cited = (await desk.evidence("cap-cleared-by-correction"))["amendments"]
    assert [each["event"] for each in cited] == [a_void(rock)["id"]]


async def test_amendments_that_net_to_nothing_in_one_batch_are_cited_all_the_same(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    stated, other = a_draw(1_200), a_draw(100, "R-2")
    await desk.receive(send(stated, other), send(a_void(stated)))
    more = a_correction(other, {"net_mass_kg": "110.000"})
    less = a_correction(other | {"id": more["id"]}, {}, record="C-2", target=a_target(more))
    await desk.receive(send(more, less))
    cited = {
        each["event"]: each["moved_g"] for each in (await desk.evidence("cap-cleared-by-correction"))["amendments"]
    }
    assert cited == {a_void(stated)["id"]: -1_200_000, more["id"]: 10_000, less["id"]: -10_000}


@fires("cap-not-issued")
@clears("cap-not-issued")
async def test_draws_before_the_first_issue_are_said_until_it_is_issued(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(send(a_draw(1_200)))
    assert await desk.rules() == {"cap-not-issued"}
    assert await desk.evidence("cap-not-issued") == {"drawn_g": 1_200_000, "granted_g": None}
    await desk.declare(the_registry(an_allocation(2, date(2023, 6, 1))))
    assert await desk.rules() == {"cap-not-issued"}
    await desk.watch(datetime(2023, 6, 1, tzinfo=UTC))
    assert await desk.rules() == set()
    assert await desk.rules("recovered") == {"cap-not-issued"}


async def test_a_members_draw_is_not_missed_at_its_own_cap_when_only_its_group_has_one(desk: Desk) -> None:
    member = Membership(member=HOLDER, group="group", since=date(2020, 1, 1))
    await desk.declare(the_registry(*an_enterprise("group"), ("memberships", member), an_allocation(1, holder="group")))
    await desk.receive(send(a_draw(1_200)))
    assert await desk.drawn_g("group") == await desk.drawn_g(HOLDER) == 1_200_000
    assert {subject for _, subject, _ in await desk.alerts()} == {"group/mining_rock"}


@pytest.mark.parametrize(
    ("day", "year"), [(date(2023, 12, 31), 2023), (date(2024, 1, 1), 2024)], ids=["before", "after"]
)
async def test_a_draw_counts_in_the_year_of_its_day_in_shanghai(desk: Desk, day: date, year: int) -> None:
    await desk.declare(the_registry())
    await desk.receive(send(a_draw(5, day=day)))
    assert [await desk.drawn_g(year=y) for y in (2023, 2024)] == [5_000 * (y == year) for y in (2023, 2024)]


async def test_settings_re_sum_days_without_reading_an_event(desk: Desk) -> None:
    from monazite_consumers.rules.entries import Settings

    kind = CapKind.SEPARATION
    await desk.declare(the_registry())
    await desk.receive(send(a_separation(plant="shihe-mine")))
    fresh_g = await desk.drawn_g(kind=kind)
    await desk.declare(the_registry(("settings", Settings(separation_counts="feed"))))
    assert (fresh_g, await desk.drawn_g(kind=kind)) == (1_890_500, 9_936_000)
    await desk.declare(the_registry())
    assert await desk.drawn_g(kind=kind) == fresh_g


async def test_an_unchanged_key_leaves_caps_alone(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.receive(send(a_draw(900)))
    before = await desk.alerts()
    await desk.declare(the_registry(an_allocation(1), a_key("shihe-mine", "gw-9")))
    assert await desk.alerts() == before
    assert datetime(2023, 5, 2, tzinfo=UTC) > OPENED_AT
