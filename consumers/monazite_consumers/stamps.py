"""Which log a partition is: its topic's id and its leader's term, as the leader itself has them."""

from collections import defaultdict
from collections.abc import Iterable
from io import BytesIO
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NotLeaderForPartitionError, UnsupportedVersionError
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

_ANY_ID: Final = bytes(16)
_CONNECTION: Final = "stamps"
"""A connection of its own to each leader: on the others an answer waits behind a fetch, or behind a rebalance."""


class Stamp(NamedTuple):
    """The same stamp before and after a fetch: what was fetched lies in the log that was looked at before.

    An id is never given twice, and a log is only ever cut off by a leader of another term.
    """

    topic_id: bytes
    leader_epoch: int


async def stamps(consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, Stamp]:
    """The stamps of partitions' logs. Each leader is asked: it knows a new log before it serves any record of it.

    Raises:
        KafkaError: a leader is away, is none any more, or is older than Kafka 2.8.
    """
    client = consumer._client  # noqa: SLF001 - the client has no door of its own for topic ids
    led: dict[int, list[TopicPartition]] = defaultdict(list)
    for tp in partitions:
        leader = client.cluster.leader_for_partition(tp)
        if leader is None or leader < 0:
            client.force_metadata_update()
            raise NotLeaderForPartitionError(f"{tp} has no leader")
        led[leader].append(tp)
    found: dict[TopicPartition, Stamp] = {}
    for leader, asked in led.items():
        request = _MetadataRequest({tp.topic for tp in asked})
        try:
            answer = await client.send(leader, request, group=_CONNECTION)
        except NotImplementedError as error:
            raise UnsupportedVersionError(f"node {leader} has no topic ids: Kafka 2.8 or later is needed") from error
        seen = dict(_read(answer, leader))
        if missing := set(asked) - seen.keys():
            client.force_metadata_update()
            raise NotLeaderForPartitionError(f"node {leader} does not lead {sorted(missing)}")
        found |= {tp: seen[tp] for tp in asked}
    return found


async def topic_ids(client: Any, topics: Iterable[str]) -> dict[str, bytes]:
    """The ids of topics, as far as a broker has them.

    Raises:
        KafkaError: none answers, or one that is older than Kafka 2.8.
    """
    try:
        answer = await client.send(client.get_random_node(), _MetadataRequest(topics))
    except NotImplementedError as error:
        raise UnsupportedVersionError("the broker has no topic ids: Kafka 2.8 or later is needed") from error
    return {name: topic_id for error_code, name, topic_id, *_ in answer.topics if not error_code}


def _read(answer: Any, leader: int) -> Iterable[tuple[TopicPartition, Stamp]]:
    """What a node says of the partitions that it leads."""
    for _, name, topic_id, _, partitions, _, _ in answer.topics:
        for _, number, led_by, leader_epoch, *_ in partitions:
            if led_by == leader:
                yield TopicPartition(name, number), Stamp(topic_id, leader_epoch)


class _Id(AbstractType[bytes]):  # type: ignore[misc] # aiokafka ships no types
    @classmethod
    def encode(cls, value: bytes) -> bytes:
        return value

    @classmethod
    def decode(cls, data: BytesIO) -> bytes:
        return data.read(16)


_NOTHING_MORE: Final = (False, False, False)
"""No topic is made, and nobody's rights are listed."""

_TAGS: Final = ("tags", TaggedFields)
_NODES: Final = CompactArray(Int32)
_BROKER: Final = (
    ("node_id", Int32), ("host", CompactString("utf-8")), ("port", Int32), ("rack", CompactString("utf-8")), _TAGS,
)  # fmt: skip
_PARTITION: Final = (
    ("error_code", Int16), ("partition", Int32), ("leader", Int32), ("leader_epoch", Int32),
    ("replicas", _NODES), ("isr", _NODES), ("offline_replicas", _NODES), _TAGS,
)  # fmt: skip
_TOPIC: Final = (
    ("error_code", Int16), ("name", CompactString("utf-8")), ("topic_id", _Id), ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)), ("authorized_operations", Int32), _TAGS,
)  # fmt: skip


class _MetadataResponse(Response):  # type: ignore[misc] # aiokafka ships no types
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        ("authorized_operations", Int32),
        _TAGS,
    )


class _MetadataRequestV10(RequestStruct):  # type: ignore[misc] # aiokafka ships no types
    """The first version that names topic ids; the client's own ends at 5."""

    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = _MetadataResponse
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Id), ("name", CompactString("utf-8")), _TAGS)),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        _TAGS,
    )


class _MetadataRequest(Request[_MetadataRequestV10]):  # type: ignore[misc] # aiokafka ships no types
    API_KEY = 3

    def __init__(self, topics: Iterable[str]) -> None:
        self._topics: list[tuple[bytes, str, dict[int, bytes]]] = [(_ANY_ID, topic, {}) for topic in sorted(topics)]

    def build(self, request_struct_class: type[_MetadataRequestV10]) -> _MetadataRequestV10:
        return request_struct_class(self._topics, *_NOTHING_MORE, {})
