"""Verifies what was told, as far as the outbox still has it: receipts and alerts, against what is so now."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from pydantic import ValidationError

from monazite_consumers.database import Connection
from monazite_consumers.decisions.answers import RANGES_MAX
from monazite_consumers.decisions.gaps import Decided, parse_ranges
from monazite_consumers.delivery import KEPT_FOR
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import Misfit, Report, differing
from monazite_contracts.receipts import Receipt
from monazite_contracts.topics import ALERTS

CHUNK: Final = 500

CLOCKS_APART: Final = timedelta(hours=1)
"""Who forgets what was published goes by another clock than who wrote it."""


async def check_told(connection: Connection, registry: Registry, report: Report) -> None:
    """Receipts are numbered without a gap, and the newest of a source, or about an alert, says what is so now."""
    since = datetime.now(UTC) - KEPT_FOR + CLOCKS_APART
    before: _Receipt | None = None
    async for row in connection.cursor(statement("verifying", "kept_receipts"), prefetch=CHUNK):
        try:
            receipt = _Receipt(row, Receipt.model_validate_json(row["value"]))
        except ValidationError:
            report.add(Misfit("outbox.value", "a receipt", "no receipt", _publication(row)))
            continue
        report.told += 1
        if before is not None and before.row["key"] != row["key"]:
            await _check_newest(connection, registry, before, since, report)
            before = None
        if before is not None:
            _check_next(before, receipt, since, report)
        before = receipt
    if before is not None:
        await _check_newest(connection, registry, before, since, report)
    async for row in connection.cursor(statement("verifying", "kept_alerts"), ALERTS, prefetch=CHUNK):
        report.told += 1
        _check_alert(row, since, report)


@dataclass(frozen=True, slots=True)
class _Receipt:
    row: Any
    said: Receipt

    @property
    def source(self) -> str:
        return bytes(self.row["key"]).decode(errors="replace")


def _check_next(before: _Receipt, receipt: _Receipt, since: datetime, report: Report) -> None:
    """What was written lately has not been forgotten yet; older ones may be gone from between two that are parked."""
    due, number = before.said.number + 1, receipt.said.number
    if number < due or (number > due and before.row["written_at"] > since):
        report.add(Misfit("outbox.value: number", due, number, _publication(receipt.row), source=receipt.source))


async def _check_newest(
    connection: Connection, registry: Registry, newest: _Receipt, since: datetime, report: Report
) -> None:
    row, said = newest.row, newest.said
    number = row["number"] or 0
    if said.number > number or (said.number < number and row["written_at"] > since):
        report.add(Misfit("receipt_numbers.number", said.number, number, _publication(row), source=newest.source))
    if said.number != number or said.source.plant not in registry.plants:
        return  # nobody is told any more what becomes of a plant that was taken out
    decided = Decided(parse_ranges(row["decided"]))
    held = await connection.fetchval(statement("verifying", "occupant"), row["source"], decided.through)
    expected = {
        "outbox.value: decided_through": (decided.through, said.decided_through),
        "outbox.value: decided_hash": (held.hex() if held is not None else None, said.decided_hash),
        "outbox.value: decided_beyond": (
            decided.beyond[:RANGES_MAX], [(part.first, part.last) for part in said.decided_beyond],
        ),
    }  # fmt: skip
    for column, wanted, found in differing(expected):
        report.add(Misfit(column, wanted, found, _publication(row), source=newest.source))


def _check_alert(row: Any, since: datetime, report: Report) -> None:
    """The newest publication about an alert."""
    try:
        said = orjson.loads(row["value"])
        revision, condition, severity = said["revision"], said["condition"], said["severity"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        report.add(Misfit("outbox.value", "an alert", "no alert", _publication(row)))
        return
    if row["revision"] is not None and row["revision"] > revision and row["written_at"] <= since:
        return  # a newer one was forgotten while this one is parked
    now = (row["revision"], row["condition"], row["severity"])
    if now != (revision, condition, severity):
        report.add(Misfit("outbox.value: alert", now, (revision, condition, severity), _publication(row)))


def _publication(row: Any) -> str:
    return f"publication {row['publication']} on {row['topic']}"
