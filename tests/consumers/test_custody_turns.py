"""Custody beside intake: it stands back while intake works, never starves, and shows what waits for it."""

import pytest
from custody_talk import LOT, chain
from owing_talk import DAY, DEADLINE, declare, due
from prometheus_client import REGISTRY
from regulator_desk import Desk, a_draw, send

from monazite_consumers import clock
from monazite_consumers.custody import turns
from monazite_consumers.custody.measuring import Backlog
from monazite_consumers.custody.turns import PORTIONS_MIN, REST_MAX_S, Judging, Turns
from monazite_consumers.sql import statement
from monazite_contracts.builders import a_dispatch, a_loss, a_nil_declaration, a_production

__all__ = ["chain"]


def test_custody_rests_as_long_as_it_worked_while_messages_come_and_no_longer_than_its_limit() -> None:
    rests = Turns()
    assert rests.rest_s(5, 0.4) == 0, "nothing is known yet"
    assert rests.rest_s(9, 0.4) == 0.4
    assert rests.rest_s(10, 7.0) == REST_MAX_S
    assert rests.rest_s(10, 7.0) == 0, "intake is idle"


def test_however_long_intake_is_busy_custody_has_half_of_the_time() -> None:
    rests, worked_s, rested_s = Turns(), 0.0, 0.0
    for number in range(1, 1_000):
        took_s = number % 7 / 2
        worked_s += took_s
        rested_s += rests.rest_s(number, took_s)
    assert 0 < rested_s <= worked_s


async def test_the_number_of_the_newest_message_grows_with_what_intake_decides(chain: Desk) -> None:
    await chain.receive(send(a_production()))
    before = await chain.connection.fetchval(statement("following", "numbered"))
    await chain.receive(send(a_production(record="R-2")))
    assert await chain.connection.fetchval(statement("following", "numbered")) == before + 1


def waiting(what: str) -> float | None:
    return REGISTRY.get_sample_value("monazite_custody_waiting", {"what": what})


async def test_what_waits_for_custody_is_shown_and_what_it_did_is_counted(chain: Desk) -> None:
    def handled(noun: str) -> float:
        return REGISTRY.get_sample_value("monazite_custody_handled_total", {"what": noun}) or 0

    await chain.follow()
    before = {noun: handled(noun) for noun in ("event", "lot", "shipment")}
    for said in (a_production(), a_dispatch(record="D-1"), a_loss(record="L-1", lot=LOT)):
        await chain.receive(send(said))
    await Backlog().measure(chain.connection)
    assert (waiting("message") or 0) >= 3
    await chain.follow()
    assert handled("event") - before["event"] == 3
    assert handled("lot") > before["lot"]
    assert handled("shipment") > before["shipment"]
    await Backlog().measure(chain.connection)
    assert [waiting(what) for what in ("message", "event", "lot", "shipment", "licence", "month")] == [0] * 6


@pytest.mark.parametrize("noun", ["lot", "shipment", "licence", "month"])
async def test_what_is_in_doubt_waits(chain: Desk, noun: str) -> None:
    await chain.follow()
    await chain.connection.execute("INSERT INTO doubts VALUES ($1, 'x 2023-05')", noun)
    await Backlog().measure(chain.connection)
    assert waiting(noun) == 1


async def test_a_registry_change_before_anything_was_said_leaves_nothing_to_do(chain: Desk) -> None:
    assert await chain.connection.fetchval("SELECT count(*) FROM sweeps") == 2
    await chain.follow()
    assert await chain.connection.fetchval(statement("following", "caught_up"))


# --- months, while intake is ahead for ever


async def ahead(desk: Desk) -> None:
    """One portion of custody, and more messages than it has followed."""
    for _ in range(2):
        messages = await desk.connection.fetchval("SELECT count(*) FROM ledger")
        await desk.receive(send(a_draw(1, f"A-{messages}")))
    await desk.watching.pass_once(desk.connection)
    await desk.custody.pass_once(desk.connection)


async def test_months_are_judged_however_far_intake_is_ahead(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await declare(desk)
    await desk.watch(DEADLINE - DAY)
    await desk.follow()
    monkeypatch.setattr(desk.custody, "events_max", 1)
    monkeypatch.setattr(turns, "PORTIONS_MIN", 3)
    monkeypatch.setattr(desk.custody, "_judging", Judging())
    for _ in range(3):
        await ahead(desk)
    unread = send(a_nil_declaration(), at=DEADLINE - DAY)
    await desk.receive(unread)
    await desk.watch(DEADLINE + DAY)
    for _ in range(20):
        await ahead(desk)
        assert await desk.connection.fetchval("SELECT message < (SELECT max(message) FROM ledger) FROM following")
        assert "declaration-missing" not in due(await desk.alerts(None)), "its record is here, and not followed yet"
    assert due(await desk.alerts()) == []
    assert set(due(await desk.alerts("recovered"))) <= {"declaration-due-3", "declaration-due-1"}


async def test_who_files_nothing_is_missing_however_far_intake_is_ahead(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await declare(desk)
    monkeypatch.setattr(desk.custody, "events_max", 1)
    monkeypatch.setattr(turns, "PORTIONS_MIN", 3)
    monkeypatch.setattr(desk.custody, "_judging", Judging())
    for _ in range(3):
        await ahead(desk)
    await clock.drive(desk.connection, DEADLINE)
    for _ in range(12):
        await ahead(desk)
        assert not await desk.connection.fetchval(statement("following", "caught_up"))
    assert "declaration-missing" in due(await desk.alerts())


def test_new_messages_have_as_many_portions_as_they_stood_back_for() -> None:
    judging = Judging()

    def portions(*, last: int) -> int:
        """Until it is the other's turn; the last so many left nothing."""
        was, count = judging.is_on, 0
        while judging.is_on is was:
            count += 1
            judging.note(is_all=was and count >= last)
        return count

    assert portions(last=0) == PORTIONS_MIN
    assert portions(last=50) == 50
    assert portions(last=0) == 50
    assert portions(last=1) == 1
    assert portions(last=0) == PORTIONS_MIN


def test_custody_that_has_caught_up_makes_nobody_stand_back() -> None:
    judging = Judging()
    for number in range(200):
        judging.note(is_all=number % PORTIONS_MIN == PORTIONS_MIN - 2)
        assert not judging.is_on
