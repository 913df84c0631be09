"""What the topic of alerts knows: the newest state of each, and what people did. Read when a database has forgotten."""

import logging
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import TypeAdapter, ValidationError

from monazite_consumers.relay.handlings import Handled, hear
from monazite_consumers.settings import KafkaSettings
from monazite_contracts.alerts import Alert, AlertAcknowledged
from monazite_contracts.topics import ALERTS

log = logging.getLogger(__name__)

PARTITION: Final = TopicPartition(ALERTS, 0)

_MESSAGE: Final[TypeAdapter[Alert | AlertAcknowledged]] = TypeAdapter(Alert | AlertAcknowledged)


@dataclass
class Heard:
    """By alert: its newest state as bytes, and what was done about it last."""

    alerts: dict[str, bytes] = field(default_factory=dict)
    handlings: dict[str, Handled] = field(default_factory=dict)
    _at: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """The highest that it tells of."""
        return max((epoch for epoch, _ in self._at.values()), default=0)

    def take(self, value: bytes) -> None:
        """One message after the other; what is not ours tells nothing."""
        try:
            message = _MESSAGE.validate_json(value)
        except ValidationError as error:
            log.warning("%s holds what the relay never wrote: %s", ALERTS, error)
            return
        hear(self.handlings, message)
        if isinstance(message, Alert) and (message.epoch, message.revision) > self._at.get(message.id, (0, 0)):
            self._at[message.id] = message.epoch, message.revision
            self.alerts[message.id] = value


async def alerts_topic(kafka: KafkaSettings) -> Heard:
    """All of it, from its start to its end now."""
    heard = Heard()
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    ) as consumer:
        consumer.assign([PARTITION])
        end = (await consumer.end_offsets([PARTITION]))[PARTITION]
        await consumer.seek_to_beginning(PARTITION)
        while await consumer.position(PARTITION) < end:
            for records in (await consumer.getmany(PARTITION, timeout_ms=200)).values():
                for record in records:
                    if record.value is not None:
                        heard.take(record.value)
    return heard
