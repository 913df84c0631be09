"""How far intake has got, shown: lag as a metric, and offsets for Kafka's own tools."""

import logging

from aiokafka import AIOKafkaConsumer, TopicPartition

from monazite_consumers import metrics
from monazite_consumers.intake.assignment import Assignment

log = logging.getLogger(__name__)


class Progress:
    """What is shown decides nothing; where the position is not known, what was shown last must do."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._shown: dict[TopicPartition, int] = {}

    async def show(self, consumer: AIOKafkaConsumer) -> int:
        """How many messages wait to be fetched; raises KafkaError while the broker is away."""
        reached = {tp: position.next_offset for tp, position in self._assignment.positions.items()}
        unplaced = consumer.assignment() - reached.keys() - self._assignment.stopped.keys()
        shown = {tp: await consumer.committed(tp) or 0 for tp in unplaced} | reached
        ends = await consumer.end_offsets(list(shown)) if shown else {}
        lags = {tp: max(0, ends[tp] - next_offset) for tp, next_offset in shown.items()}
        metrics.LAG.clear()
        for tp, lag in (lags | self._assignment.stopped).items():
            metrics.LAG.labels(tp.topic, tp.partition).set(lag)
        if reached != self._shown:
            await self._store(consumer, reached)
        return sum(lags.values())

    async def _store(self, consumer: AIOKafkaConsumer, reached: dict[TopicPartition, int]) -> None:
        try:
            await consumer.commit(reached)
            self._shown = reached
        except Exception as error:  # noqa: BLE001 - a failure costs nothing but a tool's picture
            log.info("offsets for lag tools not stored: %s", error)
