"""Walks everything that is stored once more and names what does not fit; in one snapshot, read-only, beside intake."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from monazite_consumers import register
from monazite_consumers.database import DECIDING_SESSION, Connection
from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_consumers.verifying import sums
from monazite_consumers.verifying.alerts import check_alerts
from monazite_consumers.verifying.custody import check_custody
from monazite_consumers.verifying.envelopes import Chain
from monazite_consumers.verifying.misfits import MISFITS_MAX, Misfit, Report, place_of
from monazite_consumers.verifying.reports import check_reports
from monazite_consumers.verifying.revisions import check_revisions
from monazite_consumers.verifying.statements import check_events, post_amended
from monazite_consumers.verifying.told import check_told
from monazite_consumers.verifying.traces import first_difference, narrowed
from monazite_contracts.receipts import Outcome

__all__ = ["VERIFYING_SESSION", "Misfit", "Report", "verify"]

CHUNK: Final = 500

VERIFYING_SESSION: Final = DECIDING_SESSION | {
    "idle_in_transaction_session_timeout": "0",
    "statement_timeout": "0",
    "default_transaction_read_only": "on",
}
"""Of a session that verifies: as long as it takes, and nothing is written."""

Tell = Callable[[int, int], None]
"""Told how many messages of how many have been walked."""


@dataclass(slots=True)
class _Walk:
    """What a walk carries along."""

    connection: Connection
    registry: Registry
    report: Report
    chain: Chain
    is_whole: bool
    draws: sums.Draws = field(default_factory=dict)


async def verify(connection: Connection, source: str | None = None, on_progress: Tell | None = None) -> Report:
    """Verifies one source (`plant`, `plant/gateway`, …, as far as it is given), or everything there is.

    The caller's transaction is one snapshot (repeatable read): what is decided meanwhile makes no difference.
    """
    registry = await register.load(connection)
    report = Report()
    walk = _Walk(connection, registry, report, Chain(registry, report), is_whole=source is None)
    total = await connection.fetchval(statement("verifying", "total"), source)
    async for messages in _chunks(connection, source):
        await _check_chunk(walk, messages)
        report.messages += len(messages)
        if on_progress is not None:
            on_progress(report.messages, total)
    if walk.is_whole:
        await _check_rows(connection, report)
        await _check_amended(walk)
        (platform,) = await connection.fetch(statement("verifying", "platform"))
        await check_custody(connection, registry, platform["judged_at"], report)
        await _check_sums(walk, platform["judged_at"])
        await check_told(connection, registry, platform, report)
        await check_revisions(connection, report)
        await check_reports(connection, report)
    return report


async def _chunks(connection: Connection, source: str | None) -> AsyncIterator[list[int]]:
    messages: list[int] = []
    async for row in connection.cursor(statement("verifying", "walk"), source, prefetch=CHUNK):
        messages.append(row["message"])
        if len(messages) == CHUNK:
            yield messages
            messages = []
    if messages:
        yield messages


async def _check_chunk(walk: _Walk, messages: Sequence[int]) -> None:
    rows = {row["message"]: row for row in await walk.connection.fetch(statement("verifying", "messages"), messages)}
    events: dict[int, dict[int, Any]] = defaultdict(dict)
    for row in await walk.connection.fetch(statement("verifying", "events"), messages):
        events[row["message"]][row["index"]] = row
    changes, apart, begun = Changes(at=_at(rows.values())), set[Place](), len(walk.report.misfits)
    for message in messages:
        walked = walk.chain.take(rows[message], changes)
        if walked.row["outcome"] == Outcome.APPLIED and walked.vouched:
            settings = walk.registry.settings
            apart |= check_events(walked, events[message], settings, walk.report, changes)
    await _trace(walk, begun, rows, events)
    await _check_found(walk, messages, changes, apart)
    sums.gather(walk.draws, changes)


def _at(rows: Any) -> Any:
    return max(row["arrived_at"] for row in rows)


async def _check_found(walk: _Walk, messages: Sequence[int], changes: Changes, apart: set[Place]) -> None:
    """Findings and lots about messages, but for those that are judged apart."""
    rows = await walk.connection.fetch(statement("verifying", "findings"), messages)
    sums.compare(walk.report, "findings", sums.findings_in(changes), sums.apart_from(rows, apart))
    rows = await walk.connection.fetch(statement("verifying", "lots"), messages)
    sums.compare(walk.report, "lots", sums.lots_in(changes), sums.apart_from(rows, apart))


async def _trace(walk: _Walk, begun: int, rows: dict[int, Any], events: dict[int, dict[int, Any]]) -> None:
    """Names the byte of each value that was changed, as far as anything tells it."""
    for at, misfit in enumerate(walk.report.misfits[begun:], begun):
        if misfit.column != "ledger.value" or misfit.message is None:
            continue
        row = rows[misfit.message]
        whole = await walk.connection.fetchrow(statement("verifying", "whole_values"), row["hash"], row["message"])
        if whole is not None:
            byte, detail = first_difference(whole["value"], row["value"] or b""), f"by its repeat, {whole['message']}"
        else:
            hashes = [event["hash"] for _, event in sorted(events[misfit.message].items())]
            byte, detail = narrowed(row["value"] or b"", hashes)
        walk.report.misfits[at] = replace(misfit, byte=byte, detail=detail)


async def _check_rows(connection: Connection, report: Report) -> None:
    """Rows without their counterpart, positions, tallies, decided sequences, and who is applied of each event id."""
    for row in await connection.fetch(statement("verifying", "unpaired"), MISFITS_MAX):
        report.add(Misfit(row["relation"], "", "a row", row["why"], message=row["message"], index=row["index"]))
    for row in await connection.fetch(statement("verifying", "misrepeated"), MISFITS_MAX):
        wanted = "not duplicate: nothing equal is kept" if row["outcome"] == Outcome.DUPLICATE else "duplicate"
        report.add(Misfit("envelopes.outcome", wanted, row["outcome"], message=row["message"]))
    for row in await connection.fetch(statement("verifying", "out_of_order"), MISFITS_MAX):
        where = place_of({**dict(row), "source_name": None, "sequence": None})
        report.add(Misfit("ledger.log_offset", f"more than {row['before']}", row["log_offset"], **where))
    for row in await connection.fetch(statement("verifying", "positions")):
        said = (row["received"], row["start_offset"], row["next_offset"], row["holes"], row["lost"])
        held = (row["messages"], row["first"], row["last"], row["said_holes"], row["said_lost"])
        where = {"topic": row["topic"], "partition": row["partition"]}
        detail = "by the position: received, start, next, holes, lost; by the rows: messages, first, last, holes, lost"
        report.add(Misfit("intake_positions", said, held, detail, **where))
    for row in await connection.fetch(statement("verifying", "miscounted")):
        where = {"topic": row["topic"], "partition": row["partition"]}
        report.add(Misfit("tallies", row["counted"], row["kept"], row["outcome"], **where))
    for row in await connection.fetch(statement("verifying", "missummed")):
        counted, kept = (row["counted"], row["counted_measure"]), (row["kept"], row["kept_measure"])
        report.add(Misfit("finding_sums", counted, kept, f"{row['rule']} {row['subject']} {row['period']}".rstrip()))
    for row in await connection.fetch(statement("verifying", "shared_lots"), MISFITS_MAX):
        due, found = (row["due"], row["due_place"]), (row["found"], row["found_place"])
        report.add(Misfit("findings", due, found, "lot-reused", message=row["message"], index=row["index"]))
    for row in await connection.fetch(statement("verifying", "undecided")):
        report.add(Misfit("source_states.decided", row["occupied"], row["kept"], source=row["source_name"]))
    for row in await connection.fetch(statement("verifying", "misplaced_claims"), MISFITS_MAX):
        report.add(Misfit("events.outcome", row["due"], row["outcome"], message=row["message"], index=row["index"]))


async def _check_amended(walk: _Walk) -> None:
    """Statements with their amendments, a plant at a time."""
    for plant in await walk.connection.fetch(statement("verifying", "plants_with_amendments")):
        rows = await walk.connection.fetch(statement("verifying", "amendments"), plant["plant"])
        if rows:
            await _check_amended_by(walk, rows)


async def _check_amended_by(walk: _Walk, rows: Sequence[Any]) -> None:
    messages = sorted({row["message"] for row in rows})
    values = await walk.connection.fetch(statement("ledger", "values"), messages)
    changes = Changes(at=_at(rows))
    said = {row["message"]: row["value"] for row in values}
    until = post_amended(rows, said, walk.registry.settings, changes)
    places = {(row["message"], row["index"]) for row in rows}
    for row in rows:
        place = row["message"], row["index"]
        due, amended_at = place in until and until[place] is None, until.get(place)
        for column, expected in (("effective", due), ("amended_at", amended_at)):
            if row[column] != expected:
                walk.report.add(Misfit(f"events.{column}", expected, row[column], message=place[0], index=place[1]))
    found = await walk.connection.fetch(statement("verifying", "findings"), messages)
    sums.compare(walk.report, "findings", sums.findings_in(changes), sums.only_at(found, places))
    made = await walk.connection.fetch(statement("verifying", "lots"), messages)
    sums.compare(walk.report, "lots", sums.lots_in(changes), sums.only_at(made, places))
    sums.gather(walk.draws, changes)


async def _check_sums(walk: _Walk, judged_at: datetime) -> None:
    await sums.check_draws(walk.connection, walk.draws, walk.report)
    await sums.check_caps(walk.connection, walk.registry, walk.draws, walk.report)
    await check_alerts(walk.connection, walk.registry, walk.draws, judged_at, walk.report)
