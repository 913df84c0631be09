"""When reports wait for others, and what they never hold up."""

from datetime import timedelta
from typing import Any

import pytest
from closing_talk import DAY, DEADLINE, MAY, closed, opened, report, service, the_month, told
from regulator_desk import MINE, Desk, an_allocation, desk, open_desk, send

from monazite_consumers.database import REGISTRY_LOCK
from monazite_consumers.errors import NotYetError
from monazite_consumers.reports import closing, snapshots
from monazite_consumers.reports.closing import close, preliminary
from monazite_consumers.rules.reports import NATION
from monazite_contracts.builders import a_production

__all__ = ["desk", "open_desk"]


async def test_whoever_closed_the_month_a_moment_earlier_does_not_end_the_service(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(await opened(desk), the_month())

    def quicker(*_: Any) -> str:
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
