"""What a member does with records that it fetched, while partitions come and go. No broker is asked."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker

from monazite_consumers.errors import SupersededError
from monazite_consumers.health import Health
from monazite_consumers.intake.batches import Batch
from monazite_consumers.intake.consuming import Intake
from monazite_consumers.intake.positions import Assignment, Position
from monazite_consumers.settings import IntakeSettings

TP = TopicPartition("plant-production", 0)


@dataclass
class Record:
    """As aiokafka hands it out."""

    offset: int
    topic: str = TP.topic
    partition: int = TP.partition
    timestamp: int = 0
    key: bytes | None = b"k"
    value: bytes | None = b"no envelope"
    headers: tuple[Any, ...] = ()


@dataclass
class Consumer:
    """Remembers where it was sent."""

    sought: list[int] = field(default_factory=list)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        assert tp == TP
        self.sought.append(offset)


async def no_database() -> Any:
    raise OSError("away")


@pytest.fixture
def assignment() -> Assignment:
    made = Assignment(no_database, Health())
    made.consumer = Consumer()  # type: ignore[assignment]
    made.positions[TP] = Position(1, 5)
    return made


def offsets(records: Any) -> list[int]:
    return [record.offset for record in records]


def test_what_lies_before_the_position_is_dropped(assignment: Assignment) -> None:
    assert offsets(assignment.accept(TP, [Record(3), Record(4), Record(5), Record(6)])) == [5, 6]
    assert offsets(assignment.accept(TP, [Record(3), Record(4)])) == []


def test_a_hole_is_believed_only_when_it_is_met_again_from_the_position(assignment: Assignment) -> None:
    assert offsets(assignment.accept(TP, [Record(8), Record(9)])) == []
    assert assignment.consumer.sought == [5]  # type: ignore[union-attr]
    assert offsets(assignment.accept(TP, [Record(8), Record(9)])) == [8, 9]


async def test_records_of_a_partition_that_is_gone_are_dropped(assignment: Assignment) -> None:
    await assignment.on_partitions_revoked([TP])
    assert assignment.accept(TP, [Record(5)]) == []


async def test_a_revocation_waits_no_longer_than_its_limit(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monazite_consumers.intake.positions.REVOKE_WAIT_S", 0.01)
    assignment.idle.clear()
    await assignment.on_partitions_revoked([TP])
    assert TP not in assignment.positions


@pytest_asyncio.fixture
async def intake() -> Intake:
    """Every record is a transaction of its own."""
    made = Intake(KafkaBroker(), no_database, IntakeSettings(events_max=1), Health())
    made.assignment.positions[TP] = Position(1, 0)
    return made


async def test_what_is_left_of_a_poll_is_dropped_when_partitions_are_assigned_anew_meanwhile(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided = []

    async def decide(batch: Batch) -> None:
        decided.append(batch.ends)
        intake.assignment.drop()
        intake.assignment.positions[TP] = Position(1, 7)  # a successor had it, and it came back

    monkeypatch.setattr(intake, "_until_durable", decide)
    await intake._take([Record(0), Record(1), Record(2)])
    assert decided == [{TP: (0, 1)}]


async def test_without_a_new_assignment_the_whole_poll_is_decided_in_order_one_batch_at_a_time(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = [], []

    async def decide(batch: Batch) -> None:
        begun.append(batch.ends[TP][0])
        assert len(begun) == len(ended) + 1
        await asyncio.sleep(0)
        ended.append(batch.ends[TP][0])

    monkeypatch.setattr(intake, "_until_durable", decide)
    await intake._take([Record(0), Record(1), Record(2)])
    assert ended == [0, 1, 2]


async def test_a_batch_that_cannot_be_decided_ends_the_poll_and_leaves_the_rest_for_the_next_member(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def decide(batch: Batch) -> None:
        tried.append(batch.ends[TP][0])
        raise SupersededError

    monkeypatch.setattr(intake, "_until_durable", decide)
    await intake._take([Record(0), Record(1), Record(2)])
    assert tried == [0]
    assert intake.superseded.is_set()
    assert not intake.assignment.positions
