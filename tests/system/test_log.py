"""A log that is not what it was: segments deleted unread, topics recreated, transactions, members that come and go."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from running_platform import INTAKE_QUICKLY, PLANTS, REO_G, Gateway, Platform, a_registry, until, waiting_for_a_lock

from monazite import stack
from monazite.embedded.children import Child
from monazite_consumers.topics import configuration
from monazite_contracts.envelope import record_key
from monazite_contracts.partitioner import partition_of
from monazite_contracts.topics import TOPICS
from monazite_producers.publisher import Outgoing

PRODUCTION = next(topic for topic in TOPICS if topic.name == "plant-production")
MEMBERS = ("intake", "intake-3", "intake-4")
Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def running() -> Iterator[stack.Stack]:
    with stack.running(services=("intake", "relay", "watch", "intake", "intake"), settings=INTAKE_QUICKLY) as up:
        for spare in MEMBERS[1:]:
            up.services[spare].child.stop()
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    made = Platform(running)
    await made.apply(a_registry())
    await made.publish(made.work(envelopes=2))
    await made.decided()
    return made


@asynccontextmanager
async def administrator(platform: Platform) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=platform.stack.addresses.kafka)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


def partition(plant: str) -> int:
    """Where a plant's production lies."""
    return partition_of(record_key(plant.partition("/")[0], "gw-1"), PRODUCTION.partitions)


async def position(platform: Platform, number: int) -> dict[str, int]:
    """The newest generation's row of a partition of production."""
    async with platform.connection() as opened:
        row = await opened.fetchrow(
            "SELECT * FROM intake_positions WHERE topic = $1 AND partition = $2 ORDER BY log_generation DESC LIMIT 1",
            PRODUCTION.name,
            number,
        )
    assert row is not None
    return {name: row[name] for name in ("log_generation", "start_offset", "next_offset", "received", "holes", "lost")}


async def delete_before(platform: Platform, number: int, offset: int) -> None:
    """What retention does when a partition's segments are old enough."""
    async with administrator(platform) as admin:
        await admin.delete_records({TopicPartition(PRODUCTION.name, number): RecordsToDelete(offset)})


async def recreate(platform: Platform, *, said: bool) -> None:
    """Deletes the topic of production with everything in it, and makes it anew; `said`: once intake says it is gone."""

    async def says_so() -> bool:
        return PRODUCTION.name in (await platform.health("intake"))["checks"]["topics"]["detail"]

    async with administrator(platform) as admin:
        await admin.delete_topics([PRODUCTION.name])

        async def gone() -> bool:
            return PRODUCTION.name not in await admin.list_topics()

        await until("the topic is gone", gone)
        if said:
            await until("intake says so", says_so)
        made = NewTopic(
            PRODUCTION.name, PRODUCTION.partitions, 1, topic_configs=configuration(PRODUCTION, driven=False)
        )

        async def is_made() -> bool:
            return all(not code for _, code, _ in (await admin.create_topics([made])).topic_errors)

        await until("the topic is made anew", is_made)


