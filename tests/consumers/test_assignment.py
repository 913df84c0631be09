"""What a member does with records that it fetched, while partitions come and go. No broker is asked."""

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import TopicPartition
from aiokafka.errors import NodeNotReadyError
from asyncpg import QueryCanceledError
from faststream.kafka import KafkaBroker

from monazite_consumers import metrics
from monazite_consumers.errors import FaultError, SupersededError
from monazite_consumers.health import Health
from monazite_consumers.intake import batches
from monazite_consumers.intake.assignment import PLACES_WITHIN_S, Assignment
from monazite_consumers.intake.batches import Batch, Fetched, fetched, read_record
from monazite_consumers.intake.consuming import DECIDES_WITHIN_S, FETCHES_WITHIN_S, Intake
from monazite_consumers.intake.progress import Progress
from monazite_consumers.rules.positions import Position
from monazite_consumers.settings import IntakeSettings
from monazite_consumers.stamps import Stamp

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
    """Of one partition: remembers that it was paused, and says how far it has got."""

    reached: int = 5
    paused: list[TopicPartition] = field(default_factory=list)

    def assignment(self) -> set[TopicPartition]:
        return {TP}

    def pause(self, tp: TopicPartition) -> None:
        self.paused.append(tp)

    async def position(self, tp: TopicPartition) -> int:
        assert tp == TP
        return self.reached

    def highwater(self, tp: TopicPartition) -> int:
        assert tp == TP
        return 9


async def no_database() -> Any:
    raise OSError("away")


def no_reader() -> Any:
    raise AssertionError("no log is looked at without a database")


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
    assert await assignment.confirm([TP])
    assert offsets(assignment.accept(TP, [Record(5)])) == [5]


@pytest.mark.parametrize("seen", [Stamp(b"second", 1), Stamp(b"first", 2), None], ids=["topic", "leader", "nobody"])
async def test_nothing_is_decided_while_another_log_may_have_taken_the_place(
    assignment: Assignment, consumer: Consumer, stamped: dict[TopicPartition, Stamp], seen: Stamp | None
) -> None:
    stamped.clear()
    if seen is not None:
        stamped[TP] = seen
    assert await assignment.confirm([TP])
    assert assignment.accept(TP, [Record(5)]) == []
    assert consumer.paused == [TP]
    assert assignment.doubted.is_set()


async def test_records_fetched_before_a_new_assignment_are_not_decided_after_it(
    assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def meanwhile(_consumer: Any, _partitions: Any) -> dict[TopicPartition, Stamp]:
        await assignment.on_partitions_revoked([TP])
        return {}

    monkeypatch.setattr("monazite_consumers.intake.assignment.stamps", meanwhile)
    assert not await assignment.confirm([TP])


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
    await Progress(intake.assignment).show(Positioned())
    shown = {sample.labels["partition"]: sample.value for sample in metrics.LAG.collect()[0].samples}
    assert shown == {"0": 3, "1": 6, "2": 99}


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


async def turns_red(health: Health, duty: str, clock: list[float], within_s: float) -> None:
    """Health is good while a duty has begun, and no longer once it took too long."""
    async with asyncio.timeout(30):
        while duty not in health._beats:  # noqa: ASYNC110 - a beat wakes nobody
            await asyncio.sleep(0)
    assert health.healthy
    clock[0] = within_s + 1
    assert not health.healthy


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
