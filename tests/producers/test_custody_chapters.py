"""The stories of custody and flow records: what invented plants say, and that ordinary ones declare what they did."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from monazite_contracts.months import day_of, month_of
from monazite_contracts.opening import open_value
from monazite_contracts.quantities import grams

STORIES = {
    ("shipment-short", "example-q-mine-1", "recovered"),
    ("shipment-over", "example-q-mine-1", "raised"),
    ("shipment-refused", "example-q-mine-1", "raised"),
    ("shipment-overdue", "example-r-separation-1", "raised"),
    ("receipt-without-dispatch", "example-r-separation-1", "raised"),
    ("declaration-due-3", "example-e-mine-1", "recovered"),
    ("declaration-late", "example-e-mine-1", "raised"),
    ("declaration-missing", "example-s-mine-1", "recovered"),
    ("declaration-late", "example-s-mine-1", "raised"),
    ("declaration-due-3", "example-t-mine-1", "raised"),
    ("declaration-due-1", "example-t-mine-1", "raised"),
    ("declaration-missing", "example-t-mine-1", "raised"),
    ("declaration-escalated", "example-t-mine-1", "raised"),
    ("declaration-differs", "example-v-mine-1", "recovered"),
    ("lot-unreported", "example-w-separation-1", "raised"),
    ("lot-overdrawn", "example-w-separation-1", "raised"),
    ("origin-unlawful", "example-w-separation-1", "raised"),
    ("declaration-differs", "example-w-separation-1", "raised"),
    ("recovery-recovered", "example-x-recycler-1", "raised"),
    ("licence-overdrawn", "example-y", "raised"),
}
LATE = {("example-e-mine-1", "2023-06"), ("example-s-mine-1", "2023-05")}
NEVER = {("example-t-mine-1", "2023-10")}


def said(year: Any, plant: str = "", kind: str = "") -> Iterator[tuple[date, Any]]:
    """The day of arrival and the event, of one plant, of one kind."""
    for message in year.messages:
        if not message.key.decode().startswith(f"{plant}/" if plant else ""):
            continue
        for event in (opened.event for opened in open_value(message.value).events):
            if event is not None and kind in event.type:
                yield day_of(message.at), event


@pytest.mark.parametrize("events", [2_000, 20_000])
@pytest.mark.parametrize("seed", [71, 7])
def test_every_story_of_custody_and_flow_records_is_in_every_year(play: Any, events: int, seed: int) -> None:
    told = {(alert.rule, alert.subject, alert.condition) for alert in play(events, seed).account.alerts}
    assert told >= STORIES


def test_who_runs_a_plant_owes_its_flow_records_but_for_magnet_makers(small: Any) -> None:
    # The real holders' own duties begin with Order 71, long after the year that is played.
    obliged = {duty["enterprise"] for duty in small.registry["duties"] if str(duty["since"]) < "2024"}
    runs = {entry["enterprise"] for entry in small.registry["operations"]}
    assert {enterprise for enterprise in runs - obliged if "magnet" not in enterprise} == set()
    assert obliged <= runs


def test_every_plant_declares_every_month_before_it_is_reminded_but_for_those_of_the_stories(small: Any) -> None:
    arrived: dict[tuple[str, str], date] = {}
    for day, event in said(small, kind="declaration"):
        arrived.setdefault((event.source, event.data.month), day)
    plants = {plant["code"] for plant in small.registry["plants"]}
    owed = {(plant, f"2023-{month:02d}") for plant in plants for month in range(1, 13)}
    assert owed - set(arrived) == NEVER
    assert {key for key, day in arrived.items() if day.day > 7} == LATE


def test_u_confirms_six_months_as_nil_and_then_mines(small: Any) -> None:
    nil = {event.data.month: event.data.nil for _, event in said(small, "example-u-mine-1", "declaration")}
    assert [month for month, is_nil in nil.items() if is_nil] == [f"2023-{month:02d}" for month in range(1, 7)]
    assert sum(1 for _ in said(small, "example-u-mine-1", "production")) > 0


def test_v_declares_less_than_it_made_and_corrects_the_record(small: Any) -> None:
    declared = [
        event.data for _, event in said(small, "example-v-mine-1", "declaration") if event.data.month == "2023-07"
    ]
    (corrected,) = (event.data.replacement.data for _, event in said(small, "example-v-mine-1", "correction"))
    assert corrected.month == "2023-07"
    assert grams(declared[0].lines[0].made_kg) < grams(corrected.lines[0].made_kg)


def test_goods_on_the_road_to_r_are_found_in_every_way(small: Any) -> None:
    outcomes = Counter(event.data.outcome for _, event in said(small, "example-r-separation-1", "received"))
    assert {"short", "over", "refused", "partly_refused"} <= set(outcomes)
    sent = {event.data.waybill for _, event in said(small, "example-q-mine-1", "dispatched")}
    found = defaultdict(set)
    for _, event in said(small, kind="received"):
        found[event.data.waybill].add(event.source)
    (redirected,) = (event.data for _, event in said(small, "example-q-mine-1", "destination-changed"))
    assert found[redirected.waybill] == {"example-a-separation-1"} == {redirected.consignee.plant}
    unsent = {waybill for waybill in found if waybill.startswith("EXAMPLE-Q")} - sent
    assert [found[waybill] for waybill in unsent] == [{"example-r-separation-1"}]
    expected = [event.data for _, event in said(small, "example-q-mine-1", "dispatched") if event.data.expected_at]
    assert [found.get(dispatch.waybill) for dispatch in expected] == [None]


def test_w_uses_a_lot_that_nobody_reported(small: Any) -> None:
    used = {line.lot for _, event in said(small, "example-w-separation-1", "production") for line in event.data.inputs}
    named = {getattr(event.data, "lot", "") for _, event in said(small, "example-w-separation-1")}
    assert {lot for lot in used if lot.startswith("example-w")} - named == {"example-w-separation-1/UNREPORTED-1"}


def test_x_recovers_more_than_its_scrap_holds_when_its_separation_cap_is_nearly_drawn(small: Any) -> None:
    account = small.account
    assert ("cap-95", "example-x/separation") in {(alert.rule, alert.subject) for alert in account.alerts}
    miracles = [
        event.data.period.end.month
        for _, event in said(small, "example-x-recycler-1", "production")
        if grams(event.data.net_mass_kg) > sum(grams(line.net_mass_kg) for line in event.data.inputs)
    ]
    assert miracles == [11, 11, 11]


def test_y_exports_within_its_licence_until_it_does_not(small: Any) -> None:
    (licence,) = small.registry["licences"]
    exported = [
        sum(grams(line.net_mass_kg) for line in event.data.lines)
        for _, event in said(small, "example-y-separation-1", "dispatched")
        if event.data.export is not None
    ]
    assert sum(exported[:2]) <= grams(licence["net_mass_kg"]) < sum(exported)


Moves = dict[tuple[str, str], Counter[str]]


def moved(year: Any) -> Moves:
    """What each ordinary plant's events say of each month, by product and column."""
    products: dict[str, str] = {}
    found: Moves = defaultdict(Counter)
    for _, event in said(year, kind="monazite"):
        data, plant = event.data, event.source
        if hasattr(data, "product"):
            products[data.lot] = data.product
        kind = event.type.split(".")[1]
        if plant.startswith("example-") or kind == "declaration":
            continue
        at = data.period.start if kind == "production" else next(v for k, v in vars(data).items() if k.endswith("_at"))
        month = found[plant, month_of(at)]
        if hasattr(data, "product"):
            month[f"{data.product} {_COLUMNS[kind]}"] += grams(data.net_mass_kg)
        for line in getattr(data, "inputs", ()):
            month[f"{line.product} used"] += grams(line.net_mass_kg)
        for line in getattr(data, "lines", ()):
            mass_kg = line.net_mass_kg if kind == "dispatched" else line.accepted_kg
            month[f"{products[line.lot]} {_COLUMNS[kind]}"] += grams(mass_kg)
    return found


_COLUMNS = {
    "production": "made", "import": "in", "scrap-intake": "in", "opening-inventory": "opening",
    "received": "in", "dispatched": "shipped",
}  # fmt: skip


def test_an_ordinary_plant_declares_what_its_events_say(play: Any) -> None:
    year = play(5_000)
    events = moved(year)
    compared = 0
    for _, event in said(year, kind="declaration"):
        if event.source.startswith("example-"):
            continue
        declared: Counter[str] = Counter()
        for line in event.data.lines:
            for column in ("in", "made", "used", "shipped"):
                declared[f"{line.product} {column}"] = grams(getattr(line, f"{column}_kg"))
        told = Counter({name: g for name, g in events[event.source, event.data.month].items() if "opening" not in name})
        assert +declared == +told, (event.source, event.data.month)
        compared += len(+declared)
    assert compared > 500
