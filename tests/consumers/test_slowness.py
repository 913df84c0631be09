"""What takes longer than a statement may: large batches and portions are halved, and nothing is parked or set aside."""

import asyncio
from typing import Any

import pytest
from regulator_desk import Desk, Gateway, a_draw, send, the_registry

from monazite_consumers.custody import following
from monazite_consumers.custody.following import Custody
from monazite_consumers.health import Health
from monazite_consumers.intake.consuming import Intake

DAWDLE = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM added) > 2 THEN PERFORM pg_sleep(3600); END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER dawdle AFTER INSERT ON ledger REFERENCING NEW TABLE AS added FOR EACH STATEMENT
EXECUTE FUNCTION dawdle();
"""
"""More than two messages in one transaction take longer than any statement may."""


async def test_a_batch_too_slow_for_the_statement_timeout_makes_progress_in_smaller_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry())
    await desk.connection.execute(DAWDLE)
    tried: list[int] = []
    shipped = Intake._decide

    async def impatient(intake: Intake, arrivals: Any, *rest: Any) -> Any:
        if intake._connection is None or intake._connection.is_closed():
            intake._connection = await intake._connect()
        await intake._connection.execute("SET statement_timeout = '5s'")
        tried.append(len(arrivals))
        return await shipped(intake, arrivals, *rest)

    monkeypatch.setattr(Intake, "_decide", impatient)
    gateway = Gateway()
    try:
        async with asyncio.timeout(120):
            await desk.consume(*[gateway.send(a_draw(10, f"R-{n}")) for n in range(4)])
    finally:
        await desk.connection.execute("DROP FUNCTION dawdle CASCADE")  # the database is every test's
    assert tried == [4, 2, 2]
    assert await desk.outcomes() == ["applied"] * 4, "nothing is parked: it was no fault of ours"
    assert await desk.drawn_g() == 40_000
    assert (await desk.reconcile()).reconciled


CANCEL = """
CREATE FUNCTION cancel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM added) > 2 THEN
        RAISE 'canceling statement due to statement timeout' USING ERRCODE = 'query_canceled';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER cancel AFTER INSERT ON moves REFERENCING NEW TABLE AS added FOR EACH STATEMENT
EXECUTE FUNCTION cancel();
"""
"""More than two moves in one portion take longer than any statement may."""


async def test_a_portion_too_slow_for_the_statement_timeout_makes_progress_in_smaller_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.declare(the_registry())
    await desk.follow()
    for number in range(8):
        await desk.receive(send(a_draw(1, f"R-{number}")))
    await desk.watching.pass_once(desk.connection)
    tried: list[int] = []
    shipped, custody = following.portion, Custody(desk.url, Health())

    async def noted(connection: Any, registry: Any, platform: Any, share: Any) -> Any:
        tried.append(share.events)
        return await shipped(connection, registry, platform, share)

    async def at_once(_: int) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(following, "portion", noted)
    monkeypatch.setattr(following, "back_off", at_once)
    custody.events_max = 8
    await desk.connection.execute(CANCEL)
    running = asyncio.create_task(custody.run())
    try:
        async with asyncio.timeout(120):
            while await desk.connection.fetchval("SELECT count(*) FROM moves") < 8:  # noqa: ASYNC110 - PostgreSQL tells nobody
                await asyncio.sleep(0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await desk.connection.execute("DROP FUNCTION cancel CASCADE")  # the database is every test's
    assert tried[:3] == [8, 4, 2]
    assert tried[3] > 2, "a little more after each success"
    assert await desk.connection.fetchval("SELECT count(*) FROM custody_findings") == 0, "it was no fault of ours"
