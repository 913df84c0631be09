"""What is owed, by whom, how it stands, what does not count as filed, and what the plant is told."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from custody_talk import RECYCLER, judged, of_custody
from owing_talk import DAY, DEADLINE, INSTANT, declare, due
from regulator_desk import (
    MINE,
    Declared,
    Desk,
    Gateway,
    Json,
    a_key,
    a_message,
    a_plant,
    an_enterprise,
    key_id_of,
    send,
    the_registry,
)

from monazite_consumers.rules.entries import Duty, Operation, Plant, Settings
from monazite_consumers.rules.obligations import Filing, Obligation, Status, owing, wording
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.unfiled import months_said
from monazite_contracts.builders import (
    a_correction,
    a_declaration,
    a_dispatch,
    a_flow_line,
    a_nil_declaration,
    a_production,
    a_signing_key,
    a_target,
    a_void,
)
from monazite_contracts.declarations import Declaration
from monazite_contracts.months import month_end
from monazite_contracts.receipts import ReceiptEntry

SECOND = timedelta(seconds=1)


@pytest.fixture
async def owed(desk: Desk) -> Desk:
    """The mine's enterprise owes flow records from May 2023 on."""
    await declare(desk)
    return desk


# --- who owes


def registry_of(*entries: Declared) -> Registry:
    return Registry.of(1, entries)


def a_duty(enterprise: str, since: date, until: date | None = None) -> Declared:
    return "duties", Duty(enterprise=enterprise, since=since, until=until, basis="R2")


def run_by(*turns: tuple[str, date, date | None]) -> list[Declared]:
    """The mill, run by one enterprise after the other."""
    operations: list[Declared] = [
        ("operations", Operation(plant="mill", enterprise=who, since=since, until=until)) for who, since, until in turns
    ]
    return [("plants", Plant(code="mill", name="mill", province="hunan")), *operations]


BEFORE, MIDDLE, AFTER = date(2020, 1, 1), date(2023, 5, 16), date(2023, 6, 1)


@pytest.mark.parametrize("kind", ["miner", "separator", "smelter", "recycler", "exporter"])
def test_whoever_has_the_duty_owes_whatever_it_does_and_nobody_else(kind: str) -> None:
    registry = registry_of(*an_enterprise(kind, "-"), *run_by((kind, BEFORE, None)), a_duty(kind, BEFORE))
    assert owing("mill", "2023-05", registry) == (kind,)
    assert owing("mill", "2023-05", registry_of(*run_by((kind, BEFORE, None)), a_duty("another", BEFORE))) == ()


@pytest.mark.parametrize(
    ("turns", "duties", "months"),
    [
        # changes hands in the middle of a month: one record, and who runs it last owes it
        ([("one", BEFORE, MIDDLE), ("two", MIDDLE, None)], [("one", BEFORE, None), ("two", BEFORE, None)],
         {"2023-04": ("one",), "2023-05": ("one", "two"), "2023-06": ("two",)}),
        ([("one", BEFORE, MIDDLE), ("two", MIDDLE, None)], [("one", BEFORE, None)],
         {"2023-04": ("one",), "2023-05": ("one",), "2023-06": ()}),
        # enters the register, or the duty, in the middle of a year
        ([("one", MIDDLE, None)], [("one", BEFORE, None)], {"2023-04": (), "2023-05": ("one",), "2023-06": ("one",)}),
        ([("one", BEFORE, None)], [("one", MIDDLE, None)], {"2023-04": (), "2023-05": ("one",), "2023-06": ("one",)}),
        ([("one", BEFORE, None)], [("one", AFTER, None)], {"2023-05": (), "2023-06": ("one",)}),
        # leaves it
        ([("one", BEFORE, None)], [("one", BEFORE, AFTER)], {"2023-05": ("one",), "2023-06": ()}),
        ([("one", BEFORE, MIDDLE)], [("one", BEFORE, None)], {"2023-05": ("one",), "2023-06": ()}),
        # comes back within a month
        ([("one", BEFORE, date(2023, 5, 5)), ("two", date(2023, 5, 5), MIDDLE), ("one", MIDDLE, None)],
         [("one", BEFORE, None), ("two", BEFORE, None)], {"2023-05": ("two", "one")}),
    ],
)  # fmt: skip
def test_a_month_is_owed_by_who_ran_the_plant_last_under_the_duty(
    turns: list[Any], duties: list[Any], months: dict[str, tuple[str, ...]]
) -> None:
    registry = registry_of(*run_by(*turns), *(a_duty(*duty) for duty in duties))
    assert {month: owing("mill", month, registry) for month in months} == months


