"""The relay's producer: one transactional id, so that whoever takes over shuts every predecessor out at the broker."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final, Self

from aiokafka import AIOKafkaProducer

from monazite_consumers.delivery import Outgoing
from monazite_consumers.settings import KafkaSettings

TRANSACTIONAL_ID: Final = "monazite-relay"

ANSWERS_WITHIN_S: Final = 5.0
"""How long the broker may take over one pass: well below the lock session's limit of 10 s."""

TRANSACTION_TIMEOUT_MS: Final = 10_000
"""After which the broker takes back what a relay without a successor left open; longer than any pass."""

RETRY_BACKOFF_MS: Final = 400
"""While the broker is away the client says so at each try: the default is ten times a second."""

BATCH_BYTES_MAX: Final = 128 * 1024
"""Of one partition in one request: one request is under way at a time, and the default of 16 KiB makes many."""


class FencedProducer(AIOKafkaProducer):  # type: ignore[misc] # aiokafka ships no types
    """Publishes all of a pass or nothing. A predecessor that wakes up later is refused, whatever it was about to send.

    Waiting for the broker is bounded, and leaving waits for nothing: a transactional message never expires by itself.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        super().__init__(
            bootstrap_servers=kafka.bootstrap,
            transactional_id=TRANSACTIONAL_ID,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            request_timeout_ms=int(ANSWERS_WITHIN_S * 1_000),
            max_batch_size=BATCH_BYTES_MAX,
            retry_backoff_ms=RETRY_BACKOFF_MS,
        )

    async def __aenter__(self) -> Self:
        """Takes over: what a predecessor left open is taken back, and it can write no more."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await self.start()
        except BaseException:
            await self.abandon()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.abandon()

    async def publish(self, messages: Iterable[Outgoing]) -> None:
        """One transaction: readers of what is committed see all of it or nothing.

        Raises:
            ProducerFenced: a successor has taken over.
            KafkaError, TimeoutError: nobody knows whether it was committed; whoever takes over next settles that.
        """
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            await self.begin_transaction()
            acknowledgements = []
            for message in messages:
                sent = await self.send(message.topic, value=message.value, key=message.key)
                sent.add_done_callback(_noticed)
                acknowledgements.append(sent)
            await asyncio.gather(*acknowledgements)
            await self.commit_transaction()

    async def abandon(self) -> None:
        """Stops without waiting for what cannot be delivered; the broker takes back what was not committed."""
        sending = self._sender.sender_task
        while sending is not None and not sending.done():
            sending.cancel()  # more than once: each ends one of the requests that it waits for
            await asyncio.wait({sending}, timeout=0.05)
        self._closed = True
        await self.client.close()


def _noticed(sent: "asyncio.Future[Any]") -> None:
    """Fetches the error, so that one that comes after we gave up is not reported as overlooked."""
    if not sent.cancelled():
        sent.exception()
