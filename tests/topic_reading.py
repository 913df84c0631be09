"""Reads a topic from its start to its end now, as a subscriber that comes late does."""

from typing import Any

from aiokafka import AIOKafkaConsumer


async def records_of(bootstrap: str, topic: str, isolation_level: str = "read_uncommitted") -> list[Any]:
    """Every record."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level=isolation_level,
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        records: list[Any] = []
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                for found in (await consumer.getmany(timeout_ms=100)).values():
                    records += found
        return records
    finally:
        await consumer.stop()