async def test_each_plant_of_an_enterprise_is_owed_for_itself(desk: Desk) -> None:
    await declare(desk, a_duty("ganzhou", date(2023, 5, 1)))
    told = await judged(desk, a_nil_declaration(), at=DEADLINE)
    assert due(told) == []
    assert ("declaration-missing", RECYCLER, "2023-05") in told


# --- how it stands


def declaration_of(data: Json) -> Declaration:
    return Declaration.model_validate_json(orjson.dumps(data))


def an_obligation(*, filed_at: datetime | None = None, nil: bool = False, excused: bool = False) -> Obligation:
    data = (a_nil_declaration() if nil else a_declaration())["data"]
    filing = Filing(declaration_of(data), filed_at, (1, 0)) if filed_at is not None else None
    return Obligation(MINE, "2023-05", ("shihe",), DEADLINE, DEADLINE, excused, filing)


@pytest.mark.parametrize(
    ("obligation", "at", "status"),
    [
        (an_obligation(), DEADLINE - 3 * DAY - INSTANT, Status.NOT_DUE),
        (an_obligation(), DEADLINE - 3 * DAY, Status.REMINDED),
        (an_obligation(), DEADLINE - INSTANT, Status.REMINDED),
        (an_obligation(), DEADLINE, Status.MISSING),
        (an_obligation(excused=True), DEADLINE, Status.EXCUSED),
        (an_obligation(filed_at=DEADLINE - INSTANT), DEADLINE + DAY, Status.REPORTED),
        (an_obligation(filed_at=DEADLINE - INSTANT, nil=True), DEADLINE + DAY, Status.CONFIRMED_NIL),
        (an_obligation(filed_at=DEADLINE), DEADLINE + DAY, Status.LATE),
        (an_obligation(filed_at=DEADLINE, nil=True), DEADLINE + DAY, Status.LATE),
        (an_obligation(filed_at=DEADLINE, excused=True), DEADLINE + DAY, Status.REPORTED),
    ],
)
def test_every_state_of_an_obligation(obligation: Obligation, at: datetime, status: Status) -> None:
    assert obligation.status(at) is status


# --- what counts as filed


@pytest.mark.parametrize(("early", "told"), [(INSTANT * 1_000, []), (timedelta(), ["declaration-late"])])
async def test_what_arrives_at_the_deadline_is_late_and_just_before_it_is_not(
    owed: Desk, early: timedelta, told: list[str]
) -> None:
    await owed.receive(send(a_nil_declaration(), at=DEADLINE - early))
    alerts = await judged(owed, at=DEADLINE + DAY)
    assert [rule for rule, plant, _ in alerts if rule.startswith("declaration") and plant == MINE] == told


async def test_a_correction_after_the_deadline_makes_no_record_late(owed: Desk) -> None:
    said = a_nil_declaration()
    await owed.receive(send(said, at=DEADLINE - DAY))
    corrected = a_correction(said, {"nil": False, "lines": [a_flow_line()]})
    await owed.receive(send(corrected, at=DEADLINE + DAY))
    await owed.receive(
        send(a_correction(said, {"nil": True}, record="C-2", target=a_target(corrected)), at=DEADLINE + 2 * DAY)
    )
    alerts = await judged(owed, at=DEADLINE + 9 * DAY)
    assert not {rule for rule, _, period in alerts if period == "2023-05" and rule.startswith("declaration")}


async def test_a_record_that_turns_out_to_have_come_earlier_is_late_no_longer(owed: Desk) -> None:
    said = a_nil_declaration()
    corrected = a_correction(said, {"nil": False, "lines": [a_flow_line()]})
    await owed.receive(send(said, at=DEADLINE + DAY), send(corrected, at=DEADLINE + 2 * DAY))
    assert ("declaration-late", MINE) in of_custody(await judged(owed, at=DEADLINE + 3 * DAY))
    await owed.receive(send(said, at=DEADLINE - DAY))
    assert ("declaration-late", MINE) not in of_custody(await judged(owed, at=DEADLINE + 4 * DAY))


async def test_a_record_that_is_voided_is_missing_again(owed: Desk) -> None:
    said = a_nil_declaration()
    assert due(await judged(owed, said, at=DEADLINE)) == []
    await judged(owed, a_void(said), at=DEADLINE + DAY)
    assert "declaration-missing" in due(await owed.alerts())


