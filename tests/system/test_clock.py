"""Topics on the real and on the driven clock, and a start that refuses what would lose or misdate messages."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from running_platform import until

from monazite.embedded import servers
from monazite_consumers.errors import TopicError
from monazite_consumers.rules.registry import Registry
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.topics import ensure
from monazite_contracts.topics import HEARTBEATS, PLANT_TOPICS, TOPICS

PLANT = sorted({*PLANT_TOPICS.values(), HEARTBEATS})


@pytest.fixture(scope="module")
def broker() -> Iterator[servers.Servers]:
    """One of our own: topics have fixed names."""
    with servers.running(postgres=False) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def admin(broker: servers.Servers) -> AsyncIterator[AIOKafkaAdminClient]:
    """On a broker without topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=broker.addresses.kafka)
    await client.start()
    try:

        async def empty() -> bool:
            found = [name for name in await client.list_topics() if not name.startswith("__")]
            if found:
                await client.delete_topics(found)
            return not found

        await until("the topics are gone", empty)
        yield client
    finally:
        await client.close()


@pytest.fixture
def settings(broker: servers.Servers) -> KafkaSettings:
    return KafkaSettings(bootstrap=broker.addresses.kafka)


async def configured(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]):
        for resource in response.resources:
            found[resource[3]] = {entry[0]: entry[1] for entry in resource[4]}
    return found


async def test_on_the_driven_clock_plants_stamp_and_nothing_ever_expires(
    admin: AIOKafkaAdminClient, settings: KafkaSettings
) -> None:
    created = await ensure(settings, Registry(), driven=True)
    assert set(PLANT) <= set(created)
    for name, found in (await configured(admin, created)).items():
        assert found["message.timestamp.type"] == "CreateTime", name
        assert found["retention.ms"] == found["retention.bytes"] == "-1", name
        assert found["message.timestamp.after.max.ms"] == str(2**63 - 1), name


async def test_on_the_real_clock_the_broker_stamps_what_plants_send(
    admin: AIOKafkaAdminClient, settings: KafkaSettings
) -> None:
    await ensure(settings, Registry(), driven=False)
    found = await configured(admin, PLANT)
    assert {values["message.timestamp.type"] for values in found.values()} == {"LogAppendTime"}
    by_name = {topic.name: topic for topic in TOPICS}
    for name, values in found.items():
        assert values["retention.ms"] == str(by_name[name].retention_ms)
    assert set(found[HEARTBEATS]["cleanup.policy"].split(",")) == {"compact", "delete"}, "old heartbeats expire"


async def test_what_is_there_is_left_as_it_is(admin: AIOKafkaAdminClient, settings: KafkaSettings) -> None:
    assert await ensure(settings, Registry(), driven=False)
    assert await ensure(settings, Registry(), driven=False) == []


@pytest.mark.parametrize(
    "needed", [pytest.param("LogAppendTime", id="the-real-clock"), pytest.param("CreateTime", id="the-driven-clock")]
)
async def test_a_plant_topic_stamped_for_the_other_clock_is_refused(
    admin: AIOKafkaAdminClient, settings: KafkaSettings, needed: str
) -> None:
    driven = needed == "CreateTime"
    await ensure(settings, Registry(), driven=not driven)
    with pytest.raises(TopicError, match=f"needs {needed}"):
        await ensure(settings, Registry(), driven=driven)


@pytest.mark.parametrize("partitions", [5, 7])
async def test_a_topic_with_another_number_of_partitions_is_refused(
    admin: AIOKafkaAdminClient, settings: KafkaSettings, partitions: int
) -> None:
    await admin.create_topics([a_topic(partitions, "LogAppendTime")])
    with pytest.raises(TopicError, match=f"plant-production has {partitions} partitions, the table says 6"):
        await ensure(settings, Registry(), driven=False)


def a_topic(partitions: int, stamped: str) -> Any:
    return NewTopic("plant-production", partitions, 1, topic_configs={"message.timestamp.type": stamped})


@pytest.mark.parametrize("service", ["intake", "relay", "watch"])
async def test_a_service_ends_at_its_start_and_says_why(
    admin: AIOKafkaAdminClient, settings: KafkaSettings, database_url: str, service: str
) -> None:
    await admin.create_topics([a_topic(6, "CreateTime")])
    ended = subprocess.run(  # noqa: ASYNC221 - nothing else runs
        [sys.executable, "-m", "monazite", "serve", service],
        env=os.environ | {"MONAZITE_DATABASE__URL": database_url, "MONAZITE_KAFKA__BOOTSTRAP": settings.bootstrap},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "plant-production has message.timestamp.type=CreateTime" in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
