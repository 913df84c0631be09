"""(c) FastStream's batch subscriber with decoded models and set-based SQL: a transaction for each batch."""

import logging
import sys

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from benchmarks.peers.reading import TOPICS, Holders, check, holders_of
from benchmarks.peers.set_based import STAGING, book_all
from monazite_contracts.events import Event

bootstrap, dsn, group = sys.argv[1:]
broker = KafkaBroker(bootstrap, log_level=logging.DEBUG)  # by default it logs two lines a message
app = FastStream(broker)
holders: Holders = {}
connection: asyncpg.Connection


async def decode(message: KafkaMessage) -> list[Event]:
    """The contract's strict models take JSON, not the dictionaries that the framework would make of it."""
    return [check(body) for body in message.body]


@app.on_startup
async def connect() -> None:
    global connection, holders  # noqa: PLW0603 - as the tutorial does
    connection = await asyncpg.connect(dsn)
    await connection.execute(STAGING)
    holders = await holders_of(connection)


@broker.subscriber(
    *TOPICS,
    batch=True,
    max_records=2_000,
    batch_timeout_ms=100,
    group_id=group,
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.MANUAL,
    decoder=decode,
)
async def on_events(events: list[Event], message: KafkaMessage) -> None:
    async with connection.transaction():
        await book_all(connection, message.raw_message, events, holders)
    await message.ack()


if __name__ == "__main__":
    uvloop.run(app.run())
