"""A real Kafka and a real PostgreSQL: usable, durable, restartable."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from monazite.embedded.errors import DataInUseError, EmbeddedError
from monazite.embedded.postgres import buffers_mb
from monazite.embedded.servers import Servers, addresses_at, occupant, running


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with running() as up:
        yield up


async def ask(servers: Servers, query: str) -> object:
    connection = await asyncpg.connect(servers.addresses.postgres)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def create_topic(servers: Servers, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.addresses.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def publish(servers: Servers, topic: str, message: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=servers.addresses.kafka, enable_idempotence=True)
    await producer.start()
    try:
        await producer.send_and_wait(topic, message)
    finally:
        await producer.stop()


async def first_message(servers: Servers, topic: str, group: str | None = None) -> bytes | None:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=servers.addresses.kafka, group_id=group, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        message = await consumer.getone()
    finally:
        await consumer.stop()
    value: bytes | None = message.value
    return value


async def cluster_id(servers: Servers) -> str:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.addresses.kafka)
    await admin.start()
    try:
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()


async def test_kafka_carries_a_message(servers: Servers) -> None:
    await create_topic(servers, "plant-production")
    await publish(servers, "plant-production", b"12 t of NdPr")
    assert await first_message(servers, "plant-production", group="intake") == b"12 t of NdPr"


async def test_postgres_answers_with_the_settings_of_a_ledger(servers: Servers) -> None:
    assert await ask(servers, "SELECT current_database()") == "monazite"
    for name, value in (
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("TimeZone", "UTC"),
    ):
        assert await ask(servers, f"SELECT current_setting('{name}')") == value
    buffers = await ask(servers, "SELECT setting::bigint * 8 / 1024 FROM pg_settings WHERE name = 'shared_buffers'")
    assert buffers == buffers_mb(psutil.virtual_memory().total)
    assert await ask(servers, "SELECT current_setting('server_encoding')") == "UTF8"
    assert str(await ask(servers, "SELECT version()")).startswith("PostgreSQL 18")


async def test_postgres_lets_nobody_in_without_the_password(servers: Servers) -> None:
    address = servers.addresses.postgres
    password = address.split("@")[0].rpartition(":")[2]
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(address.replace(password, "guessed"))


async def test_data_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    with running(tmp_path / "data") as first:
        cluster = await cluster_id(first)
        await create_topic(first, "plant-production")
        await publish(first, "plant-production", b"kept")
        await ask(first, "CREATE TABLE kept AS SELECT 7 AS g")
        assert addresses_at(tmp_path / "data") == first.addresses
        assert occupant(tmp_path / "data") == os.getpid()
    assert addresses_at(tmp_path / "data") is None
    assert occupant(tmp_path / "data") is None
    with running(tmp_path / "data") as second:
        assert second.addresses == first.addresses
        assert await cluster_id(second) == cluster
        assert await first_message(second, "plant-production") == b"kept"
        assert await ask(second, "SELECT g FROM kept") == 7


async def test_killed_servers_come_back_on_the_same_port_with_their_data(servers: Servers) -> None:
    await create_topic(servers, "before-the-kill")
    await publish(servers, "before-the-kill", b"acknowledged")
    await ask(servers, "CREATE TABLE before_the_kill AS SELECT 7 AS g")
    servers.kafka.kill()
    servers.postgres.kill()
    assert not servers.kafka.alive
    servers.postgres.start()
    servers.kafka.start()
    assert await first_message(servers, "before-the-kill") == b"acknowledged"
    assert await ask(servers, "SELECT g FROM before_the_kill") == 7


async def test_a_server_killed_by_somebody_else_can_be_restarted(servers: Servers) -> None:
    os.kill(servers.postgres.pid, signal.SIGKILL)
    assert servers.postgres.wait(10) == -signal.SIGKILL
    servers.postgres.restart()
    assert await ask(servers, "SELECT 1") == 1


async def test_two_copies_run_side_by_side(servers: Servers, tmp_path: Path) -> None:
    with running(tmp_path / "other") as other:
        assert other.addresses.kafka != servers.addresses.kafka
        assert await cluster_id(other) != await cluster_id(servers)
        await ask(other, "CREATE TABLE only_here (g bigint)")
        assert await ask(servers, "SELECT to_regclass('only_here')") is None


def test_a_second_start_on_the_same_data_names_the_running_process(servers: Servers) -> None:
    with pytest.raises(DataInUseError, match=rf"Process {os.getpid()} runs on .*--data"), running(servers.folder.path):
        pytest.fail("it must not get here")
    assert servers.postgres.alive


async def test_a_stale_pid_file_that_names_an_innocent_process_does_not_hinder(tmp_path: Path) -> None:
    with running(tmp_path / "data", kafka=False) as first:
        first.postgres.kill()
        pid_file = first.folder.postgres / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        first.postgres.start()
        assert await ask(first, "SELECT 1") == 1


def test_a_server_that_was_not_asked_for_says_so() -> None:
    with running(kafka=False, postgres=False) as nothing, pytest.raises(EmbeddedError, match="not asked for"):
        assert nothing.kafka
