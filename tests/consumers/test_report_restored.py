"""A database that was restored gives no number of a report or an outage to another content."""

from datetime import UTC, datetime
from typing import Any

import pytest
from closing_talk import DAY, DEADLINE, MAY, closed, everybody, opened, report, service, the_month, told
from regulator_desk import MINE, Desk, desk, open_desk

from monazite_consumers import database
from monazite_consumers.errors import NotReproducibleError
from monazite_consumers.relay.revisions import announce, read_back
from monazite_consumers.reports import closing
from monazite_consumers.reports.reproducing import reproduced
from monazite_consumers.reports.storing import canonical_bytes, newest_of
from monazite_consumers.rules.reports import NATION
from monazite_consumers.sql import statement
from monazite_contracts.alerts import ReportReady
from monazite_contracts.builders import a_production, a_void
from monazite_contracts.topics import REPORTS

__all__ = ["desk", "open_desk"]


def announced(revision: int, report_hash: str = "ab" * 32) -> ReportReady:
    """Of the nation's May."""
    return ReportReady(
        type="monazite.report-ready.v1", month=MAY, level="nation", subject="nation", revision=revision,
        hash=report_hash, ready_at=DEADLINE,
    )  # fmt: skip


async def published(desk: Desk) -> None:
    await desk.connection.execute("UPDATE outbox SET published_at = clock_timestamp()")


async def waiting(desk: Desk) -> list[tuple[str, int]]:
    return sorted((ready["level"], ready["revision"]) for topic, ready in await desk.told(REPORTS) if topic == REPORTS)


async def test_a_revision_that_was_announced_before_the_restore_is_not_given_again(desk: Desk) -> None:
    await closed(desk)
    await published(desk)
    stored = await newest_of(desk.connection, NATION, MAY)
    assert stored is not None
    await read_back(desk.connection, [announced(3), announced(2), announced(1, stored.hash)])
    assert (await report(desk)).revision == 1, "it was announced, and nothing contradicts it"
    await told(desk, [a_production(record="R-9", lot=f"{MINE}/R-9")], DEADLINE + DAY)
    assert await service(desk).pass_once(desk.connection)
    nation = await report(desk)
    assert (nation.revision, nation.compared_with) == (4, stored.before)
    assert (await report(desk, "plant", MINE)).revision == 2, "of that nothing else was announced"
    assert await reproduced(desk.connection, nation) == canonical_bytes(nation)
    assert (await desk.verify()).misfits == []


async def test_a_month_that_was_closed_before_the_restore_and_is_not_here_is_closed_under_a_number_of_its_own(
    desk: Desk,
) -> None:
    await told(await opened(desk), the_month())
    await read_back(desk.connection, [announced(2)])
    assert await service(desk).pass_once(desk.connection)
    first = await report(desk)
    assert (first.revision, first.differences, len(await everybody(desk))) == (3, (), 7)
    await told(desk, [a_void(a_production())], DEADLINE + DAY)
    assert await service(desk).pass_once(desk.connection)
    nation = await report(desk)
    assert (nation.revision, nation.amendments_total) == (4, 1)
    assert "amendment-after-report" in {line.rule for line in nation.conditions}
    assert await reproduced(desk.connection, first) == canonical_bytes(first)
    assert (await desk.verify()).misfits == []


async def test_what_was_drawn_up_before_the_restore_was_noticed_is_taken_back_and_drawn_up_anew(desk: Desk) -> None:
    await closed(desk)
    assert ("nation", 1) in await waiting(desk)
    await read_back(desk.connection, [announced(1)])
    assert await waiting(desk) == []
    assert await newest_of(desk.connection, NATION, MAY) is None
    assert await service(desk).pass_once(desk.connection)
    assert (await report(desk)).revision == 2
    assert ("nation", 1) not in await waiting(desk)
    assert ("nation", 2) in await waiting(desk)
    assert (await desk.verify()).misfits == []


async def test_what_the_topic_has_and_the_outbox_still_holds_stays(desk: Desk) -> None:
    await closed(desk)
    before = [canonical_bytes(each) for each in await everybody(desk)]
    rows = await desk.connection.fetch(
        "SELECT convert_from(value, 'UTF8') AS ready FROM outbox WHERE topic = $1", REPORTS
    )
    await read_back(desk.connection, [ReportReady.model_validate_json(row["ready"]) for row in rows])
    assert [canonical_bytes(each) for each in await everybody(desk)] == before
    assert not await service(desk).pass_once(desk.connection)


async def test_an_outage_takes_no_number_that_was_given_before_the_restore(desk: Desk) -> None:
    await closed(desk)
    nation = await report(desk)
    for told_of in (4, 3):
        await desk.connection.execute(statement("outages", "tell"), told_of)
    since = datetime(2023, 5, 2, tzinfo=UTC)
    assert await desk.connection.fetchval(statement("outages", "add"), since, since + DAY, "down") == 5
    lost = nation.model_copy(update={"position": nation.position.model_copy(update={"outage_revision": 4})})
    with pytest.raises(NotReproducibleError, match="outage 4, which is not recorded here"):
        await reproduced(desk.connection, lost)
    lost = nation.model_copy(update={"position": nation.position.model_copy(update={"registry_revision": 9})})
    with pytest.raises(NotReproducibleError, match="registry revision 9"):
        await reproduced(desk.connection, lost)
    assert await reproduced(desk.connection, nation) == canonical_bytes(nation)


async def test_a_topic_that_was_made_again_is_told_every_revision(desk: Desk) -> None:
    await closed(desk)
    await told(desk, [a_production(record="R-9", lot=f"{MINE}/R-9")], DEADLINE + DAY)
    assert await service(desk).pass_once(desk.connection)
    before = await waiting(desk)
    assert ("nation", 2) in before
    await published(desk)
    async with desk.connection.transaction():
        await announce(desk.connection)
    rows = await desk.connection.fetch("SELECT key, value FROM outbox WHERE published_at IS NULL ORDER BY publication")
    again = [ReportReady.model_validate_json(row["value"]) for row in rows]
    assert sorted((ready.level, ready.revision) for ready in again) == before
    assert [ready.revision for ready in again if ready.level == "nation"] == [1, 2]
    assert rows[-1]["key"].decode() == f"{again[-1].level}/{again[-1].subject}/{MAY}"


async def test_what_was_drawn_up_while_the_restore_was_noticed_is_not_stored(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await told(await opened(desk), the_month())
    shipped = closing.compute

    async def noticed_meanwhile(*given: Any) -> Any:
        basis = await shipped(*given)
        other = await database.connect(desk.url)
        await other.execute("UPDATE platform SET epoch = epoch + 1")
        await read_back(other, [announced(1)])
        await other.close()
        return basis

    with monkeypatch.context() as patched:
        patched.setattr(closing, "compute", noticed_meanwhile)
        assert not await service(desk).pass_once(desk.connection)
    assert await desk.connection.fetchval("SELECT count(*) FROM reports") == 0
    assert await service(desk).pass_once(desk.connection)
    assert (await report(desk)).revision == 2
