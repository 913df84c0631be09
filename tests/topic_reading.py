"""Reads a topic from its start to its end now, as a subscriber that comes late does."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer

SETTLES_WITHIN_S = 60
"""A transaction is committed a moment before its marker is in the log, and right after a restart that takes a while."""


async def records_of(bootstrap: str, topic: str, isolation_level: str = "read_uncommitted") -> list[Any]:
    """Every record up to where the log ends now, also where that is not settled yet."""
    async with (
        asyncio.timeout(SETTLES_WITHIN_S),
        AIOKafkaConsumer(bootstrap_servers=bootstrap) as uncommitted,
        AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level=isolation_level,
        ) as consumer,
    ):
        records: list[Any] = []
        for partition, end in (await uncommitted.end_offsets(list(consumer.assignment()))).items():
            while await consumer.position(partition) < end:
                for found in (await consumer.getmany(timeout_ms=100)).values():
                    records += found
        return records
