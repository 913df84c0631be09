"""Records in hand when a log turns out to be another one: theirs is not committed, everybody else's is."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from consumer_double import Consumer
from regulator_desk import Desk, Gateway, Message, a_draw, the_registry

from monazite_consumers.errors import DoubtedError
from monazite_consumers.intake.assignment import Asked
from monazite_consumers.rules.positions import Position
from monazite_consumers.settings import IntakeSettings
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


FIRST, SECOND = Stamp(b"first", 1), Stamp(b"second", 1)

Said = dict[TopicPartition, Stamp]


@pytest.fixture
def said(desk: Desk, poll: list[Message], monkeypatch: pytest.MonkeyPatch) -> Said:
    """What Kafka says of the logs; both partitions were placed in their first ones."""
    answer = {message.tp: FIRST for message in poll}
    desk.intakes[0].assignment._stamps |= answer

    async def saying(*_: Any) -> Said:
        return dict(answer)

    monkeypatch.setattr("monazite_consumers.intake.assignment.stamps", saying)
    return answer


async def kept(desk: Desk) -> list[int]:
    """The partitions of what was committed."""
    return [row["partition"] for row in await desk.connection.fetch("SELECT partition FROM ledger ORDER BY message")]


@pytest.mark.parametrize("seen", [SECOND, None], ids=["another log", "nobody says"])
async def test_what_may_come_from_another_log_is_not_committed_and_everything_else_is(
    desk: Desk, poll: list[Message], said: Said, seen: Stamp | None
) -> None:
    intake, (right, doubted) = desk.intakes[0], poll
    said.pop(doubted.tp)
    said |= {doubted.tp: seen} if seen else {}
    await intake._take(poll)
    assert await kept(desk) == [right.partition]
    assert await desk.connection.fetch(POSITIONS) == [(0, 1), (1, 0)]
    assert set(intake.assignment.positions) == {right.tp}
    assert intake.assignment.doubted.is_set()


@pytest.mark.parametrize("is_placed_again", [False, True])
async def test_a_database_that_goes_away_at_that_very_moment_changes_nothing(
    desk: Desk, poll: list[Message], said: Said, monkeypatch: pytest.MonkeyPatch, *, is_placed_again: bool
) -> None:
    """The roll-back fails, and the batch is tried again."""
    assignment, (right, doubted) = desk.intakes[0].assignment, poll
    said[doubted.tp] = SECOND
    confirm, failed = assignment.confirm, []

    async def confirming(*arguments: Any) -> None:
        try:
            await confirm(*arguments)
        except DoubtedError:
            if not failed:
                failed.append(desk.intakes[0]._connection)
                failed[0].terminate()
            raise

    async def waiting(_: int) -> None:
        if is_placed_again:  # in the new log, which begins at the same offset
            assignment._stamps[doubted.tp] = SECOND
            assignment.positions[doubted.tp] = Position(1, 0)

    monkeypatch.setattr(assignment, "confirm", confirming)
    monkeypatch.setattr("monazite_consumers.intake.consuming.back_off", waiting)
    await desk.intakes[0]._take(poll)
    assert failed
    assert await kept(desk) == [right.partition]
    assert await desk.connection.fetch(POSITIONS) == [(0, 1), (1, 0)]
    assert desk.intakes[0]._health.healthy, "nothing is wrong any more"


async def test_what_was_doubted_at_first_sight_is_not_decided_when_it_is_placed_meanwhile(
    desk: Desk, poll: list[Message], said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignment, (odd, right) = desk.intakes[0].assignment, poll
    said |= {odd.tp: SECOND, right.tp: SECOND}
    ahead = replace(odd, offset=5)  # not the next one
    sift = assignment.sift

    async def sifting(asked: Asked) -> bool:
        assignment._stamps[odd.tp] = SECOND
        assignment.positions[odd.tp] = Position(1, 5)
        return await sift(asked)

    monkeypatch.setattr(assignment, "sift", sifting)
    await desk.intakes[0]._take([ahead, right])
    assert await kept(desk) == []


async def test_of_a_poll_in_several_batches_what_is_doubted_in_a_later_one_stops_nothing(
    desk: Desk, poll: list[Message], said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake, (right, doubted) = desk.intakes[0], poll
    said[doubted.tp] = SECOND
    monkeypatch.setattr(intake, "_settings", IntakeSettings(events_max=1))
    await intake._take(poll)
    assert await kept(desk) == [right.partition]
    assert not intake.failed.done()


async def test_no_transaction_waits_long_for_an_answer(
    desk: Desk, poll: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = desk.intakes[0]
    asked_for, answer = [], asyncio.Event()

    async def silent(*_: Any) -> Said:
        await answer.wait()
        return {}

    async def sifting(asked: Asked) -> bool:
        assert intake._connection is not None
        asked_for.append(intake._connection.is_in_transaction())
        answer.set()
        return await sift(asked)

    sift = intake.assignment.sift
    monkeypatch.setattr("monazite_consumers.intake.assignment.stamps", silent)
    monkeypatch.setattr("monazite_consumers.intake.assignment.CONFIRMS_WITHIN_S", 0.01)
    monkeypatch.setattr(intake.assignment, "sift", sifting)
    await intake._take(poll)
    assert asked_for[0] is False
    assert len(await kept(desk)) == len(poll), "the answer fits"


@pytest.mark.usefixtures("said")
async def test_nothing_is_committed_that_was_assigned_anew_while_it_was_decided(
    desk: Desk, poll: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = desk.intakes[0]

    async def meanwhile(*_: Any) -> None:
        intake.assignment.number += 1

    monkeypatch.setattr("monazite_consumers.intake.consuming.note_skips", meanwhile)
    await intake._take(poll)
    assert await kept(desk) == []
    assert not intake.superseded.is_set()
    assert not intake.failed.done()
