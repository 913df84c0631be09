"""Files of a monthly report: what they are called, and how they are written under the platform's seal."""

import os
from pathlib import Path
from typing import Literal

from nacl.signing import SigningKey

from monazite.errors import CommandError
from monazite_contracts.envelope import canonical
from monazite_contracts.reports import TraceabilityReport
from monazite_contracts.sealed_files import seal_file
from monazite_contracts.stated_reports import stated

Format = Literal["json", "csv", "xlsx", "pdf", "html"]
_ENDINGS = {"csv": "csv.zip"}


def name(report: TraceabilityReport, form: Format) -> str:
    """What its file is called: month, whose it is, revision, form."""
    number = "preliminary" if report.preliminary else f"r{report.revision}"
    whose = report.scope.code if report.scope.level == "nation" else f"{report.scope.level}-{report.scope.code}"
    return f"monazite-{report.month}-{whose}-{number}.{_ENDINGS.get(form, form)}"


def write(report: TraceabilityReport, form: Format, key: SigningKey, path: Path) -> None:
    """Renders it, seals it and puts it there, whole or not at all.

    Raises:
        CommandError: it cannot be written there.
    """
    written = seal_file(_rendered(report, form), key, stated(report).words)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            beside.write_bytes(written)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}") from error


def _rendered(report: TraceabilityReport, form: Format) -> bytes:
    if form == "json":
        return canonical(report.model_dump(mode="json"))
    from monazite.rendering import render  # noqa: PLC0415 - most forms need the extra `reports`

    return render(report, form)
