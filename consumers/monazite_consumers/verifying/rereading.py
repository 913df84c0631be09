"""Holds the ledger against the records that Kafka still has: then a changed byte can be named exactly."""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from monazite_consumers.database import Connection
from monazite_consumers.decisions.reading import KEY_ID_MAX, arrived_at, read_headers
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import Misfit, Report, differing
from monazite_consumers.verifying.traces import first_difference
from monazite_contracts.envelope import value_hash

_WAIT_MS = 1_000
_EMPTY_POLLS_MAX = 30
"""A partition that gives nothing for so long ends the reading: Kafka is away."""


async def reread(connection: Connection, bootstrap: str, report: Report) -> None:
    """Reads every plant partition from its start to where intake stood at the snapshot, with the reader installed.

    Raises:
        KafkaError: no broker answers.
        TimeoutError: it gives no more records.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=500,
        fetch_max_wait_ms=100,  # a fetch of the partition before holds up the next one
    )
    await consumer.start()
    try:
        newest: dict[TopicPartition, Any] = {}
        for row in await connection.fetch(statement("positions", "all")):
            newest[TopicPartition(row["topic"], row["partition"])] = row  # ordered: the last generation stays
        present = await consumer.topics()
        for tp, row in newest.items():
            if tp.topic not in present:  # the client would ask for it without end
                where = {"topic": tp.topic, "partition": tp.partition}
                report.add(Misfit("intake_positions", "a log", None, "Kafka has no such topic", **where))
                continue
            await _reread_partition(connection, consumer, tp, row, report)
    finally:
        await consumer.stop()


async def _reread_partition(
    connection: Connection, consumer: AIOKafkaConsumer, tp: TopicPartition, position: Any, report: Report
) -> None:
    consumer.assign([tp])
    start = max((await consumer.beginning_offsets([tp]))[tp], position["start_offset"])
    end = (await consumer.end_offsets([tp]))[tp]
    if end < position["next_offset"]:
        where = {"topic": tp.topic, "partition": tp.partition, "offset": end}
        detail = "the position lies above the log's end: `monazite intake adopt`"
        report.add(Misfit("intake_positions", end, position["next_offset"], detail, **where))
    end = min(end, position["next_offset"])
    consumer.seek(tp, start)
    empty = 0
    while start < end:
        found = await consumer.getmany(tp, timeout_ms=_WAIT_MS)
        records = [record for record in found.get(tp, []) if record.offset < end]
        reached = min(await consumer.position(tp), end)
        empty = 0 if reached > start else empty + 1
        if empty > _EMPTY_POLLS_MAX:
            raise TimeoutError(f"{tp.topic}-{tp.partition} gives no records from {start} on")
        if reached > start:
            rows = await connection.fetch(
                statement("verifying", "in_partition"), *tp, position["log_generation"], start, reached - 1
            )
            compare(tp, records, {row["log_offset"]: row for row in rows}, report)
            start = reached


def compare(tp: TopicPartition, records: Sequence[Any], rows: dict[int, Any], report: Report) -> None:
    """Records of a range of offsets against the ledger's rows of the same range."""
    for record in records:
        row = rows.pop(record.offset, None)
        where = {"topic": tp.topic, "partition": tp.partition, "offset": record.offset}
        report.reread += 1
        if row is None:
            report.add(Misfit("ledger", "a row", None, "Kafka holds a record that the ledger does not", **where))
            continue
        _compare_one(record, row, {**where, "message": row["message"]}, report)
    for offset, row in rows.items():
        where = {"topic": tp.topic, "partition": tp.partition, "offset": offset, "message": row["message"]}
        report.add(Misfit("ledger", None, "a row", "Kafka never held such a record", **where))


def _compare_one(record: Any, row: Any, where: dict[str, Any], report: Report) -> None:
    sealing = read_headers(record.headers)
    key_id = sealing.key_id if len(sealing.key_id or "") <= KEY_ID_MAX else None
    expected = {
        "ledger.record_key": (_hex(record.key), _hex(row["record_key"])),
        "ledger.key_id": (key_id, row["key_id"]),
        "ledger.seal": (_hex(sealing.seal), _hex(row["seal"])),
        "ledger.odd_headers": (sealing.odd, row["odd_headers"]),
        "ledger.arrived_at": (arrived_at(record.timestamp), row["arrived_at"]),
        "ledger.hash": (value_hash(record.value or b"").hex(), row["hash"].hex()),
        "ledger.size": (len(record.value or b""), row["size"]),
    }
    for column, wanted, found in differing(expected):
        report.add(Misfit(column, wanted, found, "against Kafka's record", **where))
    is_stripped = row["value"] is None and row["size"]
    if record.value is None and row["value"] is not None:
        report.add(Misfit("ledger.value", None, "bytes", "against Kafka's record: it holds no value", **where))
    elif record.value is not None and row["value"] is None and not row["size"]:
        report.add(Misfit("ledger.value", "bytes", None, "against Kafka's record: its value is empty", **where))
    byte = None if is_stripped else first_difference(record.value or b"", row["value"] or b"")
    if byte is not None:
        was, is_now = (record.value or b"")[byte : byte + 1], (row["value"] or b"")[byte : byte + 1]
        detail = "against Kafka's record: the first byte that differs"
        report.add(Misfit("ledger.value", was.hex() or "end", is_now.hex() or "end", detail, byte=byte, **where))


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()
