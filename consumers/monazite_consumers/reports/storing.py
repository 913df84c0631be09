"""Stored reports: canonical bytes, compressed, never changed; each revision is announced in the same transaction."""

import zlib
from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256
from typing import Any, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.delivery import announcement, put
from monazite_consumers.errors import TamperedError
from monazite_consumers.rules.reports import Stored
from monazite_consumers.sql import statement
from monazite_contracts.alerts import ReportReady
from monazite_contracts.envelope import canonical
from monazite_contracts.months import first_day, month_before
from monazite_contracts.reports import Scope, TraceabilityReport


class Drawn(NamedTuple):
    """A report drawn up and packed, to be stored. `message`: the newest that played a part."""

    scope: Scope
    month: str
    revision: int
    judged_at: datetime
    message: int
    hash: bytes
    document: bytes


def canonical_bytes(report: TraceabilityReport) -> bytes:
    """RFC 8785: what is hashed, stored and sealed."""
    return canonical(report.model_dump(mode="json"))


def packed(report: TraceabilityReport, message: int) -> Drawn:
    """A report, ready to be stored."""
    written = canonical_bytes(report)
    return Drawn(
        report.scope, report.month, report.revision, report.position.judged_at, message,
        sha256(written).digest(), zlib.compress(written, 6),
    )  # fmt: skip


async def store(connection: Connection, drawn: Iterable[Drawn], ready_at: datetime) -> int:
    """Stores and announces, in the caller's transaction; returns how many there were."""
    outgoing = []
    for one in drawn:
        level, code, first = one.scope.level, one.scope.code, first_day(one.month)
        await connection.execute(
            statement("reports", "put"), level, code, first, one.revision, one.judged_at, one.message, one.hash,
            one.document,
        )  # fmt: skip
        ready = ReportReady(
            type="monazite.report-ready.v1", month=one.month, level=level, subject=code, revision=one.revision,
            hash=one.hash.hex(), ready_at=ready_at,
        )  # fmt: skip
        outgoing.append(announcement(ready))
    await put(connection, outgoing)
    return len(outgoing)


def document_of(row: Any) -> bytes:
    """The canonical bytes of a stored row."""
    return zlib.decompress(row["document"])


def is_whole(row: Any) -> bool:
    """Whether a stored document is the one that was hashed."""
    try:
        return bool(sha256(document_of(row)).digest() == row["hash"])
    except zlib.error:
        return False


def stored(row: Any) -> Stored:
    """A stored row, read again.

    Raises:
        TamperedError: it is not what was stored.
    """
    if not is_whole(row):
        raise TamperedError(
            f"the stored report of {row['month']:%Y-%m} for {row['level']} {row['code']}, revision {row['revision']}, "
            f"is not what was stored: its hash is another than {row['hash'].hex()}"
        )
    return Stored(TraceabilityReport.model_validate_json(document_of(row)), row["hash"].hex(), row["message"])


async def newest_of(connection: Connection, scope: Scope, month: str) -> Stored | None:
    """The newest revision of a scope's month."""
    return await _one(connection, statement("reports", "newest_of"), scope.level, scope.code, first_day(month))


async def compared_with(connection: Connection, scope: Scope, month: str) -> Stored | None:
    """What a scope's next document of a month is compared with: the revision before, or the month before's newest."""
    found = await newest_of(connection, scope, month)
    return found if found is not None else await newest_of(connection, scope, month_before(month))


async def told_revision(connection: Connection, scope: Scope, month: str) -> int:
    """The highest revision that a database was told of which it has forgotten; 0: none."""
    row = await connection.fetchrow(statement("reports", "told_revision"), scope.level, scope.code, first_day(month))
    return int(row["revision"]) if row is not None else 0


async def with_hash(connection: Connection, report_hash: str) -> Stored | None:
    """The report of a hash."""
    return await _one(connection, statement("reports", "with_hash"), bytes.fromhex(report_hash))


async def revision(connection: Connection, scope: Scope, month: str, number: int) -> Stored | None:
    """One revision."""
    return await _one(connection, statement("reports", "one"), scope.level, scope.code, first_day(month), number)


async def _one(connection: Connection, text: str, *asked: str | bytes | date | int) -> Stored | None:
    row = await connection.fetchrow(text, *asked)
    return stored(row) if row is not None else None
