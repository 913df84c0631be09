"""What makes revisions, whose they are and what they tell; how months wait for theirs, one by one."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from closing_talk import DAY, DEADLINE, MAY, closed, opened, receive, report, service, the_month, told
from custody_talk import SEPARATION, the_chain
from regulator_desk import MINE, Declared, Desk, a_key, an_allocation, an_enterprise, desk, key_id_of, open_desk, send

from monazite_consumers import metrics
from monazite_consumers.errors import NotYetError
from monazite_consumers.reports import closing
from monazite_consumers.reports.reproducing import reproduced
from monazite_consumers.reports.storing import canonical_bytes
from monazite_consumers.rules.entries import Duty, Membership, Plant
from monazite_contracts.builders import a_correction, a_production, a_void
from monazite_contracts.reports import Level, TraceabilityReport

__all__ = ["desk", "open_desk"]

THIRD = DEADLINE + 2 * DAY


async def proven(desk: Desk, level: Level = "nation", code: str = "nation", month: str = MAY) -> TraceabilityReport:
    """The newest revision, which the ledger gives again."""
    found = await report(desk, level, code, month)
    assert await reproduced(desk.connection, found) == canonical_bytes(found)
    return found


async def opened_as(desk: Desk, *more: Declared) -> list[Declared]:
    """A registry that a test changes; applied."""
    duties = [("duties", Duty(enterprise=code, since=date(2023, 5, 1), basis="R2")) for code in ("shihe", "baogang")]
    chain = the_chain(*duties, an_allocation(40_000), *more)
    await desk.declare(chain)
    return chain


async def revised(desk: Desk, *events: Any, at: datetime = DEADLINE + DAY) -> None:
    await told(desk, events, at)
    assert await service(desk).pass_once(desk.connection)


async def test_an_amendment_that_awaited_when_the_month_was_closed_is_told_by_the_revision_that_it_makes(
    desk: Desk,
) -> None:
    await told(await opened(desk), the_month())
    void = a_void(a_production())
    await receive(desk, send(void, key_id=key_id_of(MINE, number=2)))
    await desk.follow()
    assert await service(desk).pass_once(desk.connection)
    assert (await report(desk)).amendments_total == 0, "nobody vouched for it"
    await opened(desk, a_key(MINE, number=2))
    await revised(desk)
    second = await proven(desk)
    assert (second.revision, [(line.kind, line.event) for line in second.amendments]) == (
        2, [("void", a_production()["id"])],
    )  # fmt: skip
    await revised(desk, a_production(record="R-9", lot=f"{MINE}/R-9"), at=THIRD)
    assert ((await proven(desk)).revision, (await report(desk)).amendments_total) == (3, 0), "once"


async def test_an_amendment_that_awaited_when_a_month_was_revised_is_told_by_the_next_revision(desk: Desk) -> None:
    await closed(desk)
    await receive(desk, send(a_void(a_production()), key_id=key_id_of(MINE, number=2)))
    await revised(desk, a_production(record="R-9", lot=f"{MINE}/R-9"))
    assert ((await report(desk)).revision, (await report(desk)).amendments_total) == (2, 0)
    await opened(desk, a_key(MINE, number=2))
    await revised(desk, at=THIRD)
    assert ((await proven(desk)).revision, (await report(desk)).amendments_total) == (3, 1)


async def test_an_amendment_that_awaited_as_another_version_is_told_once_it_takes_the_place_of_the_first(
    desk: Desk,
) -> None:
    correction = a_correction(a_production(), {"net_mass_kg": "19000.000"}, record="C-1")
    other = a_correction(a_production(), {"net_mass_kg": "18500.000"}, record="C-1")
    await told(await opened(desk, a_key(MINE, number=2)), the_month())
    await receive(desk, send(correction, key_id=key_id_of(MINE, number=2)))
    await receive(desk, send(other))
    await desk.follow()
    assert await service(desk).pass_once(desk.connection)
    assert (await report(desk)).amendments_total == 1
    await opened(desk)
    await revised(desk)
    assert ((await proven(desk)).revision, (await report(desk)).amendments_total) == (2, 1), "the other version"


async def test_an_amendment_that_came_before_what_it_amends_is_told_once_it_has_an_effect(desk: Desk) -> None:
    late = a_production(record="R-9", lot=f"{MINE}/R-9")
    await closed(desk, a_correction(late, {"net_mass_kg": "19000.000"}, record="C-9"))
    assert (await report(desk)).amendments_total == 0, "it amends nothing yet"
    await revised(desk, late)
    assert [line.event for line in (await proven(desk)).amendments] == [late["id"]]
    assert "amendment-after-report" in {line.rule for line in (await report(desk)).conditions}, "both came too late"


async def test_of_what_was_compared_without_a_difference_nothing_is_kept(desk: Desk) -> None:
    chain = await opened_as(desk)
    await told(desk, the_month())
    await receive(desk, send(a_void(a_production()), key_id=key_id_of(MINE, number=2)))
    await desk.follow()
    assert await service(desk).pass_once(desk.connection)
    kept = "SELECT count(*) FROM awaited_by_reports"
    assert await desk.connection.fetchval(kept) == 1
    await desk.declare(renamed(chain, "another"))
    await revised(desk)
    assert await desk.connection.fetchval(kept) == 1, "no report refers to it"


async def test_of_whom_nothing_is_left_a_last_revision_says_so(desk: Desk) -> None:
    member = Membership(member="baogang", group="north", since=date(2023, 1, 1))
    chain = await opened_as(desk, *an_enterprise("north", "-"), ("memberships", member))
    await told(desk, the_month())
    assert await service(desk).pass_once(desk.connection)
    (province,) = {plant.province for plant in (await report(desk, "plant", SEPARATION)).plants}
    assert (await report(desk, "enterprise", "north")).flows
    moved = [
        (noun, entry.model_copy(update={"province": "gansu"}) if isinstance(entry, Plant) else entry)
        for noun, entry in chain
        if entry is not member
    ]
    await desk.declare(moved)
    await revised(desk)
    for level, code in (("province", province), ("enterprise", "north")):
        last = await proven(desk, level, code)  # type: ignore[arg-type]
        assert (last.revision, last.plants, last.flows) == (2, (), ())
        gone = {(d.topic, d.of, d.figure): (d.before, d.after) for d in last.differences}
        assert gone["plants", SEPARATION, "province"] == (province, None)
    assert (await report(desk, "province", "gansu")).revision == 1
    await told(desk, (), THIRD)
    await service(desk).pass_once(desk.connection)
    assert (await report(desk, "province", province)).revision == 2, "once"


async def three_months(desk: Desk) -> datetime:
    """May to July, closed; when the last was."""
    await closed(desk)
    at = DEADLINE
    for days in (30, 31):
        at += timedelta(days=days)
        await told(desk, (), at)
        while await service(desk).pass_once(desk.connection):
            pass
    assert (await report(desk, month="2023-07")).revision == 1
    return at


def waiting() -> float:
    return metrics.REPORT_MONTHS_WAITING._value.get()


async def test_what_is_late_in_an_early_month_is_compared_month_by_month_the_oldest_first(desk: Desk) -> None:
    at = await three_months(desk) + DAY
    await told(desk, [a_production(record="R-9", lot=f"{MINE}/R-9")], at)
    revisions = []
    for _ in range(3):
        assert await service(desk).pass_once(desk.connection)
        revisions.append((waiting(), [(await report(desk, month=m)).revision for m in (MAY, "2023-06", "2023-07")]))
    assert revisions == [(3, [2, 1, 1]), (2, [2, 2, 1]), (1, [2, 2, 2])]
    assert not await service(desk).pass_once(desk.connection)
    assert waiting() == 0


async def test_whoever_is_killed_between_two_months_goes_on_with_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = await three_months(desk) + DAY
    await told(desk, [a_production(record="R-9", lot=f"{MINE}/R-9")], at)
    assert await service(desk).pass_once(desk.connection)

    async def killed(*_: Any) -> int:
        raise NotYetError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(closing, "restate", killed)
        assert not await service(desk).pass_once(desk.connection)
    compared = []

    async def restate(connection: Any, month: str) -> int:
        compared.append(month)
        return await real(connection, month)

    real = closing.restate
    monkeypatch.setattr(closing, "restate", restate)
    while await service(desk).pass_once(desk.connection):
        pass
    assert compared == ["2023-06", "2023-07"]


async def test_a_month_that_is_restated_again_and_again_does_not_hold_up_those_after_it(desk: Desk) -> None:
    at = await three_months(desk) + DAY
    await told(desk, [a_production(record="R-8", lot=f"{MINE}/R-8")], at)
    assert await service(desk).pass_once(desk.connection)
    await told(desk, [a_production(record="R-9", lot=f"{MINE}/R-9")], at)
    while await service(desk).pass_once(desk.connection):
        pass
    assert [(await report(desk, month=month)).revision for month in (MAY, "2023-06", "2023-07")] == [2, 2, 2]
    assert waiting() == 3, "what came meanwhile waits for the next day"


def renamed(chain: list[Declared], name: str) -> list[Declared]:
    return [(n, e.model_copy(update={"name": name}) if isinstance(e, Plant) else e) for n, e in chain]


async def test_a_month_that_was_compared_and_had_not_changed_rests_for_a_day_too(desk: Desk) -> None:
    chain = await opened_as(desk)
    await told(desk, the_month())
    assert await service(desk).pass_once(desk.connection)
    await desk.declare(renamed(chain, "another"))
    await revised(desk)
    assert (await report(desk)).revision == 1, "names are no figures"
    await desk.declare(renamed(chain, "a third"))
    await told(desk, (), DEADLINE + DAY)
    assert not await service(desk).pass_once(desk.connection)
    assert waiting() == 1
    await revised(desk, at=THIRD)
    assert waiting() == 1
    assert not await service(desk).pass_once(desk.connection)
    assert waiting() == 0
