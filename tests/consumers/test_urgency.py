"""The relay rests after a pass, but not before an alert."""

import asyncio

import pytest
from regulator_desk import Desk

from monazite_consumers.delivery import URGENT, Outgoing, put
from monazite_consumers.health import Health
from monazite_consumers.relay import publishing
from monazite_consumers.relay.publishing import Relay
from monazite_consumers.settings import KafkaSettings
from monazite_contracts.topics import ALERTS, DEAD_LETTERS


@pytest.mark.parametrize(
    ("topics", "urgency"),
    [
        ([DEAD_LETTERS], ""),
        (["receipts-shihe-mine"], ""),
        ([ALERTS], URGENT),
        ([f"{ALERTS}-sichuan"], URGENT),
        (["receipts-shihe-mine", ALERTS], URGENT),
    ],
)
async def test_the_relay_is_told_at_the_commit_and_how_urgent_it_is(
    desk: Desk, topics: list[str], urgency: str
) -> None:
    told: list[object] = []
    listening = asyncio.Event()

    def note(*notification: object) -> None:
        told.append(notification[-1])
        listening.set()

    await desk.connection.add_listener("monazite_outbox", note)
    try:
        async with desk.connection.transaction():
            await put(desk.connection, [Outgoing(topic, b"k", b"v") for topic in topics])
            await desk.connection.execute("SELECT 1")
            assert not told
        async with asyncio.timeout(20):
            await listening.wait()
    finally:
        await desk.connection.remove_listener("monazite_outbox", note)
    assert told == [urgency]


async def test_only_an_alert_ends_the_rest_after_a_pass() -> None:
    relay = Relay("", KafkaSettings(), Health())
    relay._notified(None, 0, "monazite_outbox", "")
    assert relay._woken.is_set()
    assert not relay._hurried.is_set()
    relay._notified(None, 0, "monazite_outbox", URGENT)
    assert await publishing._until(relay._hurried, 60)
    relay._hurried.clear()
    assert not await publishing._until(relay._hurried, 0.01), "a rest that nobody disturbs ends by itself"
