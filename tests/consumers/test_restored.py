"""A restored database decides nothing until its registry is back, or somebody has answered for the one it has."""

from datetime import UTC, datetime, timedelta

import orjson
import pytest
from regulator_desk import Desk, a_draw, an_allocation, send, the_registry

from monazite_consumers.decisions.snapshot import remember
from monazite_consumers.errors import RestoredError
from monazite_consumers.queries import notices
from monazite_consumers.registry.confirming import confirm
from monazite_consumers.sql import statement

NOON = datetime(2023, 5, 6, 12, tzinfo=UTC)


async def restored(desk: Desk) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.connection.execute(statement("platform", "restored"), 2, b"another registry".ljust(32))


async def in_force(desk: Desk) -> bytes:
    return bytes((await desk.connection.fetchrow(statement("registry", "revision")))["digest"])


async def test_neither_intake_nor_watch_decides_in_a_restored_database(desk: Desk) -> None:
    await restored(desk)
    with pytest.raises(RestoredError):
        await desk.receive(send(a_draw(1)))
    with pytest.raises(RestoredError):
        await desk.watch(NOON)
    assert await desk.drawn_g() == 0
    assert any("RESTORED" in said for said in await notices(desk.connection))


async def test_somebody_answers_for_another_registry_in_a_revision_without_changes(desk: Desk) -> None:
    await restored(desk)
    digest = await in_force(desk)
    assert await confirm(desk.connection, "Li", NOON)
    row = await desk.connection.fetchrow("SELECT * FROM registry_revisions ORDER BY revision DESC LIMIT 1")
    assert (row["revision"], row["applied_by"], row["digest"]) == (2, "Li", digest)
    found = await desk.connection.fetchrow(statement("platform", "standing"), None, None)
    assert found["awaited_digest"] == found["digest"] == digest, "the relay tells everything and opens the gate"


async def test_nobody_answers_for_a_database_that_was_not_restored(desk: Desk) -> None:
    await desk.declare(the_registry())
    assert not await confirm(desk.connection, "Li", NOON)
    assert await desk.connection.fetchval("SELECT count(*) FROM registry_revisions") == 1


async def test_an_alert_that_only_the_topic_remembers_is_judged_again_after_the_settle_time(
    desk: Desk,
) -> None:
    await desk.declare(the_registry(an_allocation(1)))
    await desk.receive(send(a_draw(850)))
    told = [message for _, message in await desk.told("regulator-alerts") if message["rule"] == "cap-80"]
    await desk.reset()
    await desk.declare(the_registry(an_allocation(1)))
    await remember(desk.connection, [orjson.dumps(message) for message in told])
    assert await desk.rules() == {"cap-80"}, "as it was told"
    await desk.connection.execute(statement("platform", "reopen"), NOON)
    await desk.watch(NOON - timedelta(minutes=1))
    assert await desk.rules() == {"cap-80"}, "what Kafka has kept may still raise it"
    await desk.watch(NOON)
    assert await desk.rules("retracted") == {"cap-80"}
    assert [message["revision"] for _, message in await desk.told("regulator-alerts")] == [2]
    await desk.receive(send(a_draw(850)))
    assert await desk.rules() == {"cap-80"}
