"""Nothing goes wrong, or hardly anything: the load alone, and somebody who commits late."""

import asyncio

from chaos.ordeal import Fault, Scene
from chaos.world import until


class Calm(Fault):
    """The load alone: what everything else is measured against."""

    name = "nothing: the load alone"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def strike(self, scene: Scene) -> None:
        await asyncio.sleep(self._seconds)

    async def heal(self, scene: Scene) -> None:
        """Nothing is broken."""


class LateCommit(Fault):
    """A message takes its number, and commits after messages with higher numbers have been published."""

    name = "a transaction that commits after later ones"

    async def strike(self, scene: Scene) -> None:
        world = scene.world
        async with world.connection({"idle_in_transaction_session_timeout": "0"}) as slow:
            transaction = slow.transaction()
            await transaction.start()
            await slow.execute("INSERT INTO outbox (topic, key, value) VALUES ('dead-letters', 'chaos', '{}')")
            number = await slow.fetchval("SELECT max(publication) FROM outbox WHERE topic = 'dead-letters'")

            async def passed() -> bool:
                later = "SELECT count(*) > 0 FROM outbox WHERE publication > $1 AND published_at IS NOT NULL"
                return bool(await world.ask(later, number))

            await until("later ones are published", passed)
            await transaction.commit()

    async def heal(self, scene: Scene) -> None:
        """Nothing is broken."""