async def not_filed(desk: Desk) -> list[tuple[str, str, str]]:
    """What the alert says that came and does not count."""
    alerts = await desk.alerts()
    (example,) = alerts["declaration-missing", MINE, "2023-05"]["evidence"]["examples"]
    return [(each["outcome"], each["rule"], each["arrived_at"]) for each in example.get("not_filed", [])]


ON_TIME = DEADLINE - DAY


async def test_a_rehearsal_files_nothing(owed: Desk) -> None:
    await owed.receive(send(a_nil_declaration(test=True), at=ON_TIME))
    assert "declaration-missing" in due(await judged(owed, at=DEADLINE))
    assert await not_filed(owed) == []


async def test_one_that_is_refused_is_not_filed_and_the_alert_says_so(owed: Desk) -> None:
    await owed.receive(send(a_declaration(nil=True), at=ON_TIME))
    assert "declaration-missing" in due(await judged(owed, at=DEADLINE))
    assert await not_filed(owed) == [("refused", "contradiction", ON_TIME.isoformat())]
    await judged(owed, a_nil_declaration(record="R-2"), at=DEADLINE + DAY)
    assert due(await owed.alerts()) == []


ENDED = month_end("2023-05")


async def test_one_that_came_before_its_month_was_over_is_not_filed_and_the_alert_says_so(owed: Desk) -> None:
    await owed.receive(send(a_nil_declaration(), at=ENDED - INSTANT * 1_000))
    assert "declaration-missing" in due(await judged(owed, at=DEADLINE))
    assert await not_filed(owed) == [("applied", "month-not-over", (ENDED - INSTANT * 1_000).isoformat())]


async def test_one_that_came_too_early_is_filed_when_it_is_first_amended_after_the_month(owed: Desk) -> None:
    said = a_nil_declaration()
    first = a_correction(said, {"nil": True}, record="C-1")
    await owed.receive(send(said, at=ENDED - DAY), send(first, at=ENDED))
    again = a_correction(said, {"nil": True}, record="C-2", target=a_target(first))
    await owed.receive(send(again, at=DEADLINE + DAY))
    alerts = await judged(owed, at=DEADLINE + 2 * DAY)
    assert not {rule for rule, _, period in alerts if period == "2023-05" and rule.startswith("declaration-")}


async def test_one_whose_month_cannot_be_read_is_told_of_the_month_that_was_due(owed: Desk) -> None:
    await owed.receive(send(a_declaration(month="May"), at=ON_TIME))
    await judged(owed, at=DEADLINE)
    assert [rule for _, rule, _ in await not_filed(owed)] == ["wrong-format"]


async def test_one_that_is_refused_after_the_alert_is_told_too(owed: Desk) -> None:
    await judged(owed, at=DEADLINE)
    assert await not_filed(owed) == []
    await owed.receive(send(a_declaration(nil=True), at=DEADLINE + DAY))
    await judged(owed, at=DEADLINE + 2 * DAY)
    assert [rule for _, rule, _ in await not_filed(owed)] == ["contradiction"]


async def test_one_that_awaits_a_registration_is_told_and_counts_from_its_arrival(owed: Desk) -> None:
    gateway = Gateway(MINE, "gw-9", "declarations", at=ON_TIME)
    message = gateway.send(a_nil_declaration(), at=ON_TIME)
    await owed.receive(message)
    await judged(owed, at=DEADLINE)
    assert await not_filed(owed) == [("awaiting", "source-unknown", ON_TIME.isoformat())]
    await declare(owed, a_key(MINE, "gw-9"))
    assert not {rule for rule, *_ in await judged(owed, at=DEADLINE + DAY) if rule.startswith("declaration")}


@pytest.mark.parametrize(("plant", "month"), [(MINE, "2001-01"), ("nobodys-mine", "2023-05")])
async def test_what_nobody_can_owe_puts_no_month_in_doubt(owed: Desk, plant: str, month: str) -> None:
    gateway = Gateway(plant, "gw-9", "declarations", at=ON_TIME)
    await judged(owed, at=DEADLINE)
    await owed.connection.execute("DELETE FROM restated_months")
    await owed.receive(gateway.send(a_nil_declaration(plant=plant, month=month), at=ON_TIME))
    await owed.follow()
    others = "SELECT count(*) FROM restated_months WHERE month < '2023-05-01' OR plant <> $1"
    assert await owed.connection.fetchval(others, MINE) == 0


