"""Findings about one statement: its claim, its dates, its feed, its lot, and who made it."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from regulator_desk import ARRIVED_AT, Desk, Gateway, a_draw, a_plant, again, an_enterprise, send, the_registry
from rule_coverage import clears, fires

from monazite_consumers.rules.entries import Approval, Settings
from monazite_consumers.rules.production import findings_of
from monazite_consumers.rules.weighing import Weighed, weigh
from monazite_contracts.builders import (
    MINE,
    a_correction,
    a_production,
    a_separation,
    a_split,
    a_void,
    an_assay_finalised,
    an_import,
    an_input,
    an_oxide_assay,
)
from monazite_contracts.envelope import canonical
from monazite_contracts.events import EVENT
from monazite_contracts.months import month_of

ARRIVED = datetime(2023, 5, 5, 1, tzinfo=UTC)
SETTINGS = Settings()


def noticed(event: Any, arrived_at: datetime = ARRIVED, settings: Settings = SETTINGS) -> dict[str, int]:
    """Rules and measures."""
    data: Any = EVENT.validate_json(canonical(event)).data
    return {f.rule: f.measure for f in findings_of(MINE, weigh(data), arrived_at, settings)}


def test_an_ordinary_day_is_nothing_to_notice() -> None:
    assert noticed(a_production()) == {}


@pytest.mark.parametrize(
    ("claimed_kg", "gap_g"), [("1005.000", None), ("1005.001", 5_001), ("995.000", None), ("994.999", -5_001)]
)
@fires("claimed-reo")
def test_a_claim_may_differ_by_the_tolerance_and_no_gram_more(claimed_kg: str, gap_g: int | None) -> None:
    found = noticed(a_draw(1_000, claimed_reo_kg=claimed_kg))
    assert found == ({} if gap_g is None else {"claimed-reo": gap_g})


def test_the_tolerance_is_a_setting() -> None:
    event = a_draw(1_000, claimed_reo_kg="1001.000")
    assert noticed(event) == {}
    assert noticed(event, settings=Settings(claim_tolerance_ppm=999)) == {"claimed-reo": 1_000}


def test_every_statement_with_a_claim_is_compared() -> None:
    assert noticed(an_import(claimed_reo_kg="1.000")) == {"claimed-reo": 1_000 - 11_040_000}


@pytest.mark.parametrize(("late_s", "found"), [(0, {}), (-900, {}), (-901, {"event-in-future": 901})])
@fires("event-in-future")
def test_an_event_may_precede_its_arrival_by_the_tolerance_of_clocks(late_s: int, found: dict[str, int]) -> None:
    ended = datetime(2023, 5, 4, 15, 59, 59, 999_999, tzinfo=UTC)
    assert noticed(a_production(), ended + timedelta(seconds=late_s)) == found


@pytest.mark.parametrize(("days", "seconds"), [(92, None), (93, 93 * 86_400)])
@fires("event-long-past")
def test_an_event_that_comes_after_the_quarter_is_long_past(days: int, seconds: int | None) -> None:
    ended = datetime(2023, 5, 4, 15, 59, 59, 999_999, tzinfo=UTC)
    found = noticed(a_production(), ended + timedelta(days=days))
    assert found == ({} if seconds is None else {"event-long-past": seconds})


@pytest.mark.parametrize(
    ("product", "activity", "found"),
    [
        ("bastnaesite-concentrate", "recovered", {"recycler-used-ore": 18_000_000}),
        ("magnet-sludge", "recovered", {}),
        ("bastnaesite-concentrate", "separated", {}),
    ],
)
@fires("recycler-used-ore")
def test_only_a_recycler_may_not_use_ore(product: str, activity: str, found: dict[str, int]) -> None:
    used = an_input(product=product, assay=an_oxide_assay())
    assert noticed(a_separation(activity=activity, inputs=[used], claimed_reo_kg="1890.500")) == found


# --- through the deciding transaction

ODD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "claimed-reo": ({"claimed_reo_kg": "1.000"}, {"claimed_reo_kg": "1000.000"}),
    "event-in-future": (
        {"period": {"start": "2023-05-20T00:00:00+08:00", "end": "2023-05-21T00:00:00+08:00"}},
        {"period": {"start": "2023-05-04T00:00:00+08:00", "end": "2023-05-05T00:00:00+08:00"}},
    ),
    "event-long-past": (
        {"period": {"start": "2023-01-04T00:00:00+08:00", "end": "2023-01-05T00:00:00+08:00"}},
        {"period": {"start": "2023-05-04T00:00:00+08:00", "end": "2023-05-05T00:00:00+08:00"}},
    ),
    "recycler-used-ore": (
        {"activity": "recovered", "product": "ndpr-oxide", "inputs": [an_input()]},
        {"activity": "recovered", "product": "ndpr-oxide", "inputs": []},
    ),
}


@pytest.mark.parametrize("rule", ODD)
@fires("claimed-reo", "event-in-future", "event-long-past", "recycler-used-ore")
@clears("claimed-reo", "event-in-future", "event-long-past", "recycler-used-ore")
async def test_a_correction_clears_what_a_statement_says_and_a_void_too(desk: Desk, rule: str) -> None:
    wrong, right = ODD[rule]
    await desk.declare(the_registry())
    first, second = a_draw(1_000, **wrong), a_draw(1_000, "R-2", **wrong)
    await desk.receive(send(first), send(second))
    ((_, subject, _),) = [key for key in await desk.alerts() if key[0] != "cap-not-issued"]
    assert subject == MINE
    assert (await desk.evidence(rule))["count"] == 2
    await desk.receive(send(a_correction(first, right)))
    assert rule in await desk.rules()
    await desk.receive(send(a_void(second)))
    assert await desk.rules() <= {"cap-not-issued"}
    assert rule in await desk.rules("retracted")


@fires("unlisted-producer")
@clears("unlisted-producer")
async def test_production_by_who_is_not_listed_is_recorded_and_flagged_until_a_listing_covers_it(desk: Desk) -> None:
    unlisted = [*an_enterprise("shihe", "separation"), *a_plant()]
    await desk.declare(unlisted)
    await desk.receive(send(a_draw(7), a_draw(3, "R-2", date(2023, 5, 3))))
    assert await desk.drawn_g() == 10_000
    assert (await desk.alerts())["unlisted-producer", MINE, "2023"]["province"] == "inner-mongolia"
    assert await desk.evidence("unlisted-producer") == {
        "reo_g": 10_000,
        "events": 2,
        "first_day": "2023-05-03",
        "last_day": "2023-05-04",
    }
    listed = Approval(enterprise="shihe", activity="mining", since=date(2023, 5, 4))
    await desk.declare([*unlisted, ("approvals", listed)])
    assert (await desk.evidence("unlisted-producer"))["reo_g"] == 3_000
    await desk.declare([*unlisted, ("approvals", listed.model_copy(update={"since": date(2023, 1, 1)}))])
    assert "unlisted-producer" in await desk.rules("retracted")


async def test_a_statement_with_feed_of_two_kinds_is_one_statement(desk: Desk) -> None:
    await desk.declare([*an_enterprise("shihe", "mining"), *a_plant()])
    again_and_fresh = [an_input(), an_input(product="lanthanum-oxide", assay=an_oxide_assay())]
    await desk.receive(send(a_separation(plant=MINE, inputs=again_and_fresh)))
    assert (await desk.evidence("unlisted-producer"))["events"] == 1
    assert (await desk.evidence("unlisted-producer"))["reo_g"] == 1_890_500


async def test_a_plant_that_nobody_runs_is_not_listed_either(desk: Desk) -> None:
    await desk.declare([entry for entry in the_registry() if entry[0] != "operations"])
    await desk.receive(send(a_draw(7)))
    assert await desk.rules() == {"unlisted-producer"}


@fires("lot-reused")
@clears("lot-reused")
async def test_a_lot_number_used_twice_is_flagged_until_all_but_one_are_gone(desk: Desk) -> None:
    await desk.declare(the_registry())
    first, second = a_draw(1, lot=f"{MINE}/L-1"), a_draw(1, "R-2", lot=f"{MINE}/L-1")
    await desk.receive(send(first))
    assert "lot-reused" not in await desk.rules()
    await desk.receive(send(second))
    alert = (await desk.alerts())["lot-reused", MINE, month_of(ARRIVED_AT)]
    assert alert["evidence"]["count"] == 2
    cited = {(example["event"], *example["lots"]) for example in alert["evidence"]["examples"]}
    assert cited == {(said["id"], f"{MINE}/L-1") for said in (first, second)}
    assert alert["province"] == "inner-mongolia"
    await desk.receive(send(a_correction(second, {"lot": f"{MINE}/L-2"})))
    assert "lot-reused" in await desk.rules("retracted")


async def test_two_statements_of_one_envelope_may_not_share_a_lot_either(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(send(a_draw(1, lot=f"{MINE}/L-1"), a_draw(1, "R-2", lot=f"{MINE}/L-1")))
    assert "lot-reused" in await desk.rules()


async def test_a_hundred_lots_made_twice_are_one_alert_with_a_counter(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway = Gateway()
    first, second = ([a_draw(1, f"{turn}-{n}", lot=f"{MINE}/L-{n}") for n in range(100)] for turn in "AB")
    await desk.receive(gateway.send(*first))
    await desk.receive(gateway.send(*second[:30]))
    await desk.receive(gateway.send(*second[30:]))
    evidence = await desk.evidence("lot-reused")
    assert (evidence["count"], evidence["measure"], len(evidence["examples"])) == (200, 200, 10)
    assert len([told for _, told in await desk.told("regulator-alerts-") if told["rule"] == "lot-reused"]) == 1
    await desk.receive(gateway.send(*(a_void(event) for event in second[:99])))
    evidence = await desk.evidence("lot-reused")
    assert [cited["lots"] for cited in evidence["examples"]] == [[f"{MINE}/L-99"]] * 2
    assert await desk.misfits() == []
    assert await desk.rebuild() == []
    await desk.receive(gateway.send(a_void(second[99])))
    assert "lot-reused" in await desk.rules("retracted")


MASSES = ("5000.000", "5000.000", "10000.000")


async def test_of_a_split_whose_parts_are_used_twice_each_is_counted(desk: Desk) -> None:
    await desk.declare(the_registry())
    split = a_split(children=[{"lot": f"{MINE}/P-{n}", "net_mass_kg": mass} for n, mass in enumerate(MASSES)])
    twice = [a_draw(1, f"T-{n}", lot=f"{MINE}/P-{n}") for n in range(2)]
    await desk.receive(send(*twice), send(split))
    evidence = await desk.evidence("lot-reused")
    assert (evidence["count"], evidence["measure"]) == (3, 4)
    await desk.receive(send(a_void(twice[0])))
    evidence = await desk.evidence("lot-reused")
    assert (evidence["count"], evidence["measure"]) == (2, 2)
    assert all(cited["lots"] == [f"{MINE}/P-1"] for cited in evidence["examples"])
    assert await desk.misfits() == []
    assert await desk.rebuild() == []


async def test_a_repeated_event_makes_its_lot_once(desk: Desk) -> None:
    await desk.declare(the_registry())
    gateway, event = Gateway(), a_draw(1)
    message = gateway.send(event)
    await desk.receive(message, again(message), gateway.send(event))
    assert "lot-reused" not in await desk.rules()


@fires("platform-fault")
@clears("platform-fault")
async def test_an_event_that_makes_our_code_raise_is_parked_and_its_neighbours_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from monazite_consumers.decisions import effects

    shipped = effects.draws_of

    def broken(weighed: Weighed) -> Any:
        if getattr(weighed.statement, "lot", "").endswith("R-2"):
            raise ZeroDivisionError
        return shipped(weighed)

    await desk.declare(the_registry())
    monkeypatch.setattr(effects, "draws_of", broken)
    await desk.receive(send(a_draw(1), a_draw(2, "R-2"), a_draw(4, "R-3")), send(a_draw(8, "R-4")))
    assert await desk.event_outcomes() == ["applied", "awaiting platform-fault", "applied", "applied"]
    assert await desk.drawn_g() == 13_000
    assert ("platform-fault", "intake", "2023-05-05") in await desk.alerts()
    assert "platform fault at message" in caplog.text
    assert await desk.rebuild() == []

    monkeypatch.setattr(effects, "draws_of", shipped)
    await desk.rebuild(keep=True)
    assert await desk.event_outcomes() == ["applied"] * 4
    assert await desk.drawn_g() == 15_000
    assert "platform-fault" in await desk.rules("retracted")


@pytest.mark.parametrize("amendment_first", [False, True])
async def test_an_amendment_that_makes_our_code_raise_is_parked_whatever_came_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, amendment_first: bool
) -> None:
    from monazite_consumers.decisions import effects

    shipped = effects.draws_of

    def broken(weighed: Weighed) -> Any:
        if getattr(getattr(weighed.statement, "assay", None), "treo_pct", "") == "50.0000":
            raise ZeroDivisionError
        return shipped(weighed)

    await desk.declare(the_registry())
    monkeypatch.setattr(effects, "draws_of", broken)
    gateway, event = Gateway(), a_draw(1)
    finalised = an_assay_finalised(event, assay=an_oxide_assay(treo_pct="50.0000"), record="A-1")
    sent = [gateway.send(event), gateway.send(finalised)]
    for message in reversed(sent) if amendment_first else sent:
        await desk.receive(message)
    assert sorted(await desk.event_outcomes()) == ["applied", "awaiting platform-fault"]
    assert await desk.drawn_g() == 1_000
    assert await desk.rebuild() == []

    monkeypatch.setattr(effects, "draws_of", shipped)
    await desk.rebuild(keep=True)
    assert await desk.event_outcomes() == ["applied"] * 2
    assert await desk.drawn_g() == 500
