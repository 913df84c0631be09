"""What the topics of alerts and reports know. Read when a database has forgotten."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic import TypeAdapter, ValidationError

from monazite_consumers.relay.handlings import Handled, hear
from monazite_consumers.settings import KafkaSettings
from monazite_contracts.alerts import Alert, AlertAcknowledged, ReportReady
from monazite_contracts.topics import ALERTS, REPORTS

log = logging.getLogger(__name__)

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
    """The newest state of each alert, and what people did."""
    heard = Heard()
    async for value in _values(kafka, ALERTS):
        heard.take(value)
    return heard


async def reports_topic(kafka: KafkaSettings) -> list[ReportReady]:
    """Every revision that was announced, as far as the topic still has it: of each report at least one."""
    announced = []
    async for value in _values(kafka, REPORTS):
        try:
            announced.append(ReportReady.model_validate_json(value))
        except ValidationError as error:
            log.warning("%s holds what the relay never wrote: %s", REPORTS, error)
    return announced


async def _values(kafka: KafkaSettings, topic: str) -> AsyncIterator[bytes]:
    """All of a topic that has one partition, from its start to its end now."""
    partition = TopicPartition(topic, 0)
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    ) as consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.seek_to_beginning(partition)
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(partition, timeout_ms=200)).values():
                for record in records:
                    if record.value is not None:
                        yield record.value
