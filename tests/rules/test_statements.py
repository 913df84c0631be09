"""Amendments: of rivals the earlier stands, voids are final, and what is out of place is noticed."""

from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import pytest
from regulator_desk import (
    ARRIVED_AT,
    Desk,
    Gateway,
    Json,
    a_draw,
    a_key,
    a_plant,
    again,
    an_allocation,
    an_enterprise,
    send,
    the_registry,
)
from rule_coverage import clears, fires

from monazite_consumers.rules.envelopes import Coordinate
from monazite_consumers.rules.statements import WITHDRAWN, Claim, History, outcomes_of, resolve
from monazite_contracts.builders import (
    MINE,
    a_correction,
    a_declaration,
    a_separation,
    a_target,
    a_void,
    an_assay_finalised,
    an_oxide_assay,
)
from monazite_contracts.envelope import canonical, event_hash
from monazite_contracts.events import EVENT, target_of
from monazite_contracts.receipts import Outcome

STATED = a_draw(100)


def reweighed(target: Json, reo_kg: int, record: str = "C-1", of: Json = STATED) -> Json:
    """A correction of the version that an event made, of what a first statement says."""
    mass = {"net_mass_kg": f"{reo_kg}.000", "claimed_reo_kg": f"{reo_kg}.000"}
    return a_correction(of, mass, record=record, target=a_target(target))


def voided(target: Json, record: str = "V-1") -> Json:
    return a_void(target, record=record)


# --- pure


def claim(event: Json, number: int) -> Claim:
    read = EVENT.validate_json(canonical(event))
    coordinate = Coordinate(ARRIVED_AT + timedelta(minutes=number), "plant-production", 0, 1, number)
    named = target_of(read)
    target = (str(named[0]), named[1]) if named else None
    hashed = event_hash(event)
    return Claim(number, 0, coordinate, MINE, event["id"], hashed, target, applied_before=False, event=read)


def resolved(*events: Json) -> History:
    root, *amendments = [claim(event, number) for number, event in enumerate(events)]
    return resolve(root, amendments)


def idle(history: History) -> dict[str, str]:
    return {each.event_id: rule for each, rule in history.idle}


def test_each_correction_amends_the_version_before_it() -> None:
    first = reweighed(STATED, 90)
    second = reweighed(first, 80, "C-2")
    history = resolved(STATED, first, second)
    assert [step.by.event_id for step in history.steps] == [first["id"], second["id"]]
    assert history.current.by.event_id == second["id"]
    assert history.idle == ()


def test_of_rivals_the_earlier_stands_in_whatever_order_they_are_given() -> None:
    early, late = claim(reweighed(STATED, 90), 1), claim(reweighed(STATED, 80, "C-2"), 2)
    for order in permutations((early, late)):
        history = resolve(claim(STATED, 0), order)
        assert (history.current.by, history.idle) == (early, ((late, "amendment-rival"),))


def test_what_amends_a_rival_is_a_rival_too() -> None:
    late = reweighed(STATED, 80, "C-2")
    follower = reweighed(late, 70, "C-3")
    history = resolved(STATED, reweighed(STATED, 90), late, follower)
    assert idle(history) == {late["id"]: "amendment-rival", follower["id"]: "amendment-rival"}


def test_a_rival_that_its_plant_has_voided_is_withdrawn() -> None:
    late = reweighed(STATED, 80, "C-2")
    history = resolved(STATED, reweighed(STATED, 90), late, voided(late))
    assert set(idle(history).values()) == {WITHDRAWN}


def test_an_amendment_of_a_version_that_never_was_is_no_part_of_the_history() -> None:
    stranger = a_void(STATED | {"time": "2023-05-05T06:00:01+08:00"})
    history = resolved(STATED, stranger)
    assert (history.steps, history.idle) == ((), ())


def test_of_one_record_id_the_earliest_is_applied_equal_ones_repeat_it_and_others_await() -> None:
    same, other = claim(STATED, 2), claim(a_draw(101), 1)
    found = outcomes_of([same, other, claim(STATED, 0)])
    assert list(found.values()) == [Outcome.APPLIED, Outcome.AWAITING, Outcome.DUPLICATE]


# --- through the deciding transaction


