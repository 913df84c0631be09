"""A plant whose producer is not as the contract asks."""

from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from chaos.ordeal import Fault, Scene, decided
from chaos.world import until
from monazite_producers.publisher import Outgoing, partition_for


class TransactionalProducer(Fault):
    """One that publishes in transactions: their markers are holes in the log, and alerted.

    What is sealed was said, whatever becomes of the transaction: it counts while that is open, and when it is aborted;
    what the plant then sends once more is duplicate.
    """

    name = "a transactional producer that commits and aborts"

    def __init__(self, times: int) -> None:
        self.times = times

    async def strike(self, scene: Scene) -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=scene.world.bootstrap, transactional_id="chaos", partitioner=partition_for
        ) as producer:
            for _ in range(self.times):
                async with scene.load.alone():  # what is said in turn must be sent in turn
                    messages = scene.load.plants.send(5)
                    await producer.begin_transaction()
                    await _say(scene, producer, messages)
                    await decided(scene)  # an open transaction holds nobody up
                    await producer.abort_transaction()
                    async with producer.transaction():
                        await _say(scene, producer, [*messages, *scene.load.plants.send(5)])

    async def heal(self, scene: Scene) -> None:
        """Nothing is broken; a marker at a partition's end is noticed a moment after everything is decided."""
        raised = {topic for rule, topic, _ in scene.load.raised if rule == "log-holes"}

        async def noticed() -> bool:
            found = await scene.world.ask("SELECT array_agg(DISTINCT topic) FROM skipped_days WHERE holes > 0")
            return raised <= set(found or ())

        await until("the holes are noticed", noticed)


async def _say(scene: Scene, producer: AIOKafkaProducer, messages: Sequence[Outgoing]) -> None:
    """In a transaction that is open; the account holds it from the acknowledgement on."""
    load = scene.load
    sent = [await producer.send(m.topic, value=m.value, key=m.key, headers=list(m.headers)) for m in messages]
    today = await _today(scene)
    for message, future in zip(messages, sent, strict=True):
        at = await future
        load.keep(message, at.topic, at.partition, at.offset, at.timestamp)
        load.raised.add(("log-holes", at.topic, today))


async def _today(scene: Scene) -> str:
    """The day on which a hole is noticed, shortly."""
    return str(await scene.world.ask("SELECT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date"))
