"""`monazite contracts`: what plants and platform say to each other."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from monazite_contracts.checking import Checked, check_text
from monazite_contracts.generate.examples import examples
from monazite_contracts.generate.files import write_files
from monazite_contracts.generate.schemas import schema_of
from monazite_contracts.messages import MESSAGES, Message, find_message, near_names

app = typer.Typer(help="Show, validate and export the message contracts.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("list")
def list_types(*, as_json: AsJson = False) -> None:
    """List every message type."""
    rows = [{"name": m.name, "version": m.version, "type": m.type, "travels": _travels(m)} for m in MESSAGES]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table("Type", "Version", "Travels", "Says")
    for message in MESSAGES:
        table.add_row(message.name, f"v{message.version}", _travels(message), _says(message))
    Console().print(table)


@app.command()
def show(asked: Annotated[str, typer.Argument(metavar="TYPE")], *, as_json: AsJson = False) -> None:
    """Show a message type: its fields and an example; with --json its JSON Schema and example."""
    message = find_message(asked)
    if message is None:
        raise _unknown(asked)
    schema, example = schema_of(message), examples()[message.title]
    if as_json:
        typer.echo(json.dumps({"schema": schema, "example": example}, ensure_ascii=False))
        return
    console = Console()
    console.print(f"[bold]{message.title}[/bold]  {schema['description']}  ({_travels(message)})")
    for title, fields in _field_tables(message, schema):
        table = Table("Field", "Required", "Is", title=title, title_justify="left", expand=True)
        for name, field in fields["properties"].items():
            table.add_row(name, "yes" if name in fields.get("required", ()) else "", escape(_is(field)))
        console.print(table)
    console.print(Syntax(json.dumps(example, indent=2, ensure_ascii=False), "json", background_color="default"))


@app.command()
def validate(
    path: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="JSON or JSON Lines.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Check a file of events, envelopes or other messages; exit status 1 when something is refused."""
    found = check_text(path.read_bytes())
    if as_json:
        typer.echo(json.dumps([_as_dict(checked) for checked in found], ensure_ascii=False))
    else:
        _print_checked(found)
    if not found or any(checked.problems for checked in found):
        raise typer.Exit(1)


@app.command()
def export(folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False)]) -> None:
    """Write schemas, examples, the AsyncAPI document, test vectors and pages to a folder."""
    written = write_files(folder)
    typer.echo(f"{len(written)} files in {folder}")


def _unknown(asked: str) -> typer.BadParameter:
    near = near_names(asked)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`monazite contracts list` names them."
    return typer.BadParameter(f"there is no message type {asked!r}. {hint}", param_hint="TYPE")


def _travels(message: Message) -> str:
    return {"event": "inside envelopes", "record": "as a Kafka record", "file": "as a sealed file"}[message.travels]


def _says(message: Message) -> str:
    return (message.model.__doc__ or "").split("\n")[0]


def _field_tables(message: Message, schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The message's own fields, then those of what an event states; the parts of these stand in the schema."""
    tables = [(message.title, schema)]
    data = schema["properties"].get("data", {}).get("$ref", "").rpartition("/")[2]
    return [*tables, (f"data: {data}", schema["$defs"][data])] if data else tables


def _is(field: dict[str, Any]) -> str:
    if "enum" in field:
        return " ".join([field.get("description", ""), f"One of: {', '.join(map(str, field['enum']))}."]).strip()
    if "description" in field:
        return str(field["description"])
    if "const" in field:
        return f"always {field['const']!r}"
    references = [part["$ref"].rpartition("/")[2] for part in [field, *field.get("oneOf", ())] if "$ref" in part]
    described = [part["description"] for part in field.get("anyOf", ()) if "description" in part]
    return " or ".join(references or described or [str(field.get("type", ""))])


def _as_dict(checked: Checked) -> dict[str, Any]:
    problems = [{"field": p.field, "rule": p.rule, "remedy": p.remedy} for p in checked.problems]
    return {"where": checked.where, "type": checked.kind, "problems": problems}


def _print_checked(found: list[Checked]) -> None:
    console = Console()
    refused = [checked for checked in found if checked.problems]
    if refused:
        table = Table("Where", "Type", "Field", "Rule", "Remedy")
        for checked in refused:
            for problem in checked.problems:
                cells = (checked.where, checked.kind, problem.field, problem.rule, problem.remedy)
                table.add_row(*map(escape, cells))
        console.print(table)
    if not found:
        console.print("There is nothing in the file.")
        return
    console.print(f"{len(found) - len(refused)} understood, {len(refused)} refused")