@fires("draw-amended")
@clears("draw-amended")
async def test_an_amended_draw_is_kept_as_evidence_alerts_nobody_and_goes_with_its_seal(desk: Desk) -> None:
    await desk.declare(the_registry(a_key(MINE, "gw-2")))
    await desk.receive(Gateway().send(STATED), Gateway(name="gw-2").send(reweighed(STATED, 90)))
    assert await amended(desk) == ["2023-05-04/mining_rock/output:-10000"]
    assert await desk.rules() == {"cap-not-issued"}
    await desk.declare(the_registry(a_key(MINE, "gw-2", revoked_from=ARRIVED_AT)))
    assert await amended(desk) == []
    assert await desk.drawn_g() == 100_000


async def amended(desk: Desk) -> list[str]:
    rows = await desk.connection.fetch("SELECT period FROM findings WHERE rule = 'draw-amended'")
    return [row["period"] for row in rows]


@fires("amendment-without-target")
@clears("amendment-without-target")
async def test_a_missing_target_settles_and_clears_when_it_comes(desk: Desk) -> None:
    await desk.declare(the_registry())
    await desk.receive(send(voided(STATED), at=ARRIVED_AT))
    await desk.watch(ARRIVED_AT + timedelta(minutes=14, seconds=59))
    assert await desk.rules() == set()
    await desk.watch(ARRIVED_AT + timedelta(minutes=15))
    assert await desk.rules() == {"amendment-without-target"}
    await desk.receive(send(STATED, at=ARRIVED_AT + timedelta(hours=1)))
    assert await desk.rules() == set()
    assert await desk.rules("recovered") == {"amendment-without-target"}
    assert await desk.drawn_g() == 0


async def test_another_plants_void_has_no_effect_and_decides_nothing_about_the_event_it_names(desk: Desk) -> None:
    await desk.declare(the_registry(*an_enterprise("other"), *a_plant("other-mine", "other")))
    await desk.receive(send(STATED), send(a_void(STATED, plant="other-mine")))
    await desk.watch(ARRIVED_AT + timedelta(days=1))
    assert await desk.drawn_g() == 100_000
    assert ("amendment-without-target", "other-mine", "2023-05") in await desk.alerts()


@fires("amendment-rival")
@clears("amendment-rival")
async def test_a_later_rival_is_flagged_until_its_plant_voids_it(desk: Desk) -> None:
    await desk.declare(the_registry())
    early, late = reweighed(STATED, 90), reweighed(STATED, 80, "C-2")
    await desk.receive(send(STATED), send(late, at=ARRIVED_AT + timedelta(hours=2)))
    assert await desk.drawn_g() == 80_000
    await desk.receive(send(early, at=ARRIVED_AT + timedelta(hours=1)))
    assert await desk.drawn_g() == 90_000
    assert "amendment-rival" in await desk.rules()
    await desk.receive(send(voided(late)))
    assert await desk.drawn_g() == 90_000
    assert "amendment-rival" in await desk.rules("retracted")


@fires("void-of-void")
@clears("void-of-void")
async def test_a_void_is_final_and_restating_does_not_unsay_the_attempt(desk: Desk) -> None:
    await desk.declare(the_registry(a_key(MINE, "gw-2")))
    void = voided(STATED)
    again_void = voided(void, "V-2")
    await desk.receive(send(STATED), send(void), Gateway(name="gw-2").send(again_void))
    await desk.receive(send(a_draw(100, "R-2")))
    assert await desk.drawn_g() == 100_000
    assert "void-of-void" in await desk.rules()
    await desk.declare(the_registry(a_key(MINE, "gw-2", revoked_from=ARRIVED_AT)))
    assert "void-of-void" in await desk.rules("retracted")


def out_of_scope() -> dict[str, tuple[Json, Json]]:
    separated, declared = a_separation(plant=MINE), a_declaration()
    metal = {"status": "final", "basis": "metal", "elements_pct": {"Nd": "75.0000"}}
    recovered = a_correction(separated, {"activity": "recovered", "origin": "recycled"})
    other_kind = a_correction(STATED, {}) | {}
    other_kind["data"] = other_kind["data"] | {
        "replacement": {"type": separated["type"], "data": separated["data"] | {"lot": f"{MINE}/R-1"}}
    }
    return {
        "activity": (separated, recovered),
        "kind": (STATED, other_kind),
        "month": (declared, a_correction(declared, {"month": "2023-04"})),
        "lot of another assay": (STATED, an_assay_finalised(STATED, lot=f"{MINE}/R-9")),
        "assay of another basis": (STATED, an_assay_finalised(STATED, assay=metal)),
    }


