"""Every story is told, whatever the number of events, and at invented enterprises only."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from monazite_contracts.months import day_of
from monazite_contracts.opening import open_value
from monazite_producers.publisher import Outgoing
from monazite_producers.simulator import SimulationPlan, simulate

REGISTRY = Path(__file__).parents[2] / "deploy" / "registry"
STORIES = {
    ("cap-overrun", "example-a/separation", "recovered"),
    ("cap-overrun-then", "example-a/separation", "raised"),
    ("cap-100", "example-a/separation", "recovered"),
    ("cap-overrun", "example-b/mining_rock", "raised"),
    ("cap-overrun-then", "example-b/mining_rock", "raised"),
    ("unlisted-producer", "example-c-mine-1", "raised"),
    ("cap-not-issued", "example-c/mining_rock", "raised"),
    ("cap-overrun", "example-g/separation", "recovered"),
    ("cap-overrun-then", "example-g/separation", "recovered"),
    ("cap-cleared-by-correction", "example-g/separation", "raised"),
    ("seal-false", "example-h-mine-1/gw-1", "raised"),
    ("source-unknown", "example-h-mine-1/gw-1", "raised"),
    ("contract-refused", "example-i-mine-1/gw-1", "raised"),
    ("unreadable", "plant-production", "raised"),
    ("source-unknown", "plant-production", "recovered"),
    ("claimed-reo", "example-m-mine-1", "raised"),
    ("recycler-used-ore", "example-o-recycler-1", "raised"),
    ("event-in-future", "example-p-mine-1", "raised"),
    ("event-long-past", "example-p-mine-1", "raised"),
    ("amendment-without-target", "example-p-mine-1", "raised"),
    ("amendment-rival", "example-p-mine-1", "raised"),
    ("void-of-void", "example-p-mine-1", "raised"),
    ("amendment-out-of-scope", "example-p-mine-1", "raised"),
    ("amendment-moves-year", "example-p-mine-1", "raised"),
    ("event-conflict", "example-p-mine-1", "raised"),
    ("origin-unlawful", "example-c-mine-1", "raised"),
    ("lot-overdrawn", "example-g-separation-1", "raised"),
    ("declaration-differs", "example-g-separation-1", "raised"),
    ("declaration-differs", "example-p-mine-1", "raised"),
    ("claimed-bias", "example-m-mine-1", "raised"),
}
BY_RULE = {"lot-reused": 1, "envelope-gap": 2, "envelope-fork": 1, "chain-broken": 1}
BOUGHT_ON = ("sim-metal-", "sim-magnet-")
"""Makers of no real group, who may come to buy what was made of unlisted C's ore, or by W."""
HARMLESS_AT_REAL_HOLDERS = {"cap-not-issued", "cap-80", "cap-95"}


def of_plant(year: Any, plant: str, day: date | None = None) -> list[Outgoing]:
    return [
        message
        for message in year.messages
        if message.key.decode().partition("/")[0] == plant and (day is None or day_of(message.at) == day)
    ]


@pytest.mark.parametrize("events", [2_000, 5_000, 20_000])
@pytest.mark.parametrize("seed", [71, 7])
def test_every_story_is_in_every_year(play: Any, events: int, seed: int) -> None:
    alerts = play(events, seed).account.alerts
    told = {(alert.rule, alert.subject, alert.condition) for alert in alerts}
    assert told >= STORIES
    assert {rule: count for rule, count in Counter(a.rule for a in alerts).items() if rule in BY_RULE} == BY_RULE
    gaps = {alert.subject.partition("/")[0]: alert.condition for alert in alerts if alert.rule == "envelope-gap"}
    assert gaps == {"example-l-mine-1": "recovered", "example-l-mine-2": "raised"}


@pytest.mark.parametrize("events", [2_000, 20_000])
def test_misconduct_is_at_invented_enterprises_only(play: Any, events: int) -> None:
    for alert in play(events).account.alerts:
        invented = alert.subject.startswith("example-") or alert.subject == "plant-production"
        if alert.rule == "origin-unlawful":
            invented |= alert.subject.startswith(BOUGHT_ON)
        assert invented or alert.rule in HARMLESS_AT_REAL_HOLDERS, alert


def lots_of(year: Any) -> dict[str, Any]:
    """Every lot that was produced, with the lots that went into it."""
    return {
        event.event.data.lot: [line.lot for line in event.event.data.inputs]
        for message in year.messages
        for event in open_value(message.value).events
        if event.event is not None and event.event.type == "monazite.production.v1"
    }


@pytest.mark.parametrize("events", [2_000, 20_000])
def test_who_made_anything_of_what_has_no_lawful_origin_is_expected_to_be_noticed(play: Any, events: int) -> None:
    made = lots_of(play(events))
    tainted = {lot for lot in made if lot.startswith("example-c-mine-1/")}
    tainted |= {lot for lot, inputs in made.items() if any("UNREPORTED" in each for each in inputs)}
    while more := {lot for lot, inputs in made.items() if not tainted.isdisjoint(inputs)} - tainted:
        tainted |= more
    noticed = {alert.subject for alert in play(events).account.alerts if alert.rule == "origin-unlawful"}
    assert noticed == {lot.partition("/")[0] for lot in tainted}
    assert any(plant.startswith("example-") and "separation" in plant for plant in noticed)


