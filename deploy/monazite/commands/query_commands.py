"""`monazite caps`, `ledger`: what the platform knows."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from monazite.commands.platform_options import DEFAULT_DATA, Data, Json, ask, console, print_json, print_notices
from monazite.errors import CommandError
from monazite.tables import caps_table, reconciliation_table

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection

ledger = typer.Typer(help="Reconcile, verify and rebuild what was received.", no_args_is_help=True)


def caps(
    year: Annotated[int | None, typer.Option(help="Only this year.")] = None,
    *,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show every cap: granted, drawn, what is left (negative: overrun), and any overrun then."""
    from monazite_consumers.queries import caps as query

    rows = [row for row in ask(data, query) if year is None or row["year"] == year]
    if as_json:
        print_json(rows)
    else:
        console.print(caps_table(rows))
        print_notices(data)


@ledger.command()
def reconcile(*, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Count whether received = applied + awaiting + duplicate + refused; exit with 1 if not."""
    from monazite_consumers.reconciling import reconcile as count

    account = ask(data, count)
    if as_json:
        from dataclasses import asdict

        print_json({**asdict(account), "reconciled": account.reconciled})
    else:
        console.print(reconciliation_table(account))
        print_notices(data)
    if not account.reconciled:
        raise typer.Exit(1)


@ledger.command()
def refusals(*, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show what was refused or awaits, by rule, with the remedy."""
    from monazite_consumers.queries import refusals as query

    rows = ask(data, query)
    if as_json:
        print_json(rows)
        return
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=0)
    for name in ("what", "rule", "number", "sender, key", "message", "remedy"):
        table.add_column(name, overflow="fold")
    for row in rows:
        sender = ", ".join(part for part in (row["sender"], row["key_id"]) if part)
        field = f"{row['field']}: " if row["field"] else ""
        cells = [
            f"{row['what']} {row['outcome']}", row["rule"], f"{row['number']:,}", sender, f"{row['message']}",
            field + (row["remedy"] or ""),
        ]  # fmt: skip
        table.add_row(*(Text(cell) for cell in cells))  # a plant's own words are text, never markup
    console.print(table)
    print_notices(data)


@ledger.command()
def show(
    number: Annotated[int, typer.Argument(help="A message's number, as `refusals` names it.")],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Only the kept bytes, as they were received.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show one message as it was received, byte for byte."""
    from monazite_consumers.queries import message

    async def question(connection: "Connection") -> dict[str, Any] | None:
        return await message(connection, number)

    found = ask(data, question)
    if found is None:
        raise CommandError(f"there is no message {number}")
    value = found.pop("value")
    if raw:
        typer.echo(value or b"", nl=False)
        return
    shown = {name: part.hex() if isinstance(part, bytes) else part for name, part in found.items()}
    print_json({**shown, "value": None if value is None else value.decode("utf-8", "backslashreplace")})


@ledger.command()
def rebuild(
    *,
    check: Annotated[bool, typer.Option("--check", help="Only compare; change nothing.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Decide the whole ledger again; show what differs, and keep it unless --check is given."""
    from monazite_consumers.queries import rebuilt

    async def question(connection: "Connection") -> list[Any]:
        return await rebuilt(connection, keep=not check)

    differences = ask(data, question)
    if as_json:
        print_json([{"projection": d.projection, "side": d.side, "row": d.row} for d in differences])
    elif not differences:
        console.print("[green]the rebuild equals what was maintained[/]")
    else:
        table = Table("projection", "only in", "row", title=f"{len(differences)} differences")
        for d in differences[:50]:
            table.add_row(d.projection, d.side, Text(str(d.row)))
        console.print(table)
    if check and differences:
        raise typer.Exit(1)
