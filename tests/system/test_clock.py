"""Topics on the real and on the driven clock, and a start that refuses what would lose or misdate messages."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from running_platform import until

from monazite.embedded import servers
from monazite_consumers.errors import TopicError
from monazite_consumers.rules.entries import Plant
from monazite_consumers.rules.registry import Registry
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.topics import INDEX_BYTES, ensure, names
from monazite_contracts.topics import HEARTBEATS, PLANT_TOPICS, TOPICS, receipts_topic

ALL = [name for topic in TOPICS for name in names(topic, Registry())]
PLANT = sorted({*PLANT_TOPICS.values(), HEARTBEATS})


@pytest.fixture(scope="module")
async def driven() -> AsyncIterator[KafkaSettings]:
    """A broker whose topics were made on the driven clock."""
    with servers.running(postgres=False) as running:
        settings = KafkaSettings(bootstrap=running.addresses.kafka)
        assert set(await ensure(settings, Registry(), driven=True)) == set(ALL)
        yield settings


@pytest.fixture(scope="module")
async def real() -> AsyncIterator[KafkaSettings]:
    """A broker whose topics were made on the real clock."""
    with servers.running(postgres=False) as running:
        settings = KafkaSettings(bootstrap=running.addresses.kafka)
        assert set(await ensure(settings, Registry(), driven=False)) == set(ALL)
        yield settings


@pytest.fixture
def empty() -> Iterator[KafkaSettings]:
    """A broker without topics."""
    with servers.running(postgres=False) as running:
        yield KafkaSettings(bootstrap=running.addresses.kafka)


async def configured(kafka: KafkaSettings, topics: Sequence[str] = ALL) -> dict[str, dict[str, str]]:
    """The configuration of topics, as soon as the broker knows it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    found: dict[str, dict[str, str]] = {}

    async def known() -> bool:
        for response in await admin.describe_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
        ):
            for resource in response.resources:
                found[resource[3]] = {entry[0]: entry[1] for entry in resource[4]}
        return all(found[name] for name in topics)

    try:
        await until("the broker knows every topic", known)
    finally:
        await admin.close()
    return found


async def test_on_the_driven_clock_plants_stamp_and_nothing_ever_expires(driven: KafkaSettings) -> None:
    for name, found in (await configured(driven)).items():
        assert found["message.timestamp.type"] == "CreateTime", name
        assert found["retention.ms"] == found["retention.bytes"] == "-1", name
        assert found["message.timestamp.after.max.ms"] == str(2**63 - 1), name


async def test_on_the_real_clock_the_broker_stamps_what_plants_send(real: KafkaSettings) -> None:
    found = await configured(real)
    assert {found[name]["message.timestamp.type"] for name in PLANT} == {"LogAppendTime"}
    for topic in TOPICS:
        for name in names(topic, Registry()):
            assert found[name]["retention.ms"] == str(topic.retention_ms)
    assert set(found[HEARTBEATS]["cleanup.policy"].split(",")) == {"compact", "delete"}, "old heartbeats expire"


async def test_a_topic_for_each_plant_reserves_little_for_its_indexes(empty: KafkaSettings) -> None:
    plant = Plant(code="mill", name="Mill", province="hunan")
    receipts = receipts_topic(plant.code)
    assert receipts in await ensure(empty, Registry.of(1, [("plants", plant)]), driven=False)
    found = await configured(empty, [receipts, *PLANT])
    assert found[receipts]["segment.index.bytes"] == str(INDEX_BYTES)
    assert int(found[HEARTBEATS]["segment.index.bytes"]) > INDEX_BYTES


async def test_what_is_there_is_left_as_it_is(real: KafkaSettings, driven: KafkaSettings) -> None:
    assert await ensure(real, Registry(), driven=False) == []
    assert await ensure(driven, Registry(), driven=True) == []


async def test_plant_topics_stamped_for_the_other_clock_are_refused(real: KafkaSettings, driven: KafkaSettings) -> None:
    with pytest.raises(TopicError, match="needs CreateTime"):
        await ensure(real, Registry(), driven=True)
    with pytest.raises(TopicError, match="needs LogAppendTime"):
        await ensure(driven, Registry(), driven=False)


async def test_a_topic_with_another_number_of_partitions_is_refused(empty: KafkaSettings) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=empty.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("plant-production", 7, 1)])
    await admin.close()
    with pytest.raises(TopicError, match="plant-production has 7 partitions, the table says 6"):
        await ensure(empty, Registry(), driven=False)


@pytest.mark.parametrize("service", ["intake", "relay", "watch"])
async def test_a_service_ends_at_its_start_and_says_why(driven: KafkaSettings, database_url: str, service: str) -> None:
    ended = subprocess.run(  # noqa: ASYNC221 - nothing else runs
        [sys.executable, "-m", "monazite", "serve", service],
        env=os.environ | {"MONAZITE_DATABASE__URL": database_url, "MONAZITE_KAFKA__BOOTSTRAP": driven.bootstrap},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 1
    assert "has message.timestamp.type=CreateTime, but this platform's clock needs LogAppendTime" in " ".join(
        ended.stderr.split()
    )
    assert "Traceback" not in ended.stderr
