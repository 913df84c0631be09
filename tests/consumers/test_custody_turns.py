"""Custody beside intake: it stands back while intake works, never starves, and shows what waits for it."""

import pytest
from custody_talk import LOT, chain
from prometheus_client import REGISTRY
from regulator_desk import Desk, send

from monazite_consumers.custody.measuring import Backlog
from monazite_consumers.custody.turns import REST_MAX_S, Turns
from monazite_consumers.sql import statement
from monazite_contracts.builders import a_dispatch, a_loss, a_production

__all__ = ["chain"]


def test_custody_rests_as_long_as_it_worked_while_messages_come_and_no_longer_than_its_limit() -> None:
    turns = Turns()
    assert turns.rest_s(5, 0.4) == 0, "nothing is known yet"
    assert turns.rest_s(9, 0.4) == 0.4
    assert turns.rest_s(10, 7.0) == REST_MAX_S
    assert turns.rest_s(10, 7.0) == 0, "intake is idle"


def test_however_long_intake_is_busy_custody_has_half_of_the_time() -> None:
    turns, worked_s, rested_s = Turns(), 0.0, 0.0
    for number in range(1, 1_000):
        took_s = number % 7 / 2
        worked_s += took_s
        rested_s += turns.rest_s(number, took_s)
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
