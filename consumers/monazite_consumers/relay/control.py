"""The relay's record of how far it has published, on a topic of its own: what a restored database does not know."""

from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import ValidationError

from monazite_consumers.delivery import Outgoing
from monazite_consumers.errors import ControlError
from monazite_consumers.settings import KafkaSettings
from monazite_contracts.control import RelayControl
from monazite_contracts.topics import RELAY_CONTROL

KEY: Final = b"relay"
PARTITION: Final = TopicPartition(RELAY_CONTROL, 0)

REACH: Final = 100
"""How far from the end it is looked for first: the topic may not have been compacted for a while."""


def message(control: RelayControl) -> Outgoing:
    """As it is published, with the pass that it speaks of."""
    return Outgoing(RELAY_CONTROL, KEY, control.model_dump_json().encode())


async def newest(kafka: KafkaSettings) -> RelayControl | None:
    """The last one that was committed; None before the first. Whoever asks has shut every other relay out.

    Raises:
        ControlError: it cannot be read.
    """
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # the default begins at the end, and may do so after our own seek
    ) as consumer:
        consumer.assign([PARTITION])
        start = (await consumer.beginning_offsets([PARTITION]))[PARTITION]
        end = (await consumer.end_offsets([PARTITION]))[PARTITION]
        reach = REACH
        while True:
            first = max(start, end - reach)
            value = await _last_value(consumer, first, end)
            if value is not None:
                return _read(value)
            if first == start:
                return None
            reach *= 10


async def _last_value(consumer: AIOKafkaConsumer, first: int, end: int) -> bytes | None:
    consumer.seek(PARTITION, first)
    value = None
    while await consumer.position(PARTITION) < end:  # markers of transactions are passed over
        for records in (await consumer.getmany(PARTITION, timeout_ms=200)).values():
            value = records[-1].value
    return value


def _read(value: bytes) -> RelayControl:
    try:
        return RelayControl.model_validate_json(value)
    except ValidationError as error:
        raise ControlError(f"{ControlError.__doc__} {error}") from error