def test_f_ships_no_lot_before_its_office_has_amended_it(small: Any) -> None:
    told: dict[str, list[str]] = {}
    for message in of_plant(small, "example-f-mine-1"):
        for event in (opened.event for opened in open_value(message.value).events):
            assert event is not None
            said = event.data.replacement.data if event.type == "monazite.correction.v1" else event.data
            for line in said.lines if event.type == "monazite.dispatched.v1" else [said]:
                told.setdefault(getattr(line, "lot", ""), []).append(event.type.split(".")[1])
    amended = [kinds for kinds in told.values() if {"correction", "assay-finalised"} & set(kinds)]
    assert sorted(amended) == [
        ["production", "assay-finalised", "dispatched"],
        ["production", "correction", "dispatched"],
    ]


def test_what_is_wrong_is_sent_in_the_name_of_invented_plants_only(small: Any) -> None:
    for message in small.messages:
        found = open_value(message.value)
        broken = found.refusal or any(event.refusal for event in found.events)
        assert not broken or message.key.startswith(b"example-")


def test_a_flood_repeats_hundreds_of_messages_in_a_day(small: Any) -> None:
    values = Counter(message.value for message in of_plant(small, "example-d-separation-1", date(2023, 6, 15)))
    assert sum(count for count in values.values() if count > 50) > 200


def test_a_second_gateway_says_the_same_events_in_other_envelopes(small: Any) -> None:
    said: dict[bytes, set[str]] = {}
    for message in of_plant(small, "example-d-separation-1"):
        for event in open_value(message.value).events:
            said.setdefault(event.hash, set()).add(message.key.decode())
    assert any(len(gateways) == 2 for gateways in said.values())


def test_an_offline_gateway_is_silent_and_then_tells_of_the_past(small: Any) -> None:
    first, back = date(2023, 7, 3), date(2023, 7, 12)
    for offset in range(9):
        assert of_plant(small, "example-e-mine-1", first + timedelta(days=offset)) == []
    days = {
        event.event.data.period.start.date()
        for message in of_plant(small, "example-e-mine-1", back)
        for event in open_value(message.value).events
        if event.event is not None and event.event.type == "monazite.production.v1"
    }
    assert days >= {first + timedelta(days=offset) for offset in range(9)}


def test_a_late_gateway_reports_before_its_key_is_registered(small: Any) -> None:
    late = [message for message in of_plant(small, "example-j-mine-1") if message.key.endswith(b"/gw-2")]
    assert {day_of(message.at) for message in late} == {date(2023, 4, day) for day in range(10, 17)}

    def registered_on(day: date) -> bool:
        return any(key["id"] == "example-j-mine-1.gw-2.1" for key in small.registry_on(day)["gateway_keys"])

    assert not registered_on(date(2023, 4, 16))
    assert registered_on(date(2023, 4, 17))


def test_malformed_messages_have_a_null_value_a_binary_header_and_a_bad_event_beside_good_ones(small: Any) -> None:
    sent = of_plant(small, "example-i-mine-1", date(2023, 5, 23))
    assert any(message.value is None for message in sent)
    assert any(value == b"\xff\x00\xfe" for message in sent for _, value in message.headers)
    outcomes = [[event.refusal is None for event in open_value(message.value).events] for message in sent]
    assert [True, False, True] in outcomes


def test_a_fork_is_another_value_at_a_used_sequence(small: Any) -> None:
    claimed: dict[tuple[str, int | None], set[bytes]] = {}
    for message in of_plant(small, "example-k-mine-1"):
        found = open_value(message.value)
        assert found.source is not None
        claimed.setdefault((found.source.model_dump_json(), found.sequence), set()).add(found.hash)
    assert sorted(len(hashes) for hashes in claimed.values())[-2:] == [1, 2]


def test_some_separation_takes_in_what_was_separated_before(play: Any) -> None:
    mixed = 0
    for message in play(20_000).messages:
        for event in open_value(message.value).events if b'"separated"' in (message.value or b"") else ():
            products = {line.product for line in getattr(event.event.data, "inputs", ())} if event.event else set()
            mixed += len(products) > 1 and any(product.endswith("-oxide") for product in products)
    assert mixed > 10


def test_chapters_tell_every_story_in_the_order_of_the_year(small: Any) -> None:
    chapters = small.simulation.chapters
    assert list(chapters) == sorted(chapters)
    assert all(chapter.day.year == 2023 and chapter.look_for for chapter in chapters)
    text = " ".join(chapter.headline for chapter in chapters)
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXY":
        assert f"Example Rare Earth {letter} (invented)" in text
    assert {date(2023, 3, 24), date(2023, 9, 25), date(2023, 12, 14)} <= {chapter.day for chapter in chapters}


@pytest.mark.parametrize("events", [2_000, 20_000])
@pytest.mark.parametrize(
    ("rule", "subject", "day"),
    [
        ("unlisted-producer", "example-c-mine-1", date(2023, 5, 20)),
        ("cap-overrun", "example-a/separation", date(2023, 8, 15)),
        ("cap-overrun", "example-g/separation", date(2023, 10, 18)),
        ("cap-overrun", "example-b/mining_rock", date(2023, 11, 15)),
    ],
)
def test_what_a_chapter_announces_happens_on_its_day(events: int, rule: str, subject: str, day: date) -> None:
    simulation = simulate(SimulationPlan(REGISTRY, events=events))
    noticed: dict[date, bool] = {}
    for simulated in simulation.days:
        if simulated.day in (day - timedelta(days=1), day):
            noticed[simulated.day] = any((a.rule, a.subject) == (rule, subject) for a in simulation.account.alerts)
        if simulated.day == day:
            break
    assert noticed == {day - timedelta(days=1): False, day: True}