def monazite(platform: Platform, *arguments: object) -> Ran:
    """What a person sees who types this."""
    addresses = platform.stack.addresses
    return subprocess.run(
        [sys.executable, "-m", "monazite", *map(str, arguments)],
        env=os.environ
        | {
            "COLUMNS": "200",
            "MONAZITE_DATABASE__URL": addresses.postgres,
            "MONAZITE_KAFKA__BOOTSTRAP": addresses.kafka,
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


async def adopt(platform: Platform, number: int, *arguments: str) -> Ran:
    command = ("intake", "adopt", PRODUCTION.name, number, "--by", "A. Keeper", *arguments)
    return await asyncio.to_thread(monazite, platform, *command)


async def checks(platform: Platform, number: int) -> dict[str, Any]:
    """What intake says of a partition."""
    found = (await platform.health("intake"))["checks"]
    return dict(found.get(f"position {PRODUCTION.name}-{number}", {"healthy": None, "detail": ""}))


async def stands_still(platform: Platform, number: int) -> str:
    async def is_so() -> bool:
        return (await checks(platform, number))["healthy"] is False

    await until(f"partition {number} stands still", is_so)
    return str((await checks(platform, number))["detail"])


async def alerts(platform: Platform, rule: str) -> list[dict[str, Any]]:
    async with platform.connection() as opened:
        rows = await opened.fetch("SELECT subject, evidence FROM alerts WHERE rule = $1 AND condition = 'raised'", rule)
    return [dict(row) for row in rows]


async def is_at(platform: Platform, number: int, **wanted: int) -> None:
    async def is_so() -> bool:
        found = await position(platform, number)
        return wanted.items() <= found.items()

    await until(f"partition {number} is at {wanted}", is_so)


async def log_end(platform: Platform, number: int) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=platform.stack.addresses.kafka)
    await consumer.start()
    try:
        tp = TopicPartition(PRODUCTION.name, number)
        return int((await consumer.end_offsets([tp]))[tp])
    finally:
        await consumer.stop()


@asynccontextmanager
async def transactional(platform: Platform, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer as no plant should have one."""
    producer = AIOKafkaProducer(
        bootstrap_servers=platform.stack.addresses.kafka, transactional_id=name, transaction_timeout_ms=600_000
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def send(producer: AIOKafkaProducer, *messages: Outgoing) -> None:
    for m in messages:
        await producer.send_and_wait(m.topic, m.value, m.key, partition(m.key.decode()), headers=list(m.headers))


async def test_a_transaction_that_hangs_stops_nobody(platform: Platform) -> None:
    hanging, plain = Gateway(PLANTS[0], "1" * 32), Gateway(PLANTS[0], "2" * 32)
    before = await position(platform, partition(PLANTS[0]))
    async with transactional(platform, "hanging") as producer:
        await producer.begin_transaction()
        await send(producer, hanging.produce())
        platform.published += 1
        await platform.publish([plain.produce() for _ in range(3)])
        await platform.decided()
        await is_at(platform, partition(PLANTS[0]), received=before["received"] + 4, holes=before["holes"])
        await producer.abort_transaction()
    await platform.proven()


async def test_what_a_transaction_holds_counts_whether_it_is_committed_or_aborted(platform: Platform) -> None:
    plant = PLANTS[0]
    gateway, drawn_g = Gateway(plant, "3" * 32), await platform.drawn_g()
    before = await position(platform, partition(plant))
    async with transactional(platform, "diligent") as producer:
        for ends in (producer.commit_transaction, producer.abort_transaction):
            await producer.begin_transaction()
            await send(producer, gateway.produce(), gateway.produce())
            await ends()
    platform.published += 4
    await platform.decided()
    assert await platform.drawn_g() - drawn_g == 4 * REO_G
    # The marker at the very end, too, though no record will ever come after it.
    await is_at(platform, partition(plant), holes=3, next_offset=await log_end(platform, partition(plant)))
    assert (await position(platform, partition(plant)))["received"] == before["received"] + 4

    async def shows_no_lag() -> bool:
        return (await platform.metrics("intake"))("monazite_lag_messages") == 0

    await until("no lag is left", shows_no_lag)
    (alert,) = await alerts(platform, "log-holes")
    assert alert["evidence"]["count"] == 3
    assert alert["subject"] == PRODUCTION.name
    account = await platform.proven()
    assert (account.holes, account.lost) == (3, 0)
    assert await platform.healthy("intake")


async def test_segments_deleted_while_intake_is_away_are_lost_and_said_to_be(platform: Platform) -> None:
    plant, intake = PLANTS[0], platform.stack.services["intake"].child
    number, before = partition(plant), await position(platform, partition(plant))
    await asyncio.to_thread(intake.stop)
    gateway = Gateway(plant, "a" * 32)
    await platform.publish([gateway.produce() for _ in range(5)])
    platform.published -= 3
    await delete_before(platform, number, before["next_offset"] + 3)
    await asyncio.to_thread(intake.start)
    await platform.decided()
    await is_at(platform, number, lost=3, holes=before["holes"], received=before["received"] + 2)
    (alert,) = await alerts(platform, "log-lost")
    assert alert["subject"] == PRODUCTION.name
    assert alert["evidence"] == {"count": 3, "partitions": [{"partition": number, "log_generation": 1, "count": 3}]}
    assert (await platform.proven()).lost == 3


async def test_segments_deleted_under_a_running_intake_are_lost_and_nothing_else_is(platform: Platform) -> None:
    plant = PLANTS[1]
    number, before = partition(plant), await position(platform, partition(plant))
    gateway = Gateway(plant, "b" * 32)
    async with platform.connection() as opened, opened.transaction():
        await opened.execute("LOCK TABLE ledger IN EXCLUSIVE MODE")
        await platform.publish([gateway.produce()])

        async def is_deciding() -> bool:
            return bool(await waiting_for_a_lock(platform))

        await until("intake decides", is_deciding)
        # Far more than one fetch holds: what was fetched already is decided, the rest is lost.
        await platform.publish([gateway.produce(events=200) for _ in range(12)])
        end = await log_end(platform, number)
        await delete_before(platform, number, end)
    await is_at(platform, number, next_offset=end)
    after = await position(platform, number)
    platform.published -= after["lost"]
    assert after["lost"] > before["lost"]
    assert after["received"] - before["received"] == 13 - (after["lost"] - before["lost"])
    await platform.publish([gateway.produce()])
    await platform.decided()
    await platform.proven()


async def adoptions(platform: Platform) -> list[tuple[int, int, str]]:
    """Of which partition, up to which offset its former log had been read, and who adopted the new one."""
    async with platform.connection() as opened:
        rows = await opened.fetch("SELECT * FROM adoptions ORDER BY partition")
    return [(row["partition"], row["read_to"], row["adopted_by"]) for row in rows]


async def nothing_else_is_adopted(platform: Platform) -> None:
    """What is no partition, or no plant topic, is refused in a sentence."""
    refused = await adopt(platform, 99)
    assert (refused.returncode, "PARTITION" in refused.stderr) == (1, True), refused.stderr
    astray = await asyncio.to_thread(monazite, platform, "intake", "adopt", "plant-nothing", 0, "--by", "A. Keeper")
    assert (astray.returncode, "is no plant topic" in astray.stderr) == (1, True), astray.stderr
    assert "Traceback" not in astray.stderr


async def test_a_topic_that_is_recreated_stands_still_until_somebody_adopts_it(platform: Platform) -> None:
    sent = platform.work(envelopes=2)
    await platform.publish(sent)
    await platform.decided()
    drawn_g, outcomes = await platform.drawn_g(), (await platform.account()).total("duplicate")
    numbers = sorted({partition(plant) for plant in PLANTS})
    before = {number: await position(platform, number) for number in numbers}
    await recreate(platform, said=True)
    for number in numbers:
        detail = await stands_still(platform, number)
        assert "above the log's end" in detail
        assert f"monazite intake adopt {PRODUCTION.name} {number}" in detail
    # The other topics go on.
    await platform.publish([Outgoing("plant-shipments", b"nobody", b"no envelope", (), sent[0].at)])
    await platform.decided()

    await platform.publish(sent)  # no receipt had covered them, say
    await nothing_else_is_adopted(platform)
    verified = await asyncio.to_thread(monazite, platform, "ledger", "verify", "--against-kafka")
    assert verified.returncode == 1
    assert "the position lies above the log's end" in verified.stdout
    shown = await adopt(platform, numbers[0], "--check")
    assert "Nothing was changed" in shown.stdout
    assert await position(platform, numbers[0]) == before[numbers[0]]
    for number in numbers:
        adopted = await adopt(platform, number)
        assert adopted.returncode == 0, adopted.stderr
        assert f"below offset {before[number]['next_offset']}" in adopted.stdout
    await platform.decided()
    assert await platform.drawn_g() == drawn_g, "nothing is counted twice"
    account = await platform.proven()
    assert account.total("duplicate") - outcomes == len(sent)
    assert {p.log_generation for p in account.partitions if p.topic == PRODUCTION.name} == {1, 2}
    assert "production, log 2" in (await asyncio.to_thread(monazite, platform, "ledger", "reconcile")).stdout

    async def is_well() -> bool:
        return await platform.healthy("intake")

    await until("intake is well", is_well)
    unknown = await asyncio.to_thread(monazite, platform, "ledger", "verify", "--source", "nobody/x")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    again = await adopt(platform, numbers[0])
    assert again.returncode == 1
    assert "nothing to adopt" in again.stderr
    (alert,) = await alerts(platform, "log-replaced")
    assert alert["evidence"]["count"] == len(numbers)
    assert await adoptions(platform) == [(number, before[number]["next_offset"], "A. Keeper") for number in numbers]


async def test_a_topic_that_was_recreated_and_has_outgrown_the_position_is_noticed(platform: Platform) -> None:
    plant, intake = PLANTS[0], platform.stack.services["intake"].child
    number = partition(plant)
    before = await position(platform, number)
    await asyncio.to_thread(intake.stop)
    await recreate(platform, said=False)
    gateway = Gateway(plant, "c" * 32)
    await platform.publish([gateway.produce() for _ in range(before["next_offset"] + 5)])
    starting = asyncio.create_task(asyncio.to_thread(intake.start))
    detail = await stands_still(platform, number)
    assert "another record" in detail
    assert (await position(platform, number)) == before
    for other in sorted({partition(plant) for plant in PLANTS}):
        adopted = await adopt(platform, other)
        assert adopted.returncode == 0, adopted.stderr
    await starting
    await platform.decided()
    await platform.proven()
    assert (await position(platform, number))["log_generation"] == before["log_generation"] + 1


@pytest.fixture
def patient(platform: Platform) -> Iterator[stack.Service]:
    """An intake that the group waits for: it may freeze for a while and still be a member; the test starts it."""
    servers = platform.stack.servers
    port_file = servers.folder.run / "patient.port"
    program = stack.program("intake", "patient", servers, port_file, {"MONAZITE_INTAKE__SESSION_TIMEOUT_S": "30"})
    child = Child(program, servers.folder.run)
    yield stack.Service(child, port_file)
    with suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGCONT)
    child.stop()


async def test_a_topic_that_is_recreated_and_outgrows_the_position_between_two_fetches_is_noticed(
    platform: Platform, patient: stack.Service
) -> None:
    shipped, number = platform.stack.services["intake"].child, partition(PLANTS[0])
    await asyncio.to_thread(shipped.stop)
    await asyncio.to_thread(patient.child.start)
    watched = Platform(replace(platform.stack, services=dict(platform.stack.services) | {"intake": patient}))
    await platform.publish(platform.work(envelopes=1))
    await platform.decided()
    before = await position(platform, number)
    os.kill(patient.child.pid, signal.SIGSTOP)
    await recreate(platform, said=False)
    gateway = Gateway(PLANTS[0], "d" * 32)
    await platform.publish([gateway.produce() for _ in range(before["next_offset"] + 5)])
    os.kill(patient.child.pid, signal.SIGCONT)
    assert "another record" in await stands_still(watched, number)
    assert (await position(platform, number)) == before, "nothing of the new log is taken for the old one's"
    for other in sorted({partition(plant) for plant in PLANTS}):
        await stands_still(watched, other)
        adopted = await adopt(platform, other)
        assert adopted.returncode == 0, adopted.stderr
    await platform.decided()
    await platform.proven()
    await asyncio.to_thread(patient.child.stop)
    await asyncio.to_thread(shipped.start)


async def test_members_that_join_and_leave_under_load_lose_and_double_nothing(platform: Platform) -> None:
    drawn_g = await platform.drawn_g()
    load = platform.work(envelopes=120, events=5)
    parts = [load[start::6] for start in range(6)]
    spare = [platform.stack.services[name].child for name in MEMBERS[1:]]
    moves = [spare[0].start, spare[1].start, spare[0].stop, spare[0].start, spare[1].stop, spare[0].stop]
    for move, part in zip(moves, parts, strict=True):
        moving = asyncio.create_task(asyncio.to_thread(move))
        await platform.publish(part)
        await moving
    await platform.decided()
    assert await platform.drawn_g() - drawn_g == len(load) * 5 * REO_G
    assert [child.exit_code for child in spare] == [0, 0]
    await platform.proven()
