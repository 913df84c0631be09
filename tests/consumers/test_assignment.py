"""Which records are next, while partitions come and go. No broker is asked."""

import asyncio
from time import monotonic
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NodeNotReadyError
from consumer_double import TP, Consumer, Record, no_database, no_reader, turns_red

from monazite_consumers.errors import DoubtedError
from monazite_consumers.health import Health
from monazite_consumers.intake.assignment import PLACES_WITHIN_S, Assignment
from monazite_consumers.intake.batches import accepted
from monazite_consumers.rules.positions import Position
from monazite_consumers.stamps import Stamp


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
def assignment(consumer: Consumer) -> Assignment:
    made = Assignment(no_database, no_reader, Health())
    made.consumer = consumer
    made.positions[TP] = Position(1, 5)
    return made


def offsets(records: Any) -> list[int]:
    return [record.offset for record in records]


def test_what_lies_before_the_position_is_dropped(assignment: Assignment) -> None:
    assert offsets(assignment.accept(TP, [Record(3), Record(4), Record(5), Record(6)])) == [5, 6]


@pytest.mark.parametrize("found", [[8, 9], [3, 4], [0]])
def test_what_skips_offsets_or_goes_back_is_not_decided_before_the_log_was_looked_at(
    assignment: Assignment, consumer: Consumer, found: list[int]
) -> None:
    assert offsets(assignment.accept(TP, [Record(offset) for offset in found])) == []
    assert consumer.paused == [TP]
    assert assignment.doubted.is_set()
    assert offsets(assignment.accept(TP, [Record(5)])) == [], "nothing until it is placed again"


async def test_a_consumer_that_went_elsewhere_without_a_record_is_doubted_when_it_is_seen_twice(
    assignment: Assignment, consumer: Consumer
) -> None:
    await assignment.tend()
    assert TP in assignment.positions
    consumer.reached = 7  # it passed markers
    await assignment.tend()
    assert TP in assignment.positions, "records may be on their way from the consumer to us"
    await assignment.tend()
    assert TP not in assignment.positions
    assert consumer.paused == [TP]


async def test_a_consumer_that_is_ahead_while_a_batch_is_decided_is_not_doubted(
    assignment: Assignment, consumer: Consumer
) -> None:
    consumer.reached = 7
    assignment.idle.clear()
    for _ in range(3):
        await assignment.tend()
    assert TP in assignment.positions


async def test_what_cannot_be_placed_is_tried_again_with_bounded_backoff(assignment: Assignment) -> None:
    tries: list[int] = []

    async def connect() -> Any:
        tries.append(1)
        raise OSError("away")

    assignment._connect = connect
    await assignment.on_partitions_assigned([TP])
    await assignment.place()
    assert len(tries) == 1, "the second try waits"
    assignment._attempts = 1_000
    assignment._try_at = 0.0
    await assignment.place()
    assert assignment._try_at - monotonic() <= 10


@pytest.fixture
def stamped(assignment: Assignment, monkeypatch: pytest.MonkeyPatch) -> dict[TopicPartition, Stamp]:
    """What Kafka says of the logs; the partition was placed in the first log of its topic."""
    assignment._stamps[TP] = Stamp(b"first", 1)
    said = {TP: Stamp(b"first", 1)}

    async def saying(_consumer: Any, _partitions: Any) -> dict[TopicPartition, Stamp]:
        if not said:
            raise NodeNotReadyError
        return said

    monkeypatch.setattr("monazite_consumers.intake.assignment.stamps", saying)
    return said


@pytest.mark.usefixtures("stamped")
async def test_records_of_the_log_in_which_the_partition_was_placed_are_decided(assignment: Assignment) -> None:
    await assignment.confirm(assignment.ask([TP]), [])
    assert offsets(assignment.accept(TP, [Record(5)])) == [5]


@pytest.mark.parametrize("seen", [Stamp(b"second", 1), Stamp(b"first", 2), None], ids=["topic", "leader", "nobody"])
async def test_nothing_is_decided_while_another_log_may_have_taken_the_place(
    assignment: Assignment, consumer: Consumer, stamped: dict[TopicPartition, Stamp], seen: Stamp | None
) -> None:
    stamped.clear()
    if seen is not None:
        stamped[TP] = seen
    asked = assignment.ask([TP])
    with pytest.raises(DoubtedError):
        await assignment.confirm(asked, [])
    assert accepted(assignment, asked, [Record(5)]) == []
    assignment.positions[TP] = Position(1, 5)  # placed again meanwhile
    assert accepted(assignment, asked, [Record(5)]) == [], "it comes again from there"
    assert consumer.paused == [TP]
    assert assignment.doubted.is_set()


async def test_records_fetched_before_a_new_assignment_are_not_decided_after_it(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def meanwhile(_consumer: Any, _partitions: Any) -> dict[TopicPartition, Stamp]:
        await assignment.on_partitions_revoked([TP])
        return {}

    monkeypatch.setattr("monazite_consumers.intake.assignment.stamps", meanwhile)
    with pytest.raises(DoubtedError):
        await assignment.confirm(assignment.ask([TP]), [])


async def test_records_of_a_partition_that_is_gone_are_dropped(assignment: Assignment) -> None:
    await assignment.on_partitions_revoked([TP])
    assert assignment.accept(TP, [Record(5)]) == []


async def test_a_revocation_waits_no_longer_than_its_limit(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monazite_consumers.intake.assignment.REVOKE_WAIT_S", 0.01)
    assignment.idle.clear()
    await assignment.on_partitions_revoked([TP])
    assert TP not in assignment.positions


async def test_a_database_that_says_nothing_while_partitions_are_placed_turns_the_member_red(
    consumer: Consumer,
) -> None:
    clock = [0.0]
    health = Health(now=lambda: clock[0])
    placing = Assignment(lambda: asyncio.Event().wait(), no_reader, health)
    placing.consumer = consumer
    waiting = asyncio.create_task(placing.on_partitions_assigned([TP]))
    await turns_red(health, "placing", clock, PLACES_WITHIN_S)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
