"""A plant whose producer is not as the contract asks."""

from collections import Counter
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from chaos.ordeal import Fault, Scene, decided
from chaos.world import NeverError, World, until
from monazite_producers.publisher import Outgoing, partition_for

Holes = Counter[tuple[str, int]]
"""Offsets that never held a message, by topic and partition."""


class TransactionalProducer(Fault):
    """One that publishes in transactions: their markers are holes in the log, and alerted.

    What is sealed was said, whatever becomes of the transaction: it counts while that is open, and when it is aborted;
    what the plant then sends once more is duplicate.
    """

    name = "a transactional producer that commits and aborts"

    def __init__(self, times: int) -> None:
        self.times = times
        self._due = Holes()

    async def strike(self, scene: Scene) -> None:
        self._due = await _holes(scene.world)
        async with AIOKafkaProducer(
            bootstrap_servers=scene.world.bootstrap, transactional_id="chaos", partitioner=partition_for
        ) as producer:
            for _ in range(self.times):
                async with scene.load.alone():  # what is said in turn must be sent in turn
                    messages = scene.load.plants.send(5)
                    await producer.begin_transaction()
                    await self._say(scene, producer, messages)
                    await decided(scene)  # an open transaction holds nobody up
                    await producer.abort_transaction()
                    async with producer.transaction():
                        await self._say(scene, producer, [*messages, *scene.load.plants.send(5)])

    async def heal(self, scene: Scene) -> None:
        """Nothing is broken; a marker at a partition's end is noticed a moment after everything is decided."""

        async def noticed() -> bool:
            return await _holes(scene.world) == self._due

        try:
            await until("each marker is noticed, and nothing else", noticed)
        except NeverError as error:
            found = await _holes(scene.world)
            raise NeverError(f"{error}: too few {self._due - found}, too many {found - self._due}") from error

    async def _say(self, scene: Scene, producer: AIOKafkaProducer, messages: Sequence[Outgoing]) -> None:
        """In a transaction that is open; the account holds it from the acknowledgement on."""
        load = scene.load
        sent = [await producer.send(m.topic, value=m.value, key=m.key, headers=list(m.headers)) for m in messages]
        places = [await future for future in sent]
        today = await _today(scene.world)
        for message, at in zip(messages, places, strict=True):
            load.keep(message, at.topic, at.partition, at.offset, at.timestamp)
            load.raised.add(("log-holes", at.topic, today))
        self._due.update({(at.topic, at.partition) for at in places})  # one marker in each


async def _holes(world: World) -> Holes:
    async with world.connection() as opened:
        rows = await opened.fetch("SELECT topic, partition, sum(holes) AS holes FROM intake_positions GROUP BY 1, 2")
    return Holes({(row["topic"], row["partition"]): int(row["holes"]) for row in rows if row["holes"]})


async def _today(world: World) -> str:
    """The day on which a hole is noticed, shortly."""
    return str(await world.ask("SELECT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date"))
