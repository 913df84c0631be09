"""What people did about alerts, as the topic of alerts tells it: read back into a database that was restored."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from monazite_consumers.database import Connection
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.sql import statement
from monazite_contracts.alerts import Alert, AlertAcknowledged, Handling
from monazite_contracts.topics import ALERTS

SOMEBODY: Final = "read back from regulator-alerts"
"""Who handled an alert of which only the handling is known, not by whom."""


@dataclass(frozen=True, slots=True)
class Handled:
    """What somebody did about an alert, and when."""

    handling: Handling
    by: str
    note: str | None
    at: datetime


_NOBODY: Final = Handled(Handling.NEW, SOMEBODY, None, datetime.min)  # noqa: DTZ901 - only stands for nothing


async def said(kafka: KafkaSettings) -> dict[str, Handled]:
    """By alert: what was done about it last, as far as the topic tells."""
    partition = TopicPartition(ALERTS, 0)
    found: dict[str, Handled] = {}
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # the default begins at the end, and may do so after our own seek
    ) as consumer:
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        await consumer.seek_to_beginning(partition)
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(partition, timeout_ms=200)).values():
                hear(found, (record.value for record in records))
    return found


def hear(found: dict[str, Handled], values: Iterable[bytes | None]) -> None:
    """Takes in messages in order. An alert tells a handling too, but not whose: it counts where no person told."""
    for value in values:
        message: Any = orjson.loads(value) if value is not None else {}
        if message.get("type") == "monazite.alert-acknowledged.v1":
            told = AlertAcknowledged.model_validate_json(value or b"")
            found[told.alert] = Handled(told.handling, told.by, told.note, told.handled_at)
        elif message.get("type") == "monazite.alert.v1":
            alert = Alert.model_validate_json(value or b"")
            if alert.handling is not Handling.NEW and found.get(alert.id, _NOBODY).by == SOMEBODY:
                found[alert.id] = Handled(alert.handling, SOMEBODY, None, alert.changed_at)


def newer(heard: Mapping[str, Handled], stored: Mapping[str, Handled]) -> dict[str, Handled]:
    """What the topic knows and the database does not."""
    return {alert: told for alert, told in heard.items() if _adds(told, stored.get(alert))}


def _adds(told: Handled, known: Handled | None) -> bool:
    if known is None:
        return told.handling is not Handling.NEW
    return told.at > known.at and (told.by != SOMEBODY or told.handling is not known.handling)


async def read_back(connection: Connection, heard: Mapping[str, Handled]) -> int:
    """Brings the table of handlings up to what was heard; returns how many alerts that was news about."""
    rows = await connection.fetch(statement("alerts", "handled"), list(heard))
    stored = {r["alert"]: Handled(Handling(r["handling"]), r["handled_by"], None, r["handled_at"]) for r in rows}
    news = newer(heard, stored)
    kept = [(alert, told) for alert, told in news.items() if told.handling is not Handling.NEW]
    await connection.execute(
        statement("alerts", "put_handlings"),
        [alert for alert, _ in kept],
        [told.handling for _, told in kept],
        [told.by for _, told in kept],
        [told.note for _, told in kept],
        [told.at for _, told in kept],
    )
    await connection.execute(statement("alerts", "drop_handlings"), [a for a, t in news.items() if t.handling == "new"])
    return len(news)
