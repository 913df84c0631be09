"""(a) FastStream as its tutorial has it: a decoded model as the handler's argument, a transaction for each event.

Acknowledged when the handler is done: by default FastStream acknowledges before, and a crash loses the event.
"""

import logging
import sys

import asyncpg
import uvloop
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from benchmarks.peers.one_by_one import book
from benchmarks.peers.reading import TOPICS, Holders, check, holders_of
from monazite_contracts.events import Event

bootstrap, dsn, group = sys.argv[1:]
broker = KafkaBroker(bootstrap, log_level=logging.DEBUG)  # by default it logs two lines a message
app = FastStream(broker)
holders: Holders = {}
pool: asyncpg.Pool


async def decode(message: KafkaMessage) -> Event:
    """The contract's strict models take JSON, not the dictionary that the framework would make of it."""
    return check(message.body)


@app.on_startup
async def connect() -> None:
    global pool, holders  # noqa: PLW0603 - as the tutorial does
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4)
    async with pool.acquire() as connection:
        holders = await holders_of(connection)


@broker.subscriber(
    *TOPICS, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR, decoder=decode
)
async def on_event(event: Event, message: KafkaMessage) -> None:
    async with pool.acquire() as connection:
        await book(connection, message.raw_message, event, holders)


if __name__ == "__main__":
    uvloop.run(app.run())
