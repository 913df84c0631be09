"""A plant whose producer is not as the contract asks."""

from aiokafka import AIOKafkaProducer

from chaos.ordeal import Fault, Scene
from monazite_producers.publisher import partition_for


class TransactionalProducer(Fault):
    """One that publishes in transactions: their markers are holes in the log."""

    name = "a transactional producer among the plants"

    def __init__(self, times: int) -> None:
        self.times = times

    async def strike(self, scene: Scene) -> None:
        load = scene.load
        async with AIOKafkaProducer(
            bootstrap_servers=scene.world.bootstrap, transactional_id="chaos", partitioner=partition_for
        ) as producer:
            for _ in range(self.times):
                async with load.alone():  # what is said in turn must be sent in turn
                    messages = load.plants.send(5)
                    async with producer.transaction():
                        sent = [
                            await producer.send(m.topic, value=m.value, key=m.key, headers=list(m.headers))
                            for m in messages
                        ]
                    for message, future in zip(messages, sent, strict=True):
                        at = await future
                        load.keep(message, at.topic, at.partition, at.offset, at.timestamp)

    async def heal(self, scene: Scene) -> None:
        """Nothing is broken."""