async def test_one_that_conflicts_with_a_voided_record_is_told(owed: Desk) -> None:
    said = a_nil_declaration()
    await owed.receive(send(said, at=ON_TIME), send(a_void(said), at=ON_TIME + SECOND))
    await owed.receive(send(a_declaration(), at=ON_TIME + 2 * SECOND))
    await judged(owed, at=DEADLINE)
    assert [(outcome, rule) for outcome, rule, _ in await not_filed(owed)] == [("awaiting", "event-conflict")]


async def test_what_a_forger_sends_is_not_held_against_the_plant(owed: Desk) -> None:
    gateway = Gateway(MINE, "gw-1", "declarations")
    value = gateway.send(a_declaration(nil=True)).value
    forged = a_message(value, gateway.source, ON_TIME, key_id=key_id_of(MINE), signed_by=a_signing_key("a forger"))
    await owed.receive(forged)
    await judged(owed, at=DEADLINE)
    assert await not_filed(owed) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"", []),
        (b"\xff", []),
        (b"[]", []),
        (b'{"events": 7}', []),
        (b'{"events": [7, null, {"type": ["x"]}]}', [(0, "2023-05"), (1, "2023-05"), (2, "2023-05")]),
        (b'{"events": [{"data": {"month": "2023-02"}}]}', [(0, "2023-02")]),
        (b'{"events": [{"data": {"month": "2023-13"}}]}', [(0, "2023-05")]),
        (b'{"events": [{"data": {"replacement": {"data": {"month": "2022-12"}}}}]}', [(0, "2022-12")]),
        (b'{"events": [{"type": "monazite.stocktake.v1"}, {"type": "monazite.void.v1"}, {"test": true}]}', []),
    ],
)
def test_months_are_read_out_of_whatever_arrived(value: bytes, said: list[tuple[int, str]]) -> None:
    assert months_said(value, None, datetime(2023, 5, 31, 16, tzinfo=UTC))[1] == said


# --- what the plant is told


async def entries(desk: Desk, event: Json) -> list[ReceiptEntry]:
    """What receipts have said of an event, in their order."""
    found = [entry for receipt in await desk.receipts() for entry in receipt.entries]
    return [entry for entry in found if entry.event_id == event["id"]]


SAID_AT = datetime(2023, 6, 2, tzinfo=UTC)


async def stated(desk: Desk, *events: Json) -> None:
    """After the end of May, so that nothing lies in the future, and judged when it has settled."""
    for event in events:
        await desk.receive(send(event, at=SAID_AT))
    await judged(desk)


def wrong(**changes: str) -> Json:
    return a_flow_line(**({"shipped_kg": "17000.000", "closing_kg": "3000.000"} | changes))


async def test_a_difference_goes_back_in_the_receipt_and_so_does_its_end(owed: Desk) -> None:
    said = a_declaration(record="M-1", lines=[wrong()])
    await stated(owed, a_production(), a_dispatch(record="D-1"), said)
    (entry,) = await entries(owed, said)
    assert (entry.outcome, entry.flagged, entry.rule) == ("applied", True, "declaration-differs")
    assert entry.field == "data.lines.0.shipped_kg"
    assert "bastnaesite-concentrate shipped: declared 17000.000 kg, by events 18000.000 kg;" in (entry.remedy or "")
    corrected = a_correction(said, {"lines": [a_flow_line()]})
    await stated(owed, corrected)
    assert [(e.flagged, e.rule) for e in await entries(owed, said)] == [(True, "declaration-differs"), (False, None)]
    assert [e.flagged for e in await entries(owed, corrected)] == []


async def test_a_difference_in_a_correction_names_the_field_there(owed: Desk) -> None:
    said = a_declaration(record="M-1")
    corrected = a_correction(said, {"lines": [wrong()]})
    await stated(owed, a_production(), a_dispatch(record="D-1"), said, corrected)
    assert [e.field for e in await entries(owed, corrected)] == ["data.replacement.data.lines.0.shipped_kg"]
    assert await entries(owed, said) == []


