"""Proves a report: decides the ledger again as far as its position says, draws the report up anew, compares bytes."""

from importlib.metadata import version

from monazite_consumers import register
from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.rebuilding import decide_in_shadow
from monazite_consumers.errors import NotReproducibleError
from monazite_consumers.reports.computing import compute
from monazite_consumers.reports.storing import canonical_bytes, with_hash
from monazite_consumers.rules.reports import Stored, document
from monazite_consumers.sql import statement
from monazite_contracts.reports import Position, TraceabilityReport


async def reproduced(connection: Connection, report: TraceabilityReport) -> bytes:
    """The canonical bytes of a report at the same position. Decisions wait meanwhile; nothing that is done stays.

    Raises:
        NotReproducibleError: it is of another release, or rests on what is not stored here.
    """
    if report.position.release != version("monazite"):
        raise NotReproducibleError(
            f"the report is of release {report.position.release}, this is {version('monazite')}: across releases the "
            "stored file is the record"
        )
    await connection.execute(
        "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0"
    )
    await _require_known(connection, report.position)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", REGISTRY_LOCK)
        return canonical_bytes(await _again(connection, report))
    finally:
        await transaction.rollback()


async def _require_known(connection: Connection, position: Position) -> None:
    """Refuses a position that this database has not reached, though it may have stood there before a restore.

    Raises:
        NotReproducibleError: with what is missing.
    """
    newest = await register.revision(connection)
    lacking = ""
    if position.registry_revision > newest:
        lacking = f"registry revision {position.registry_revision} (the newest is {newest})"
    elif not await connection.fetchval(statement("outages", "is_known"), position.outage_revision):
        lacking = f"outage {position.outage_revision}"
    if lacking:
        raise NotReproducibleError(
            f"the report rests on {lacking}, which is not recorded here: it is of another database, or of this one "
            "before it was restored"
        )


async def _again(connection: Connection, report: TraceabilityReport) -> TraceabilityReport:
    position = report.position
    compared = await _compared(connection, report)
    registry = await register.load_at(connection, position.registry_revision)
    await connection.execute(statement("reports", "forget_outages"), position.outage_revision)
    await connection.execute(statement("reports", "stand_at"), position.judged_at, position.known_until)
    platform = await read_platform(connection)
    until = [(p.topic, p.partition, p.generation, p.next_offset) for p in position.partitions]
    await decide_in_shadow(connection, registry, platform, until)
    sinces = [compared.since] if compared is not None else []
    basis = await compute(connection, registry, report.month, position, sinces)
    # Its number may follow one that was announced before a restore: it is the report's own.
    return document(report.scope, basis._replace(preliminary=report.preliminary), compared, report.revision - 1)


async def _compared(connection: Connection, report: TraceabilityReport) -> Stored | None:
    if report.compared_with is None:
        return None
    found = await with_hash(connection, report.compared_with.hash)
    if found is None:
        named = report.compared_with
        raise NotReproducibleError(
            f"it was compared with revision {named.revision} of {named.month} ({named.hash}), which is not stored here"
        )
    return found
