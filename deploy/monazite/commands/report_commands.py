"""`monazite report`: a month's traceability report, sealed; whether a file is whole; whether it can be proven."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from monazite import report_files
from monazite.commands.platform_options import (
    DEFAULT_DATA,
    Data,
    Json,
    ask,
    console,
    print_json,
    print_notices,
)
from monazite.commands.report_proofs import key_path, named, print_banners, reproduce, verify
from monazite.errors import CommandError
from monazite.report_key import make_key, public_text, read_key
from monazite.terminal_figures import minute
from monazite_contracts.reports import Scope, TraceabilityReport
from monazite_contracts.stated_reports import stated
from monazite_contracts.times import Month as ContractMonth

# What speaks to PostgreSQL is imported when a command needs it: whoever verifies a file has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection

LIST_FORMAT = "monazite/reports/1"

app = typer.Typer(help="Monthly traceability reports: write, verify, reproduce, close.", no_args_is_help=True)
app.command()(verify)
app.command()(reproduce)

Month = Annotated[str, typer.Argument(metavar="MONTH", help="A month, 2023-05.")]


@app.command()
def month(  # noqa: PLR0913 - options
    month: Month,
    *,
    whose: Annotated[
        str, typer.Option("--for", help='nation, "province X", "enterprise Y" or "plant Z".', metavar="SCOPE")
    ] = "nation",
    form: Annotated[report_files.Format, typer.Option("--format", help="How it is written.")] = "json",
    revision: Annotated[int | None, typer.Option(help="An earlier revision.", min=1)] = None,
    out: Annotated[Path | None, typer.Option(help="Where to; by default a file in this folder.")] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Write a month's stored report under the platform's seal; a preliminary one if the month is not closed."""
    scope, asked, key = scope_of(whose), _month(month), read_key(key_path(data))

    async def question(connection: "Connection") -> TraceabilityReport:
        return await _report(connection, scope, asked, revision)

    report = ask(data, question)
    path = out or Path(report_files.name(report, form))
    report_files.write(report, form, key, path)
    says = stated(report)
    console.print(escape(f"{path}: {named(says)}"), soft_wrap=True)
    print_banners(says)
    print_notices(data)


async def _report(connection: "Connection", scope: Scope, month: str, revision: int | None) -> TraceabilityReport:
    from monazite_consumers.reports import storing
    from monazite_consumers.reports.closing import preliminary

    if revision is not None:
        found = await storing.revision(connection, scope, month, revision)
        if found is None:
            raise CommandError(f"there is no revision {revision} of {month} for {scope.level} {scope.code}")
        return found.report
    newest = await storing.newest_of(connection, scope, month)
    return newest.report if newest is not None else await preliminary(connection, scope, month)


@app.command("list")
def list_reports(
    *,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
    every: Annotated[bool, typer.Option("--all", help="Also plants, enterprises and provinces.")] = False,
) -> None:
    """List stored reports, the newest month first."""
    from monazite_consumers.queries import months_waiting
    from monazite_consumers.queries import reports as query

    async def question(connection: "Connection") -> tuple[list[dict[str, Any]], int]:
        return await query(connection, None if every else "nation"), await months_waiting(connection)

    rows, waiting = ask(data, question)
    if as_json:
        print_json({"format": LIST_FORMAT, "reports": [_listed(row) for row in rows], "months_waiting": waiting})
        return
    table = Table("month", "for", "revision", "as of (Asia/Shanghai)", "hash", box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        whose = row["level"] if row["level"] == "nation" else f"{row['level']} {row['code']}"
        cells = (
            f"{row['month']:%Y-%m}",
            whose,
            f"{row['revision']}",
            minute(row["judged_at"]),
        )
        table.add_row(*map(escape, cells), row["hash"].hex()[:16])
    console.print(table)
    if waiting:
        console.print(
            f"closed months that wait to be compared with what was reported, one by one: {waiting}", style="yellow"
        )
    print_notices(data)


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    """With instants in RFC 3339."""
    words = {"hash": row["hash"].hex(), "month": f"{row['month']:%Y-%m}"}
    return row | words | {name: row[name].isoformat() for name in ("judged_at", "stored_at")}


@app.command()
def key(*, data: Data = DEFAULT_DATA) -> None:
    """Print the public key that reports are sealed with; the first time, make the key."""
    path = key_path(data)
    is_there = path.exists()
    typer.echo(public_text(make_key(path)))
    made = "the signing key is in" if is_there else "a new signing key was made: nothing is sealed by it yet. It is in"
    console.print(escape(f"{made} {path}; keep it, and publish the line above"), style="dim", soft_wrap=True)


@app.command()
def close(
    month: Month,
    *,
    data: Data = DEFAULT_DATA,
    out_of_turn: Annotated[bool, typer.Option("--out-of-turn", help="Even if another month is next.")] = False,
) -> None:
    """Close the next month that has ended, for everybody and for good, without waiting for its deadline."""
    from monazite_consumers.database import DECIDING_SESSION
    from monazite_consumers.reports.closing import close as close_month
    from monazite_consumers.reports.turns import require_turn

    asked = _month(month)

    async def question(connection: "Connection") -> int:
        if not out_of_turn:
            await require_turn(connection, asked)
        return await close_month(connection, asked)

    console.print(f"{ask(data, question, session=DECIDING_SESSION)} reports stored")
    print_notices(data)


def scope_of(text: str) -> Scope:
    """`nation`, or a level and a code."""
    level, _, code = text.strip().partition(" ")
    if text.strip() == "nation":
        return Scope(level="nation", code="nation", name="nation")
    if level not in {"province", "enterprise", "plant"} or not code.strip():
        raise typer.BadParameter(
            f'{text!r} is neither nation nor "province X", "enterprise Y" or "plant Z"', param_hint="--for"
        )
    try:
        return Scope.model_validate({"level": level, "code": code.strip(), "name": code.strip()})
    except ValidationError:
        raise typer.BadParameter(f"{code.strip()[:40]!r} is no code that anybody has", param_hint="--for") from None


def _month(text: str) -> str:
    try:
        return TypeAdapter(ContractMonth).validate_python(text)
    except ValidationError:
        raise typer.BadParameter(f"{text!r} is no month: write 2023-05", param_hint="MONTH") from None
