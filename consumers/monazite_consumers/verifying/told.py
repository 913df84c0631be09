"""Verifies what was told, as far as the outbox still has it: receipts and alerts, against what is so now."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from monazite_consumers.database import Connection
from monazite_consumers.decisions.gaps import RANGES_MAX, Decided, parse_ranges
from monazite_consumers.delivery import KEPT_FOR
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import MISFITS_MAX, Misfit, Report, differing
from monazite_contracts.alerts import Alert
from monazite_contracts.receipts import Receipt
from monazite_contracts.topics import ALERTS

CHUNK: Final = 500

CLOCKS_APART: Final = timedelta(hours=1)
"""Who forgets what was published goes by another clock than who wrote it."""


@dataclass(frozen=True, slots=True)
class _Now:
    """What is so now, and since when nothing is forgotten. `epoch`: None while a restored database waits."""

    connection: Connection
    registry: Registry
    report: Report
    since: datetime
    epoch: int | None


async def check_told(connection: Connection, registry: Registry, platform: Any, report: Report) -> None:
    """Receipts are numbered without a gap, and the newest of a source, or about an alert, says what is so now."""
    since = datetime.now(UTC) - KEPT_FOR + CLOCKS_APART
    epoch = platform["epoch"] if platform["awaited_digest"] is None else None
    now = _Now(connection, registry, report, since, epoch)
    await _check_missing(now, is_driven=platform["instant"] is not None)
    before: _Receipt | None = None
    async for row in connection.cursor(statement("verifying", "kept_receipts"), prefetch=CHUNK):
        try:
            receipt = _Receipt(row, Receipt.model_validate_json(row["value"]))
        except ValidationError:
            report.add(Misfit("outbox.value", "a receipt", "no receipt", _publication(row)))
            continue
        report.told += 1
        if before is not None and before.row["key"] != row["key"]:
            await _check_newest(now, before)
            before = None
        if before is not None:
            _check_next(before, receipt, since, report)
        before = receipt
    if before is not None:
        await _check_newest(now, before)
    async for row in connection.cursor(statement("verifying", "kept_alerts"), ALERTS, prefetch=CHUNK):
        report.told += 1
        _check_alert(now, row)


async def _check_missing(now: _Now, *, is_driven: bool) -> None:
    """What should be in the outbox and is not. What arrived or changed lately is judged by the real clock only."""
    fetch, plants, report = now.connection.fetch, list(now.registry.plants), now.report
    if await now.connection.fetchval(statement("verifying", "is_untold")):
        report.add(Misfit("outbox", "what was published last", None, "it is never forgotten"))
    for row in await fetch(statement("verifying", "unnumbered"), plants, MISFITS_MAX):
        report.add(Misfit("receipt_numbers.number", "1 or more", None, source=row["source_name"]))
    for row in await fetch(statement("verifying", "set_aside"), MISFITS_MAX):
        detail = f"{_publication(row)}: set aside as too large for the broker, {row['size']} bytes; nobody was told"
        report.add(Misfit("outbox.parked_at", None, "set aside", detail))
    if is_driven or now.epoch is None:
        return
    for row in await fetch(statement("verifying", "unanswered"), plants, now.since, MISFITS_MAX):
        report.add(Misfit("outbox", "a receipt", None, "decided lately", source=row["source_name"]))
    for row in await fetch(statement("verifying", "untold_alerts"), ALERTS, now.since, MISFITS_MAX):
        detail = f"changed lately: {row['rule']} {row['subject']} {row['period']}".rstrip()
        report.add(Misfit("outbox", "an alert", None, detail))


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


async def _check_newest(now: _Now, newest: _Receipt) -> None:
    row, said, report = newest.row, newest.said, now.report
    number = row["number"] or 0
    if said.number > number or (said.number < number and row["written_at"] > now.since):
        report.add(Misfit("receipt_numbers.number", said.number, number, _publication(row), source=newest.source))
    if said.number != number or said.source.plant not in now.registry.plants:
        return  # nobody is told any more what becomes of a plant that was taken out
    decided = Decided(parse_ranges(row["decided"]))
    held = await now.connection.fetchval(statement("verifying", "occupant"), row["source"], decided.through)
    expected = {
        "outbox.value: decided_through": (decided.through, said.decided_through),
        "outbox.value: decided_hash": (held.hex() if held is not None else None, said.decided_hash),
        "outbox.value: decided_beyond": (
            decided.beyond[:RANGES_MAX], [(part.first, part.last) for part in said.decided_beyond],
        ),
        "outbox.value: epoch": (now.epoch or said.epoch, said.epoch),
    }  # fmt: skip
    for column, wanted, found in differing(expected):
        report.add(Misfit(column, wanted, found, _publication(row), source=newest.source))


def _check_alert(now: _Now, row: Any) -> None:
    """The newest publication about an alert."""
    try:
        said = Alert.model_validate_json(row["value"])
    except ValidationError:
        now.report.add(Misfit("outbox.value", "an alert", "no alert", _publication(row)))
        return
    if row["revision"] is not None and row["revision"] > said.revision and row["written_at"] <= now.since:
        return  # a newer one was forgotten while this one is parked
    expected = {
        "outbox.value: alert": (tuple(row[name] for name in TOLD), told_of(said)),
        "outbox.value: epoch": (now.epoch or said.epoch, said.epoch),
    }
    for column, wanted, found in differing(expected):
        now.report.add(Misfit(column, wanted, found, _publication(row)))


TOLD: Final = (
    "rule", "subject", "period", "province", "revision", "condition", "severity", "percent", "raised_at", "changed_at",
)  # fmt: skip
"""Columns of an alert that subscribers are told whenever one of them changes."""


def told_of(alert: Alert) -> tuple[Any, ...]:
    """The same as a publication has them."""
    subject = alert.subject
    return (
        alert.rule, subject.code, alert.period, subject.province, alert.revision, alert.condition, alert.severity,
        alert.percent, alert.raised_at, alert.changed_at,
    )  # fmt: skip


def _publication(row: Any) -> str:
    return f"publication {row['publication']} on {row['topic']}"
