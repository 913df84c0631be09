"""Creates the topics of the table, and refuses a broker whose plant topics would lose or misdate what arrives."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from monazite_consumers.errors import TopicError
from monazite_consumers.rules.registry import Registry
from monazite_consumers.settings import KafkaSettings
from monazite_contracts.topics import (
    HEARTBEATS,
    PLANT_TOPICS,
    TOPICS,
    Topic,
    cleanup_policy,
    compaction_lag_ms,
)

SEGMENT_MS = 3_600_000
"""Of topics of which only the newest records mean anything."""

INDEX_BYTES = 1024 * 1024
"""Of topics of which there is one a plant or a province. A broker reserves 10 MiB for each index of each segment and
touches it at the first record: with hundreds of topics that costs seconds of processor time."""

DESCRIBE_TRIES = 50
DESCRIBE_EVERY_S = 0.1

_ARRIVAL = "message.timestamp.type"
_FROM_PLANTS = frozenset({*PLANT_TOPICS.values(), HEARTBEATS})


def configuration(topic: Topic, *, driven: bool) -> dict[str, str]:
    """A topic's broker settings. On the driven clock nothing is ever too old or too new for the broker."""
    settings = {
        "cleanup.policy": cleanup_policy(topic),
        "retention.ms": str(topic.retention_ms),
        _ARRIVAL: "LogAppendTime" if topic.name in _FROM_PLANTS else "CreateTime",
    }
    if topic.compacted:
        settings["min.compaction.lag.ms"] = str(compaction_lag_ms(topic))
        if not compaction_lag_ms(topic):
            settings["segment.ms"] = str(SEGMENT_MS)  # the newest segment is not compacted
    if "{" in topic.name:
        settings["segment.index.bytes"] = str(INDEX_BYTES)
    if driven:
        settings |= {
            _ARRIVAL: "CreateTime",
            "retention.ms": "-1",
            "retention.bytes": "-1",
            "message.timestamp.after.max.ms": str(2**63 - 1),
        }
    return settings


def names(topic: Topic, registry: Registry) -> list[str]:
    """The topics that one row stands for."""
    if "{plant}" in topic.name:
        return [topic.name.format(plant=plant) for plant in sorted(registry.plants)]
    if "{province}" in topic.name:
        provinces = sorted({plant.province for plant in registry.plants.values()})
        return [topic.name.format(province=province) for province in provinces]
    return [topic.name]


def row_of(name: str) -> Topic:
    """The row of the table that stands for a topic.

    Raises:
        TopicError: none does.
    """
    for topic in TOPICS:
        before, of_each, _ = topic.name.partition("{")
        if name == topic.name or (of_each and name.startswith(before)):
            return topic
    raise TopicError(f"no row of the table of topics stands for {name}")


async def ensure(kafka: KafkaSettings, registry: Registry, *, driven: bool, also: Iterable[str] = ()) -> list[str]:
    """Creates what is missing, `also` those of plants that have left; returns the names of what it created.

    Raises:
        TopicError: a topic has another number of partitions than the table, or plant topics do not stamp arrival.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        wanted = {name: topic for topic in TOPICS for name in names(topic, registry)}
        wanted |= {name: row_of(name) for name in also}
        present = set(await admin.list_topics())
        missing = [name for name in wanted if name not in present]
        created = await _create(
            admin,
            [
                NewTopic(
                    name,
                    wanted[name].partitions,
                    kafka.replication,
                    topic_configs=configuration(wanted[name], driven=driven),
                )
                for name in missing
            ],
        )
        # Also what a service that starts beside us created meanwhile.
        await _check(admin, {name: topic for name, topic in wanted.items() if name not in created}, driven=driven)
        return created
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, wanted: list[NewTopic]) -> list[str]:
    """The names of those that were not there yet."""
    if not wanted:
        return []
    created = []
    response = await admin.create_topics(wanted)
    for name, code, message in response.topic_errors:
        error = for_code(code)
        if not code:
            created.append(name)
        elif error is not TopicAlreadyExistsError:
            raise TopicError(f"the broker refused to create {name}: {error.__name__} {message or ''}")
    return created


async def _described(admin: AIOKafkaAdminClient, names: list[str]) -> list[Any]:
    """Topics with their partitions; a broker may hear of one a moment after it was created."""
    for _ in range(DESCRIBE_TRIES):
        found = list(await admin.describe_topics(names)) if names else []
        if not any(topic["error_code"] for topic in found):
            return found
        await asyncio.sleep(DESCRIBE_EVERY_S)
    unknown = [topic["topic"] for topic in found if topic["error_code"]]
    raise TopicError(f"the broker does not describe {', '.join(unknown)}")


async def _check(admin: AIOKafkaAdminClient, present: Mapping[str, Topic], *, driven: bool) -> None:
    for found in await _described(admin, list(present)):
        name, partitions = found["topic"], len(found["partitions"])
        if partitions != present[name].partitions:
            raise TopicError(
                f"{name} has {partitions} partitions, the table says {present[name].partitions}: "
                "adding partitions to a keyed topic breaks the order of its keys"
            )
    wanted = "CreateTime" if driven else "LogAppendTime"
    for name, stamped in (await _timestamp_types(admin, [n for n in present if n in _FROM_PLANTS])).items():
        if stamped != wanted:
            raise TopicError(f"{name} has {_ARRIVAL}={stamped}, but this platform's clock needs {wanted}: set it")


async def _timestamp_types(admin: AIOKafkaAdminClient, topics: list[str]) -> dict[str, str]:
    if not topics:
        return {}
    found = {}
    for response in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]):
        for resource in response.resources:
            values = {entry[0]: entry[1] for entry in resource[4]}
            found[resource[3]] = values[_ARRIVAL]
    return found