async def test_a_difference_is_told_once_it_has_settled_and_only_then(owed: Desk) -> None:
    said = a_declaration(record="M-1")
    await owed.receive(send(said, at=SAID_AT))
    await judged(owed, at=SAID_AT + timedelta(minutes=15) - INSTANT)
    assert await entries(owed, said) == []
    await judged(owed, at=SAID_AT + timedelta(minutes=15))
    assert [e.flagged for e in await entries(owed, said)] == [True]
    await judged(owed, at=SAID_AT + DAY)
    assert len(await entries(owed, said)) == 1, "nothing has changed"
    await judged(owed, a_production(), a_dispatch(record="D-1"), at=SAID_AT + 2 * DAY)
    assert [e.flagged for e in await entries(owed, said)] == [True, False]


async def test_what_differs_otherwise_is_told_anew(owed: Desk) -> None:
    said = a_declaration(record="M-1")
    await stated(owed, said)
    await stated(owed, a_production())
    fields = [e.field for e in await entries(owed, said)]
    assert fields == ["data.lines.0.made_kg", "data.lines.0.shipped_kg"]


async def test_what_else_is_noticed_in_a_declaration_stays_in_its_receipt(owed: Desk) -> None:
    said = a_declaration(record="M-1")
    await owed.receive(send(said, at=datetime(2024, 1, 19, tzinfo=UTC)))
    await judged(owed, at=datetime(2024, 1, 20, tzinfo=UTC))
    await judged(owed, a_void(said), at=datetime(2024, 1, 21, tzinfo=UTC))
    rules = [e.rule for e in await entries(owed, said)]
    assert rules[0] == "event-long-past"
    assert rules[1] == "declaration-differs"


@pytest.mark.parametrize("nil_first", [True, False])
async def test_of_two_records_that_arrive_at_one_instant_the_later_one_in_the_log_holds(
    owed: Desk,
    nil_first: bool,  # noqa: FBT001
) -> None:
    said = [a_nil_declaration(record="N-1"), a_declaration(record="N-2")]
    await owed.receive(send(*(said if nil_first else said[::-1]), at=SAID_AT))
    told = await judged(owed, a_production(), a_dispatch(record="D-1"))
    assert (("declaration-differs", MINE) in of_custody(told)) is not nil_first


async def test_a_record_that_came_before_its_month_was_over_is_not_held_against_it(owed: Desk) -> None:
    said = a_nil_declaration(record="M-1")
    await owed.receive(send(said, at=ENDED - DAY), send(a_production(), at=ENDED - DAY))
    assert ("declaration-differs", MINE) not in of_custody(await judged(owed, at=ENDED - DAY / 2))
    await owed.receive(send(a_correction(said, {"nil": True}), at=ENDED))
    assert ("declaration-differs", MINE) in of_custody(await judged(owed, at=ENDED + DAY))


async def test_a_rebuild_tells_nobody_anything_again(owed: Desk) -> None:
    said = a_declaration(record="M-1")
    await stated(owed, said)
    await owed.rebuild(keep=True)
    await owed.follow()
    assert len(await entries(owed, said)) == 1


async def test_receipts_about_differences_are_verified_like_all_others(owed: Desk) -> None:
    await stated(owed, a_declaration(record="M-1"))
    assert await owed.misfits() == []


def test_what_fits_into_a_receipt_is_worded_and_the_rest_counted() -> None:
    declared = declaration_of(a_declaration()["data"])
    line = {"product": "bastnaesite-concentrate", "column": "closing", "declared_g": 2_000_000, "computed_g": -1_500}
    path, remedy = wording(declared, [line] * 5, 9)
    assert path == "data.lines.0.closing_kg"
    assert remedy.endswith("declared 2000.000 kg, by events -1.500 kg; and 6 more.")
    assert wording(declared, [line | {"product": "dysprosium-oxide"}], 1)[0] == "data.lines"


# --- the setting of the deadline holds for reminders, too


async def test_reminders_move_with_the_deadline(owed: Desk) -> None:
    await declare(owed, ("settings", Settings(deadline_moves_on_holidays=True)))  # 10 June 2023 is a Saturday
    moved = DEADLINE + 2 * DAY
    assert due(await judged(owed, at=moved - 3 * DAY - INSTANT)) == []
    assert due(await judged(owed, at=moved - 3 * DAY)) == ["declaration-due-3"]


async def test_a_plant_that_owes_nothing_may_declare_all_the_same(desk: Desk) -> None:
    await desk.declare(the_registry(*an_enterprise("baogang"), *a_plant("shihe-separation", "baogang")))
    told = await judged(desk, a_nil_declaration(), at=DEADLINE + DAY)
    assert not {rule for rule, *_ in told if rule.startswith("declaration")}
