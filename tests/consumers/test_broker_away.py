"""A broker that goes away: services say so soon, and not all the time."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from time import monotonic
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from consumer_double import TP

from monazite.embedded import servers
from monazite_consumers import connections, database
from monazite_consumers.app import RETRY_BACKOFF_MS
from monazite_consumers.health import Health
from monazite_consumers.intake.assignment import PLACES_WITHIN_S, Assignment
from monazite_consumers.intake.logs import READER
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.watch.knowing import Ends

AT_ONCE, LINES_PER_S = 20, 10
"""What an operator may be told of one outage; it was thirty lines a second."""

PAUSES = 2


@pytest.fixture
def _as_services_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fetcher, "close", connections._clients_own_close)  # put back afterwards
    monkeypatch.setattr(AIOKafkaClient, "_metadata_update", connections._clients_own_update)
    connections.keep_cancellations_apart()
    connections.ask_with_pauses()


@pytest.fixture
def broker() -> Iterator[servers.Servers]:
    """One that may be killed."""
    with servers.running(postgres=False) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def assignment(broker: servers.Servers, database_url: str) -> AsyncIterator[Assignment]:
    """Of a member that has the only partition."""
    own = {"bootstrap_servers": broker.addresses.kafka, "retry_backoff_ms": RETRY_BACKOFF_MS}

    async def connected() -> database.Connection:
        return await database.connect(database_url)

    admin = AIOKafkaAdminClient(bootstrap_servers=broker.addresses.kafka)
    await admin.start()
    await admin.create_topics([NewTopic(TP.topic, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=broker.addresses.kafka) as producer:
        await producer.send_and_wait(TP.topic, b"unread", partition=TP.partition)
    async with AIOKafkaConsumer(**own) as member:
        member.assign([TP])
        await member.end_offsets([TP])
        made = Assignment(connected, lambda: AIOKafkaConsumer(**own | READER), Health())
        made.consumer = member
        yield made


@pytest.mark.usefixtures("_as_services_run")
@pytest.mark.parametrize("question", ["beginning_offsets", "end_offsets", "getmany"])
async def test_a_broker_that_goes_away_while_a_log_is_looked_at_is_said_soon_and_not_all_the_time(
    assignment: Assignment,
    broker: servers.Servers,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    question: str,
) -> None:
    ask = getattr(AIOKafkaConsumer, question)

    async def ask_too_late(reader: AIOKafkaConsumer, *arguments: Any, **options: Any) -> Any:
        broker.kafka.kill()
        return await ask(reader, *arguments, **options)

    monkeypatch.setattr(AIOKafkaConsumer, question, ask_too_late)
    caplog.set_level(logging.INFO)
    began = monotonic()
    await assignment.on_partitions_assigned([TP])
    took_s = monotonic() - began
    assert not assignment._health.checks["assignment"].healthy
    assert took_s < PLACES_WITHIN_S, "who takes longer is red for taking too long"
    assert len(caplog.records) < AT_ONCE + LINES_PER_S * took_s


@pytest.mark.usefixtures("_as_services_run")
async def test_a_partition_without_a_leader_is_asked_for_with_pauses_while_no_broker_is_there(
    broker: servers.Servers, assignment: Assignment, caplog: pytest.LogCaptureFixture
) -> None:
    nobody_leads = TopicPartition(TP.topic, 1)
    member = assignment.consumer
    assert member is not None
    member.assign([nobody_leads])
    member.seek(nobody_leads, 0)
    broker.kafka.kill()
    caplog.clear()
    began = monotonic()
    async with asyncio.timeout(60):
        while caplog.text.count("Unable to update metadata") < 1 + PAUSES:  # noqa: ASYNC110 - a log wakes nobody
            await asyncio.sleep(0.01)
    assert monotonic() - began > 0.9 * PAUSES * RETRY_BACKOFF_MS / 1_000


@pytest.mark.usefixtures("_as_services_run", "assignment")
async def test_watch_asks_a_broker_that_is_away_with_pauses(
    broker: servers.Servers, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monazite_consumers.watch.knowing.PARTITIONS", [TP])
    ends = Ends(KafkaSettings(bootstrap=broker.addresses.kafka))
    async with asyncio.timeout(60):
        while await ends() is None:
            pass
    broker.kafka.kill()
    caplog.set_level(logging.INFO)
    caplog.clear()
    began = monotonic()
    assert await ends() is None
    assert len(caplog.records) < AT_ONCE + LINES_PER_S * (monotonic() - began)
    await ends.stop()
