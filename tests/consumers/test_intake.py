"""What a member does with the records of a poll, and what its pulse notices. No broker is asked."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.errors import NodeNotReadyError
from asyncpg import QueryCanceledError
from consumer_double import TP, Consumer, Record, no_database, turns_red
from faststream.kafka import KafkaBroker

from monazite_consumers import metrics
from monazite_consumers.errors import FaultError, SupersededError
from monazite_consumers.health import Health
from monazite_consumers.intake import batches
from monazite_consumers.intake.batches import Batch, Fetched, fetched, read_record
from monazite_consumers.intake.consuming import DECIDES_WITHIN_S, FETCHES_WITHIN_S, Intake
from monazite_consumers.intake.progress import Progress
from monazite_consumers.rules.positions import Position
from monazite_consumers.settings import IntakeSettings
from monazite_contracts.topics import PLANT_TOPICS


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

    async def decide(batch: Batch, _: Any) -> None:
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

    async def decide(batch: Batch, _: Any) -> None:
        begun.append(batch.ends[TP][0])
        assert len(begun) == len(ended) + 1
        await asyncio.sleep(0)
        ended.append(batch.ends[TP][0])

    monkeypatch.setattr(intake, "_until_durable", decide)
    await intake._take([Record(0), Record(1), Record(2)])
    assert ended == [0, 1, 2]


async def test_the_next_batch_is_read_only_in_the_pauses_of_the_one_that_is_decided(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    seen = []

    def note(one: Fetched) -> Any:
        read.append(one.record.offset)
        return read_record(one)

    async def decide(_: Batch, deciding: Any) -> None:
        before = len(read)
        await asyncio.sleep(0)
        assert len(read) == before, "it would be in the way of what PostgreSQL waits for"
        deciding.keywords["on_settled"]()
        while len(read) == before < 3:  # noqa: ASYNC110 - reading wakes nobody
            await asyncio.sleep(0)
        seen.append(list(read))

    monkeypatch.setattr(batches, "read_record", note)
    monkeypatch.setattr(intake, "_until_durable", decide)
    async with asyncio.timeout(30):
        await intake._take([Record(0), Record(1), Record(2)])
    assert seen == [[0, 1], [0, 1, 2], [0, 1, 2]]


async def test_a_batch_that_cannot_be_decided_ends_the_poll_and_leaves_the_rest_for_the_next_member(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def decide(batch: Batch, _: Any) -> None:
        tried.append(batch.ends[TP][0])
        raise SupersededError

    monkeypatch.setattr(intake, "_until_durable", decide)
    await intake._take([Record(0), Record(1), Record(2)])
    assert tried == [0]
    assert intake.superseded.is_set()
    assert not intake.assignment.positions


@pytest.mark.parametrize("failure", [QueryCanceledError("too slow"), FaultError()], ids=["too slow", "our fault"])
async def test_a_batch_that_is_revoked_while_it_fails_is_left_to_its_successor(
    intake: Intake, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    async def revoked(*_: Any) -> None:
        await intake.assignment.on_partitions_revoked([TP])
        raise failure

    monkeypatch.setattr(intake, "_decide", revoked)
    batch = Batch()
    for offset in range(2):
        batch.add(read_record(fetched(Record(offset), 1)))
    await intake._until_durable(batch)
    assert TP not in intake.assignment.positions


class Positioned(Consumer):
    """Has been assigned three partitions, whose logs end at 10; of one it knows what was shown last."""

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(TP.topic, number) for number in range(3)}

    async def committed(self, tp: TopicPartition) -> int | None:
        return 4 if tp.partition == 1 else None

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 10)

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        assert offsets == {TP: 7}


async def test_lag_is_shown_also_where_nobody_knows_the_position_yet(intake: Intake) -> None:
    intake.assignment.positions[TP] = Position(1, 7)
    intake.assignment.stopped[TopicPartition(TP.topic, 2)] = 99
    waiting = await Progress(intake.assignment).show(Positioned())
    shown = {sample.labels["partition"]: sample.value for sample in metrics.LAG.collect()[0].samples}
    assert shown == {"0": 3, "1": 6, "2": 99}
    assert waiting == 3 + 6, "what waits in a log that nobody has adopted is not waited for"


async def test_a_doubt_while_kafka_is_away_does_not_shorten_the_pause_between_tries(intake: Intake) -> None:
    class Away(Consumer):
        async def topics(self) -> set[str]:
            raise NodeNotReadyError("away")

    intake.subscriber.consumer = Away()
    intake.assignment.doubted.set()
    pulsing = asyncio.create_task(intake.pulse())
    async with asyncio.timeout(30):
        while "kafka" not in intake._health.checks:  # noqa: ASYNC110 - health wakes nobody
            await asyncio.sleep(0)
    assert not intake.assignment.doubted.is_set()
    pulsing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulsing


async def test_a_stop_at_the_moment_in_which_a_call_to_kafka_fails_is_not_lost(intake: Intake) -> None:
    answer: asyncio.Future[set[str]] = asyncio.get_running_loop().create_future()
    asked = asyncio.Event()

    class Slow(Consumer):
        async def topics(self) -> set[str]:
            asked.set()
            return await answer

    intake.subscriber.consumer = Slow()
    pulsing = asyncio.create_task(intake.pulse())
    await asked.wait()
    answer.set_exception(NodeNotReadyError("away"))
    await asyncio.sleep(0)  # the call has failed, and who asked has not heard of it yet
    pulsing.cancel()
    done, _ = await asyncio.wait({pulsing}, timeout=10)
    assert done, "it goes on as if nobody had stopped it"


async def test_a_transaction_that_says_nothing_turns_its_member_red(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    health = Health(now=lambda: clock[0])
    silent = Intake(KafkaBroker(), no_database, IntakeSettings(), health)
    silent.assignment.positions[TP] = Position(1, 0)
    monkeypatch.setattr(silent, "_decide", lambda *_: asyncio.Event().wait())
    taking = asyncio.create_task(silent._take([Record(0)]))
    await turns_red(health, "deciding", clock, DECIDES_WITHIN_S)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000.0]
    monkeypatch.setattr("monazite_consumers.intake.consuming.monotonic", lambda: now[0])
    return now


def wait_for_messages(intake: Intake, clock: list[float], waiting: int = 5) -> bool:
    """Pulses once before the limit and once after it; whether the consumer is to be started anew."""
    intake._moved_at = clock[0]
    for seconds in (FETCHES_WITHIN_S / 2, FETCHES_WITHIN_S):
        assert not intake.superseded.is_set()
        clock[0] += seconds
        intake._notice_stall(waiting)
    return intake.superseded.is_set()


async def test_a_client_that_brings_nothing_though_messages_wait_is_started_anew(
    intake: Intake, clock: list[float]
) -> None:
    assert wait_for_messages(intake, clock)
    assert not intake.assignment.positions
    assert not intake._health.checks["fetching"].healthy


async def test_the_pulse_notices_it(intake: Intake, clock: list[float]) -> None:
    class Stuck(Consumer):
        async def topics(self) -> set[str]:
            return set(PLANT_TOPICS.values())

        async def end_offsets(self, _: list[TopicPartition]) -> dict[TopicPartition, int]:
            return {TP: 10}

        async def commit(self, _: dict[TopicPartition, int]) -> None:
            pass

    intake.subscriber.consumer = Stuck(reached=7)
    intake.assignment.positions[TP] = Position(1, 7)
    intake._moved_at = clock[0] - FETCHES_WITHIN_S - 1
    pulsing = asyncio.create_task(intake.pulse())
    async with asyncio.timeout(30):
        await intake.superseded.wait()
    pulsing.cancel()


async def test_nothing_is_started_anew_while_nothing_waits_or_others_are_unwell_or_a_transaction_is_under_way(
    intake: Intake, clock: list[float]
) -> None:
    assert not wait_for_messages(intake, clock, waiting=0)
    intake._health.red("database", "away")
    assert not wait_for_messages(intake, clock)
    intake._health.green("database")
    intake.assignment.idle.clear()
    assert not wait_for_messages(intake, clock)
    intake.assignment.idle.set()
    intake._moved_at = clock[0]
    for _ in range(4):
        clock[0] += FETCHES_WITHIN_S / 2
        await intake._take([])
        intake._notice_stall(5)
    assert not intake.superseded.is_set()


@pytest.mark.parametrize(
    ("there", "complaint"),
    [
        ({"plant-production": 6, "plant-shipments": 6}, "the broker has no plant-declarations"),
        ({"plant-production": 6, "plant-shipments": 12, "plant-declarations": 6}, "plant-shipments has 12 partitions"),
        ({"plant-production": 6, "plant-shipments": 6, "plant-declarations": 6}, None),
    ],
)
async def test_topics_that_are_gone_or_of_another_shape_turn_a_member_red(
    intake: Intake, there: dict[str, int], complaint: str | None
) -> None:
    class Seeing(Consumer):
        def partitions_for_topic(self, topic: str) -> set[int]:
            return set(range(there[topic]))

    intake._miss(set(there), Seeing())
    check = intake._health.checks["topics"]
    assert check.healthy is (complaint is None)
    assert (complaint or "") in check.detail
