"""The whole attack on a real Kafka, through the real intake, while plants go on publishing."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any

import pytest_asyncio
from aiokafka import AIOKafkaProducer
from attacker import EVIL, EVIL_KEY, NOISE, TRICKS
from regulator_desk import Message
from running_platform import PLANTS, PROVINCE, REO_G, Platform, a_registry

from monazite import stack
from monazite_consumers.queries import rebuilt
from monazite_contracts.builders import a_signing_key
from monazite_contracts.seal import encode_base64url
from monazite_contracts.topics import PLANT_TOPICS

BEFORE, DURING, EVENTS = 2, 6, 3
LONG_AGO_MS = 1_000_000_000_000
"""In 2001: what the attacker stamps, so that its own would be the earlier ones."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    made = Platform(running)
    nouns = a_registry()
    public = encode_base64url(bytes(a_signing_key(EVIL_KEY).verify_key))
    since = {"since": "2020-01-01"}
    evil: dict[str, Any] = {
        "enterprises": {"code": "evil", "name": "evil", "simulated": True},
        "plants": {"code": EVIL, "name": EVIL, "province": PROVINCE, "simulated": True},
        "operations": {"plant": EVIL, "enterprise": "evil"} | since,
        "gateway_keys": {
            "id": EVIL_KEY, "plant": EVIL, "gateway": "gw-1", "public": public, "since": "2020-01-01T00:00:00Z",
        },
        "approvals": {"enterprise": "evil", "activity": "mining"} | since,
    }  # fmt: skip
    await made.apply(nouns | {noun: [*nouns[noun], entry] for noun, entry in evil.items()})
    await made.publish(made.work(BEFORE, EVENTS))
    await made.decided()
    return made


async def published(platform: Platform) -> list[Message]:
    """Everything that plants have ever published."""
    return [
        Message(r.topic, r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
        for topic in PLANT_TOPICS.values()
        for r in await platform.read(topic)
    ]


@asynccontextmanager
async def a_producer(platform: Platform, **settings: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=platform.stack.addresses.kafka, **settings)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: AIOKafkaProducer, message: Message) -> None:
    """As nobody's library would: any partition, any time, any header."""
    await producer.send_and_wait(
        message.topic,
        message.value,
        key=message.key,
        partition=message.partition,
        timestamp_ms=LONG_AGO_MS,
        headers=list(message.headers),
    )


async def test_plants_go_on_as_if_there_were_no_attack(platform: Platform) -> None:
    victims = await published(platform)
    noise = [trick(victims[n % 12], victims[(n + 1) % 12]) for n, trick in enumerate(TRICKS.values())]
    load = platform.work(DURING, EVENTS)
    work = [load[n : n + 4] for n in range(0, len(load), 4)]
    async with a_producer(platform) as attacker, a_producer(platform, transactional_id="evil") as hanging:
        await hanging.begin_transaction()
        for topic in PLANT_TOPICS.values():
            for partition in range(6):  # never ended while it matters: whoever reads committed records only would stop
                await hanging.send_and_wait(topic, b"{}", partition=partition)
        for message, sent in zip_longest(noise, work):
            if message is not None:
                await write(attacker, message)
            if sent is not None:
                await platform.publish(sent)
        odd = Message(PLANT_TOPICS["production"], 0, -1, 0, b"\xff", b"\xff", [("key", b"k" * 99)])
        await write(attacker, odd)
        platform.published += len(noise) + 19
        await platform.decided()
        await hanging.abort_transaction()
    assert await platform.drawn_g() == 6 * (BEFORE + DURING) * EVENTS * REO_G
    sequences = BEFORE + DURING
    for gateway in platform.gateways.values():
        decided = await platform.ask(
            "SELECT decided::text FROM source_states JOIN sources USING (source) WHERE plant = $1 AND incarnation = $2",
            gateway.plant,
            gateway.source.incarnation,
        )
        assert decided == f"{{[1,{sequences + 1})}}"


async def test_the_broker_says_when_it_arrived_whatever_a_producer_stamps(platform: Platform) -> None:
    earliest = await platform.ask("SELECT min(arrived_at) FROM ledger")
    assert earliest > datetime(2025, 1, 1, tzinfo=UTC)


async def test_it_is_all_accounted_for_and_only_the_attempts_are_alerted(platform: Platform) -> None:
    assert (await platform.account()).reconciled
    async with platform.connection() as opened:
        assert await rebuilt(opened, keep=False) == []
        rows = await opened.fetch("SELECT rule, subject FROM alerts WHERE condition = 'raised'")
    expected = {*NOISE, "event-long-past"}  # what the builders state was in 2023
    blamed = {row["subject"].partition("/")[0] for row in rows if row["rule"] not in expected}
    assert blamed <= {EVIL, "evil"}


# --- and the ledger that came of it is verified


async def verified(platform: Platform, *options: str) -> "subprocess.CompletedProcess[str]":
    """`monazite ledger verify` beside the running services."""
    addresses = platform.stack.addresses
    named = {"MONAZITE_DATABASE__URL": addresses.postgres, "MONAZITE_KAFKA__BOOTSTRAP": addresses.kafka}
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "monazite", "ledger", "verify", *options],
        env=os.environ | named | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


async def test_the_ledger_fits_and_is_what_kafka_holds(platform: Platform) -> None:
    done = await verified(platform, "--against-kafka", "--json")
    report = json.loads(done.stdout)
    assert report["misfits"] == []
    assert (done.returncode, report["fits"]) == (0, True)
    assert report["messages"] == report["reread"] == platform.published


async def test_against_kafka_the_first_changed_byte_is_named_and_the_exit_status_is_1(platform: Platform) -> None:
    change = (
        "UPDATE ledger SET value = overlay(value PLACING $1 FROM 60 FOR 1) WHERE message = 1"
        " RETURNING get_byte(value, 59)"
    )
    was = await platform.ask("SELECT substring(value FROM 60 FOR 1) FROM ledger WHERE message = 1")
    assert await platform.ask(change, b"\x7f") == 0x7F
    try:
        told = await verified(platform, "--against-kafka", "--source", platform.gateways[PLANTS[0]].plant)
        report = json.loads((await verified(platform, "--against-kafka", "--json")).stdout)
    finally:
        await platform.ask(change, was)
    assert told.returncode == 1
    assert "things do not fit" in told.stdout
    against = [m for m in report["misfits"] if "against Kafka" in m["detail"]]
    assert [(m["column"], m["byte"], m["expected"], m["found"]) for m in against] == [
        ("ledger.value", 59, was.hex(), "7f")
    ]
    assert report["misfits"][0]["column"] == "ledger.value"
    assert (await verified(platform)).returncode == 0


async def test_a_forged_arrival_that_fits_in_itself_does_not_fit_kafka(platform: Platform) -> None:
    later = "UPDATE {} SET arrived_at = arrived_at + $1::interval WHERE message = 1 RETURNING 1"
    for relation in ("ledger", "envelopes"):
        await platform.ask(later.format(relation), timedelta(milliseconds=1))
    try:
        report = json.loads((await verified(platform, "--against-kafka", "--json")).stdout)
    finally:
        for relation in ("ledger", "envelopes"):
            await platform.ask(later.format(relation), timedelta(milliseconds=-1))
    assert report["by_column"]["ledger.arrived_at"] == 1


async def test_a_source_that_is_not_there_is_an_error(platform: Platform) -> None:
    done = await verified(platform, "--source", "nobody")
    assert done.returncode == 1
    assert "there is no message of a source nobody" in done.stderr
