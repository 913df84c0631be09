"""`monazite ledger verify`: walks what is stored once more, and names what does not fit."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from monazite.commands.platform_options import DEFAULT_DATA, Data, Json, ask, console, print_json, settings
from monazite.errors import CommandError

# What speaks to PostgreSQL and Kafka is imported when the command runs: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection
    from monazite_consumers.verifying.misfits import Misfit, Report

SHOWN_MAX = 20


def verify(
    source: Annotated[
        str | None, typer.Option(help="Only this source: plant, plant/gateway, … as far as you name it.")
    ] = None,
    *,
    against_kafka: Annotated[
        bool,
        typer.Option("--against-kafka", help="Also hold messages, and what was told, against what Kafka still has."),
    ] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Verify bytes, seals, chains and all that was decided; name the first byte that does not fit; exit with 1 if any.

    Reads one snapshot and writes nothing: intake goes on meanwhile.
    """
    from monazite_consumers.verifying import VERIFYING_SESSION

    bootstrap = settings(data).kafka.bootstrap
    if against_kafka and not bootstrap:
        raise CommandError("no Kafka: start `monazite up`, or set MONAZITE_KAFKA__BOOTSTRAP")

    async def question(connection: "Connection") -> "Report":
        return await _verified(connection, source, bootstrap if against_kafka else None)

    report = ask(data, question, session=VERIFYING_SESSION)
    if source is not None and not report.messages:
        raise CommandError(f"there is no message of a source {source}")
    if as_json:
        _print_json(report)
    else:
        _show(report)
    if not report.fits:
        raise typer.Exit(1)


async def _verified(connection: "Connection", source: str | None, kafka: str | None) -> "Report":
    """`kafka`: where the records are to hold messages against; and what was told, unless one source is asked for."""
    from monazite_consumers.intake.records import install_reader
    from monazite_consumers.verifying import verify as walk
    from monazite_consumers.verifying.rereading import reread
    from monazite_consumers.verifying.topics import Witness
    from monazite_consumers.verifying.witnessing import check_witnesses

    witness = Witness(kafka) if kafka is not None and source is None else None
    if witness is not None:
        with _kafka_answers():
            await witness.look()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        with _progress() as progress:
            task = progress.add_task("messages", total=None) if progress is not None else None

            def tell(done: int, total: int) -> None:
                if progress is not None and task is not None:
                    progress.update(task, completed=done, total=total)

            report = await walk(connection, source, tell)
        if kafka is not None:
            install_reader()  # intake's: a forger's odd header must not end the reading
            with _kafka_answers():
                await reread(connection, kafka, report)
        if witness is not None:
            with _kafka_answers():
                await check_witnesses(connection, witness, report)
    return report


@contextmanager
def _kafka_answers() -> Iterator[None]:
    """What Kafka does not answer is told as Kafka's."""
    from aiokafka.errors import KafkaError

    try:
        yield
    except (KafkaError, TimeoutError) as error:
        said = f"{type(error).__name__}: {error}".rstrip(": ")
        raise CommandError(f"Kafka does not answer ({said}): try again, or verify without --against-kafka") from None


def _print_json(report: "Report") -> None:
    counted = ("messages", "seals", "events", "without_bytes", "reread", "witnessed", "told", "revisions", "reports")
    print_json(
        {"fits": report.fits}
        | {name: getattr(report, name) for name in counted}
        | {"by_column": dict(report.by_column), "misfits": [asdict(misfit) for misfit in report.misfits]}
    )


def _progress() -> Any:
    """A bar on a terminal, else nothing."""
    errors = Console(stderr=True)
    if not errors.is_terminal:
        return nullcontext(None)
    columns = (TextColumn("verified"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, transient=True)


def _show(report: "Report") -> None:
    counted = f"{report.messages:,} messages, {report.seals:,} seals, {report.events:,} events"
    if report.told or report.revisions:
        counted += f", {report.told:,} receipts and alerts told, {report.revisions:,} revisions of the registry"
        counted += f", {report.reports:,} monthly reports"
    if report.reread:
        counted += f"; {report.reread:,} of the messages and {report.witnessed:,} publications against Kafka"
    if report.without_bytes:
        counted += f"; of {report.without_bytes:,} only the hash was kept"
    if report.fits:
        console.print(f"[green]everything fits[/]: {counted}")
        return
    console.print(f"[red]{report.by_column.total():,} things do not fit[/]: {counted}")
    for misfit in report.misfits[:SHOWN_MAX]:
        console.print(_text(misfit))
    for column, number in sorted(report.by_column.items()):
        console.print(Text(f"  {number:>8,}  {column}"))


def _text(misfit: "Misfit") -> Text:
    """One misfit in words; what the database holds is text, never markup."""
    where = [f"message {misfit.message}"] if misfit.message is not None else []
    if misfit.index is not None and misfit.index >= 0:
        where.append(f"event {misfit.index}")
    if misfit.source:
        where.append(f"source {misfit.source}" + (f", sequence {misfit.sequence}" if misfit.sequence else ""))
    if misfit.topic is not None:
        place = f"{misfit.topic}-{misfit.partition}"
        where.append(f"{place} at {misfit.offset}" if misfit.offset is not None else place)
    text = Text(f"{misfit.column}", style="bold")
    text.append(f"  {'; '.join(where)}\n", style="not bold")
    text.append(f"    expected {misfit.expected}\n    found    {misfit.found}\n", style="not bold")
    byte = f"first changed byte: {misfit.byte} " if misfit.byte is not None else ""
    if byte or misfit.detail:
        text.append(f"    {byte}{f'({misfit.detail})' if misfit.detail else ''}\n", style="not bold")
    return text
