"""What takes longer than a statement may: large batches are halved until they are decided, and nothing is parked."""

import asyncio
from typing import Any

import pytest
from regulator_desk import Desk, Gateway, a_draw, the_registry

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
