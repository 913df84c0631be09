"""The year's last report for the nation, as files that an official would take home."""

from pathlib import Path
from typing import Final

from rich.console import Console

from monazite import report_files
from monazite.errors import CommandError
from monazite.report_key import FILE_NAME, make_key, public_text
from monazite_consumers.database import Connection
from monazite_consumers.reports import storing
from monazite_contracts.reports import Scope, TraceabilityReport

FORMS: Final[tuple[report_files.Format, ...]] = ("pdf", "xlsx")


async def december(connection: Connection, year: int) -> TraceabilityReport:
    """The nation's newest report of December.

    Raises:
        CommandError: the month was not closed.
    """
    month = f"{year}-12"
    stored = await storing.newest_of(connection, Scope(level="nation", code="nation", name="nation"), month)
    if stored is None:
        raise CommandError(f"{month} was not closed: see the log of the service reports")
    return stored.report


def write(report: TraceabilityReport, data: Path, folder: Path, console: Console) -> None:
    """Writes it under the key of these servers, and says where it is and how to verify it."""
    folder.mkdir(parents=True, exist_ok=True)
    key = make_key(data / FILE_NAME)
    console.print(f"The nation's report of {report.month}, revision {report.revision}:", style="bold")
    for form in FORMS:
        path = folder / report_files.name(report, form)
        report_files.write(report, form, key, path)
        console.print(f"  {path.absolute()}", soft_wrap=True, highlight=False, markup=False)
    console.print(
        f"  monazite report verify {path} --key {public_text(key)}", soft_wrap=True, style="dim", markup=False
    )