@pytest.mark.parametrize("what", out_of_scope())
@fires("amendment-out-of-scope")
async def test_plant_kind_and_counterparty_are_not_corrected(desk: Desk, what: str) -> None:
    statement, amendment = out_of_scope()[what]
    await desk.declare(the_registry())
    await desk.receive(send(statement), send(amendment))
    assert "amendment-out-of-scope" in await desk.rules()
    assert await desk.event_outcomes() == ["applied", "applied"]
    effective = "SELECT count(*) FROM events WHERE effective AND event_id = $1"
    assert await desk.connection.fetchval(effective, statement["id"]) == 1


@clears("amendment-out-of-scope")
async def test_what_is_out_of_scope_does_not_block_the_amendment_that_is_not(desk: Desk) -> None:
    statement, amendment = out_of_scope()["activity"]
    await desk.declare(the_registry(a_key(MINE, "gw-2")))
    await desk.receive(Gateway().send(statement), Gateway(name="gw-2").send(amendment), send(voided(statement)))
    assert await desk.drawn_g(kind="separation") == 0
    assert "amendment-out-of-scope" in await desk.rules(), "voiding and restating does not unsay the attempt"
    await desk.declare(the_registry(a_key(MINE, "gw-2", revoked_from=ARRIVED_AT)))
    assert "amendment-out-of-scope" in await desk.rules("retracted")


@fires("amendment-moves-year")
@clears("amendment-moves-year")
async def test_grams_moved_into_another_cap_are_a_persons_to_close(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1), a_key(MINE, "gw-2")))
    period = {"period": a_draw(1, day=date(2022, 12, 31))["data"]["period"]}
    moved = a_correction(STATED, period)
    await desk.receive(send(STATED), Gateway(name="gw-2").send(moved))
    assert [await desk.drawn_g(year=year) for year in (2022, 2023)] == [100_000, 0]
    assert (await desk.evidence("amendment-moves-year"))["measure"] == 100_000
    await desk.receive(send(voided(moved)))
    assert "amendment-moves-year" in await desk.rules(), "the void does not unsay it"
    await desk.declare(the_registry(an_allocation(1), a_key(MINE, "gw-2", revoked_from=ARRIVED_AT)))
    assert "amendment-moves-year" in await desk.rules("retracted"), "only what nobody sealed was never said"


async def test_the_period_of_an_alert_about_an_amendment_is_its_arrival_in_shanghai(desk: Desk) -> None:
    await desk.declare(the_registry())
    new_year = datetime(2023, 12, 31, 16, tzinfo=UTC)
    moved = a_correction(STATED, {"product": "ionic-oxide-concentrate"})
    await desk.receive(send(STATED), send(moved, at=new_year))
    assert ("amendment-moves-year", MINE, "2024") in await desk.alerts()


async def test_a_final_assay_replaces_the_provisional_one_and_draws_anew(desk: Desk) -> None:
    await desk.declare(the_registry())
    final = an_assay_finalised(STATED, assay=an_oxide_assay(treo_pct="50.0000"))
    await desk.receive(send(STATED), send(final))
    assert await desk.drawn_g() == 50_000
    assert (await desk.evidence("claimed-reo"))["measure"] == 50_000


@fires("event-conflict")
@clears("event-conflict")
async def test_another_content_under_one_record_id_awaits_until_the_earlier_is_taken_back(desk: Desk) -> None:
    await desk.declare(the_registry(a_key(MINE, "gw-2")))
    early = Gateway(name="gw-2").send(STATED, at=ARRIVED_AT)
    await desk.receive(Gateway().send(a_draw(70), at=ARRIVED_AT + timedelta(hours=1)))
    await desk.receive(early, again(early))
    assert await desk.event_outcomes() == ["applied", "awaiting event-conflict"]
    assert await desk.drawn_g() == 100_000
    assert "event-conflict" in await desk.rules()
    await desk.declare(the_registry(a_key(MINE, "gw-2", revoked_from=ARRIVED_AT)))
    assert await desk.drawn_g() == 70_000
    assert "event-conflict" in await desk.rules("retracted")
