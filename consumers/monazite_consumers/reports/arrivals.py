"""Whether intake is behind: what had arrived at the broker when we first asked, against what has been decided."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement
from monazite_contracts.topics import PARTITIONS, PLANT_TOPICS


class Arrivals:
    """Asks the broker once, then the database until everything of then is decided: more may arrive all the time."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._ends: dict[TopicPartition, int] | None = None

    async def behind(self, connection: Connection) -> bool:
        """Whether something waits that had arrived when this was asked first; a broker that is away says nothing."""
        if self._ends is None:
            try:
                self._ends = await self._read_ends()
            except (KafkaError, OSError):
                return True
        rows = await connection.fetch(statement("positions", "all"))
        reached = {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        if any(reached.get(tp, 0) < end for tp, end in self._ends.items()):
            return True
        self._ends = None
        return False

    async def _read_ends(self) -> dict[TopicPartition, int]:
        async with AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False) as consumer:
            partitions = [TopicPartition(topic, n) for topic in PLANT_TOPICS.values() for n in range(PARTITIONS[topic])]
            consumer.assign(partitions)
            ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
            starts: dict[TopicPartition, int] = await consumer.beginning_offsets(partitions)
        return {tp: end for tp, end in ends.items() if end > starts[tp]}
