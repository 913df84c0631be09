"""When reports wait for others, and what they never hold up."""

from datetime import date, timedelta
from typing import Any

import pytest
from closing_talk import DAY, DEADLINE, MAY, closed, opened, report, service, the_month, told
from custody_talk import the_chain
from regulator_desk import MINE, Desk, an_allocation, an_enterprise, desk, open_desk, send

from monazite_consumers.database import REGISTRY_LOCK
from monazite_consumers.errors import NotYetError
from monazite_consumers.reports import closing, snapshots
from monazite_consumers.reports.closing import close, preliminary
from monazite_consumers.reports.turns import require_ended, require_turn
from monazite_consumers.rules.entries import Duty
from monazite_consumers.rules.reports import NATION
from monazite_contracts.builders import a_production
from monazite_contracts.times import INSTANT_MIN

__all__ = ["desk", "open_desk"]


async def test_whoever_closed_the_month_a_moment_earlier_does_not_end_the_service(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(await opened(desk), the_month())

    async def quicker(*_: Any) -> str:
        return MAY  # what the service found due before a person closed it

    await close(desk.connection, MAY)
    monkeypatch.setattr(closing, "due_month", quicker)
    assert not await service(desk).pass_once(desk.connection)
    assert (await report(desk)).revision == 1


async def test_nobody_holds_decisions_up_for_a_backlog_that_watch_has_not_passed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(await opened(desk), the_month())
    await desk.receive(send(a_production(record="R-9", lot=f"{MINE}/R-9")))
    monkeypatch.setattr(snapshots, "RESIDUE_MAX", 1)
    for draw_up in (close(desk.connection, MAY), preliminary(desk.connection, NATION, MAY)):
        with pytest.raises(NotYetError, match="custody is behind"):
            await draw_up
    assert not await service(desk).pass_once(desk.connection)
    await desk.follow()
    assert await service(desk).pass_once(desk.connection)


async def test_what_takes_custody_longer_than_thought_is_left_to_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(await opened(desk), the_month())
    await desk.receive(send(a_production(record="R-9", lot=f"{MINE}/R-9")))
    with monkeypatch.context() as patched:
        patched.setattr(snapshots, "PORTIONS_MAX", 1)
        with pytest.raises(NotYetError, match="not through after 1 portions"):
            await close(desk.connection, MAY)
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1"
    assert await desk.connection.fetchval(held, REGISTRY_LOCK & 0xFFFFFFFF) == 0
    assert await close(desk.connection, MAY) > 0


@pytest.mark.parametrize(("months_later", "revision"), [(0, 2), (1, 1)])
async def test_an_allocation_that_was_backdated_makes_a_revision_of_the_months_it_touches(
    desk: Desk, months_later: int, revision: int
) -> None:
    await closed(desk)
    since = (DEADLINE + timedelta(days=30 * months_later)).date().replace(day=1) - timedelta(days=1)
    backdated = an_allocation(5_000, since, batch="2", decision="backdated")
    await opened(desk, backdated)
    await told(desk, (), DEADLINE + DAY)
    await service(desk).pass_once(desk.connection)
    nation = await report(desk)
    assert nation.revision == revision, "what was granted in June is none of May's"
    if revision == 1:
        return
    stated = {(d.of, d.figure): (d.before, d.after) for d in nation.differences if d.topic == "caps"}
    assert stated["shihe / mining_rock", "granted_g"] == (40_000_000_000, 45_000_000_000)


def a_duty(enterprise: str, since: date) -> Any:
    return "duties", Duty(enterprise=enterprise, since=since, basis="R2")


async def closed_months(desk: Desk) -> list[str]:
    """All that the service closes by itself, in their order."""
    while await service(desk).pass_once(desk.connection):
        pass
    rows = await desk.connection.fetch("SELECT DISTINCT month FROM reports ORDER BY month")
    return [f"{row['month']:%Y-%m}" for row in rows]


async def test_a_month_that_nobody_owes_and_of_which_nothing_was_stated_is_not_closed_by_itself(desk: Desk) -> None:
    await desk.declare(the_chain(a_duty("nobodys-operator", date(2023, 3, 1)), *an_enterprise("nobodys-operator")))
    await told(desk, (), at=DEADLINE)
    assert await closed_months(desk) == []
    await told(desk, [a_production()], at=DEADLINE)
    assert await closed_months(desk) == [MAY], "something was stated of it"
    await desk.declare(the_chain(a_duty("shihe", date(2023, 3, 1)), *an_enterprise("nobodys-operator")))
    await told(desk, (), at=DEADLINE)
    assert await closed_months(desk) == ["2023-03", "2023-04", MAY], "somebody owes the others"


async def test_a_month_is_closed_by_hand_in_its_turn_only(desk: Desk) -> None:
    await told(await opened(desk), [a_production()], at=DEADLINE + 30 * DAY)
    for month, says in (
        ("2021-05", "it is not the turn of 2021-05: the next month to close is 2023-05."),
        ("2023-06", "it is not the turn of 2023-06: the next month to close is 2023-05."),
        ("2023-07", "2023-07 has not ended: the platform has judged until"),
    ):
        with pytest.raises(NotYetError, match=says):
            await require_turn(desk.connection, month)
    await require_turn(desk.connection, MAY)
    await close(desk.connection, MAY)
    with pytest.raises(NotYetError, match="2023-05 is closed already"):
        await require_turn(desk.connection, MAY)
    await require_turn(desk.connection, "2023-06")


async def test_where_nobody_has_to_report_months_are_closed_by_hand_from_the_first_that_was_told_of(desk: Desk) -> None:
    await desk.declare(the_chain())
    await told(desk, (), at=DEADLINE)
    with pytest.raises(NotYetError, match="no month that is over is left to close"):
        await require_turn(desk.connection, MAY)
    await told(desk, [a_production()], at=DEADLINE)
    await require_turn(desk.connection, MAY)


def test_an_empty_platform_says_so_and_names_no_instant() -> None:
    with pytest.raises(NotYetError, match="2023-05 has not ended: nothing has been received yet"):
        require_ended(INSTANT_MIN, MAY)
