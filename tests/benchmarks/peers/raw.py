"""(d) The limit: raw records and COPY of the same rows into tables without any key; nothing is checked or decided."""

import sys

import asyncpg
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer

from benchmarks.peers.reading import LEDGER, TOPICS, ledger_row

bootstrap, dsn, group = sys.argv[1:]


async def main() -> None:
    connection = await asyncpg.connect(dsn)
    async with AIOKafkaConsumer(
        *TOPICS,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    ) as consumer:
        while True:
            polled = await consumer.getmany(timeout_ms=100, max_records=4_000)
            kept = [ledger_row(record) for records in polled.values() for record in records]
            if not kept:
                continue
            events = [(event["id"], event["source"], row[-1], event["type"]) for row, event in map(_parsed, kept)]
            async with connection.transaction():
                await connection.copy_records_to_table("ledger", records=kept, columns=LEDGER)
                await connection.copy_records_to_table(
                    "events", records=events, columns=("event_id", "plant", "hash", "type")
                )
            await consumer.commit()


def _parsed(row: tuple[object, ...]) -> tuple[tuple[object, ...], dict[str, str]]:
    return row, orjson.loads(row[-2])  # type: ignore[arg-type]


if __name__ == "__main__":
    uvloop.run(main())
