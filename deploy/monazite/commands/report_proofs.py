"""`monazite report verify` and `reproduce`: whether a file is what was sealed, and whether the ledger still says it."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from nacl.signing import VerifyKey
from rich.markup import escape

from monazite.commands.platform_options import DEFAULT_DATA, Data, ask, console, print_notices, settings
from monazite.errors import CommandError
from monazite.rendering.identity import PRELIMINARY, SIMULATED
from monazite.report_key import FILE_NAME, public_text, read_key
from monazite_contracts.months import SHANGHAI
from monazite_contracts.reports import TraceabilityReport
from monazite_contracts.seal import public_key
from monazite_contracts.sealed_files import Sealed, SealError, open_sealed
from monazite_contracts.stated_reports import StatedReport, read_stated

# What speaks to PostgreSQL is imported when a command needs it: whoever verifies a file has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection

UNCOMPARED: Final = 3
"""Exit status: the file is whole, and whose seal it bears was not asked. 1 is a file that is not what was sealed."""

File = Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False)]


def verify(
    file: File,
    *,
    public: Annotated[
        list[str] | None,
        typer.Option("--key", help="A public key that the platform has published; give each, if it had several."),
    ] = None,
) -> None:
    """Say whether a file is as it was sealed, by whom, and whose month it is; needs the file and the public key only.

    Exit status 0: sealed by a key that was given. 3: whole, but no key was given. 1: neither.
    """
    sealed = _opened(file, _keys(public or ()))
    says = _said(sealed, file)
    if public:
        console.print(f"[green]verified[/]: whole, and sealed by the given key {sealed.key}", soft_wrap=True)
    else:
        console.print(f"[yellow]whole[/], and sealed by key {sealed.key}", soft_wrap=True)
    for line in (named(says), *_position(says), f"hash {says.hash}"):
        console.print(escape(line), soft_wrap=True)
    print_banners(says)
    if not public:
        console.print("Whose key that is, the file cannot say: compare it with the published one, or give --key.",
                      style="yellow", soft_wrap=True)  # fmt: skip
        raise typer.Exit(UNCOMPARED)


def reproduce(file: File, *, data: Data = DEFAULT_DATA) -> None:
    """Decide the ledger again as far as a JSON report's position says, and compare bytes; exit 1 if they differ."""
    from monazite_consumers.reports.reproducing import reproduced
    from monazite_consumers.rules.reports import differences

    sealed = _opened(file)
    if sealed.form != "json":
        raise CommandError("only the JSON form holds what is needed: `monazite report month … --format json`")
    says = _said(sealed, file)
    report = TraceabilityReport.model_validate_json(sealed.content)
    console.print(escape(named(says)), soft_wrap=True)

    async def question(connection: "Connection") -> bytes:
        return await reproduced(connection, report)

    again = ask(data, question)
    print_banners(says)
    _print_whose(sealed, data)
    print_notices(data)
    if again == sealed.content:
        console.print(f"[green]the same bytes[/]: {sha256(again).hexdigest()}", soft_wrap=True)
        return
    for each in differences(report, TraceabilityReport.model_validate_json(again)):
        console.print(escape(f"{each.topic} {each.of}: {each.figure} {each.before} in the file, {each.after} computed"))
    raise CommandError("the ledger gives other bytes than the file")


def key_path(data: Path) -> Path:
    """Where the platform's signing key is, or will be."""
    named_file = settings(data).reports.key_file
    return Path(named_file).expanduser() if named_file else data.expanduser() / FILE_NAME


def named(says: StatedReport) -> str:
    """Whose month, which revision."""
    whose = "the nation" if says.level == "nation" else f"{says.level} {says.code}"
    marks = (", PRELIMINARY" if says.preliminary else "") + (", SIMULATED" if says.simulated else "")
    return f"{says.month} for {whose}, revision {says.revision}{marks}"


def print_banners(says: StatedReport) -> None:
    """What nobody may overlook, as every form of the report says it."""
    for is_so, said in ((says.preliminary, PRELIMINARY), (says.simulated, SIMULATED)):
        if is_so:
            console.print(said, style="bold yellow", soft_wrap=True)


def _opened(file: Path, keys: Sequence[VerifyKey] = ()) -> Sealed:
    try:
        return open_sealed(file.read_bytes(), keys)
    except (SealError, OSError) as error:
        raise CommandError(f"{file}: {error}") from error


def _keys(published: Sequence[str]) -> list[VerifyKey]:
    try:
        return [public_key(text) for text in published]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--key") from error


def _said(sealed: Sealed, file: Path) -> StatedReport:
    try:
        return read_stated(sealed)
    except ValueError as error:
        raise CommandError(f"{file} is as it was sealed, but is no report of this release's form ({error})") from error


def _position(says: StatedReport) -> tuple[str, ...]:
    judged, known = (
        f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}" for instant in (says.judged_at, says.known_until)
    )
    read = f"{says.partitions} partitions, offsets adding up to {says.offsets}"
    revisions = f"registry revision {says.registry_revision}, outage revision {says.outage_revision}"
    return (
        f"judged at {judged}, everything known until {known} (Asia/Shanghai)",
        f"read {read}; {revisions}, release {says.release}",
    )


def _print_whose(sealed: Sealed, data: Path) -> None:
    """A file that another key sealed may be as true as any: the ledger proves it, not the seal."""
    path = key_path(data)
    if not path.exists():
        console.print(f"sealed by key {sealed.key}: there is no key here to compare it with", style="yellow",
                      soft_wrap=True)  # fmt: skip
    elif (ours := public_text(read_key(path))) != sealed.key:
        console.print(f"sealed by key {sealed.key}, which is not this platform's key of today ({ours})", style="yellow",
                      soft_wrap=True)  # fmt: skip
