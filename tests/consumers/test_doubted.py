"""Records in hand when a log turns out to be another one: theirs is not committed, everybody else's is."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from consumer_double import Consumer
from regulator_desk import Desk, Gateway, Message, a_draw, the_registry

from monazite_consumers.stamps import Stamp

POSITIONS = "SELECT partition, next_offset FROM intake_positions ORDER BY 1"


class Member(Consumer):
    """Is assigned whatever is doubted."""

    def __init__(self, assigned: Iterable[TopicPartition]) -> None:
        super().__init__()
        self._assigned = set(assigned)

    def assignment(self) -> set[TopicPartition]:
        return self._assigned


@pytest_asyncio.fixture
async def poll(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Two messages in two partitions."""
    await desk.declare(the_registry())
    gateway = Gateway()
    messages = [replace(gateway.send(a_draw(10, f"R-{n}")), partition=n, offset=0) for n in range(2)]
    intake = desk.intakes[0]
    await desk._assign(intake, [message.tp for message in messages])
    monkeypatch.setattr(intake.assignment, "consumer", Member(message.tp for message in messages))
    return messages


@pytest.mark.parametrize("seen", [Stamp(b"second", 1), None], ids=["another log", "nobody says"])
async def test_what_may_come_from_another_log_is_not_committed_and_everything_else_is(
    desk: Desk, poll: list[Message], monkeypatch: pytest.MonkeyPatch, seen: Stamp | None
) -> None:
    intake, (kept, doubted) = desk.intakes[0], poll
    first = Stamp(b"first", 1)
    intake.assignment._stamps |= {kept.tp: first, doubted.tp: first}
    said = {kept.tp: first} | ({doubted.tp: seen} if seen else {})

    async def saying(*_: Any) -> dict[TopicPartition, Stamp]:
        return said

    monkeypatch.setattr("monazite_consumers.intake.assignment.stamps", saying)
    await intake._take(poll)
    assert await desk.connection.fetch("SELECT partition FROM ledger") == [(kept.partition,)]
    assert await desk.connection.fetch(POSITIONS) == [(0, 1), (1, 0)]
    assert set(intake.assignment.positions) == {kept.tp}
    assert intake.assignment.doubted.is_set()


async def test_nothing_is_committed_that_was_assigned_anew_while_it_was_decided(
    desk: Desk, poll: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = desk.intakes[0]

    async def nothing_new(*_: Any) -> dict[TopicPartition, Stamp]:
        return {}

    async def meanwhile(*_: Any) -> None:
        intake.assignment.number += 1

    monkeypatch.setattr("monazite_consumers.intake.assignment.stamps", nothing_new)
    monkeypatch.setattr("monazite_consumers.intake.consuming.note_skips", meanwhile)
    await intake._take(poll)
    assert await desk.connection.fetch("SELECT partition FROM ledger") == []
    assert not intake.superseded.is_set()
    assert not intake.failed.done()
