"""(b) aiokafka without a framework: a transaction for each event, offsets committed after each poll."""

import sys

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks.peers.one_by_one import book
from benchmarks.peers.reading import TOPICS, check, holders_of

bootstrap, dsn, group = sys.argv[1:]


async def main() -> None:
    connection = await asyncpg.connect(dsn)
    holders = await holders_of(connection)
    async with AIOKafkaConsumer(
        *TOPICS,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    ) as consumer:
        while True:
            for records in (await consumer.getmany(timeout_ms=100, max_records=500)).values():
                for record in records:
                    await book(connection, record, check(record.value), holders)
            await consumer.commit()


if __name__ == "__main__":
    uvloop.run(main())
