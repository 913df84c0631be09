"""`monazite registry`: the regulator's own data."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.text import Text

from monazite import shipped as shipped_data
from monazite.commands import platform_options, registry_tables
from monazite.commands.platform_options import DEFAULT_DATA, Data
from monazite.errors import CommandError
from monazite_consumers.errors import MonaziteError
from monazite_consumers.registry.files import entries
from monazite_consumers.registry.plans import Change, Plan, removals
from monazite_consumers.registry.problems import did_you_mean
from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.rules.registry import Registry

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection
    from monazite_consumers.registry.applying import Applied
    from monazite_consumers.registry.history import Recorded

app = typer.Typer(help="Plan and apply the regulator's own data.", no_args_is_help=True)

CHANGES_FOUND = 2
"""Exit status of `plan --exit-code` when there is something to apply."""

ALLOW_REMOVALS = "--allow-removals"

Directory = Annotated[Path, typer.Argument(help="The directory of YAML files.", exists=True, file_okay=False)]
Database = Annotated[
    str | None, typer.Option("--database", help="Another database than that of the settings or of `monazite up`.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]

Answer = TypeVar("Answer")


@app.command()
def plan(
    directory: Directory,
    *,
    database: Database = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 2 when there are changes.")] = False,
) -> None:
    """Show what applying a directory would change; write nothing."""

    async def ask(connection: "Connection") -> tuple[int, tuple[Change, ...]]:
        from monazite_consumers.registry import applying

        planned = await applying.plan(connection, entries(directory))
        return planned.revision, planned.changes

    revision, changes = _answer(data, database, ask)
    if as_json:
        _print_json({"revision": revision, "changes": registry_tables.difference_json(changes)})
    else:
        Console().print(registry_tables.difference(changes))
        if removed := removals(changes):
            Console().print(f"Applying this removes {removed}: it needs {ALLOW_REMOVALS}.", style="yellow")
    if exit_code and changes:
        raise typer.Exit(CHANGES_FOUND)


@app.command()
def apply(  # noqa: PLR0913 - one parameter for each option
    directory: Directory,
    by: Annotated[str, typer.Option("--by", help="Who answers for the change; kept with it.")],
    *,
    database: Database = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
    allow_removals: Annotated[
        bool, typer.Option(ALLOW_REMOVALS, help="Let enterprises, plants, gateway keys and allocations be removed.")
    ] = False,
) -> None:
    """Show what a directory changes, apply it in one transaction and re-decide what it touches."""
    if not by.strip():
        raise typer.BadParameter("name who answers for the change", param_hint="--by")

    async def ask(connection: "Connection") -> tuple[Plan, "Applied"]:
        from monazite_consumers.decisions.deciding import read_platform
        from monazite_consumers.registry import applying

        planned = replace(await applying.plan(connection, entries(directory)), allow_removals=allow_removals)
        if not as_json:
            Console().print(registry_tables.difference(planned.changes))
        at = (await read_platform(connection)).instant or datetime.now(UTC)
        try:
            applied = await applying.apply(connection, planned, by.strip(), at, _redecide())
        except applying.RemovalsRefusedError as error:
            raise CommandError(f"{error}. If they shall go, apply with {ALLOW_REMOVALS}.") from error
        return planned, applied

    planned, applied = _answer(data, database, ask)
    if as_json:
        changes = registry_tables.difference_json(applied.changes)
        _print_json({"revision": applied.revision, "digest": applied.digest.hex(), "changes": changes})
    elif applied.changes:
        if applied.changes != planned.changes:
            Console().print("Meanwhile someone else applied; what was changed in the end:", style="yellow")
            Console().print(registry_tables.difference(applied.changes))
        Console().print(f"Applied as revision {applied.revision}.", style="bold green", highlight=False)
    elif planned.changes:
        Console().print("Meanwhile someone else applied the same: nothing was left to change.", style="yellow")


@app.command()
def confirm(
    by: Annotated[str, typer.Option("--by", help="Who answers for it; kept as a revision without changes.")],
    *,
    database: Database = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Let a database that was restored from a backup go on with the registry that it has, which is not the last one."""
    if not by.strip():
        raise typer.BadParameter("name who answers for it", param_hint="--by")

    async def ask(connection: "Connection") -> bool:
        from monazite_consumers.registry import confirming

        return await confirming.confirm(connection, by.strip(), datetime.now(UTC))

    if not _answer(data, database, ask):
        raise CommandError("this database awaits no registry: it was not restored, or its registry is back already")
    Console().print("Decisions go on.", style="bold green")


@app.command()
def show(
    noun: Annotated[str | None, typer.Argument(help=f"One of: {', '.join(NOUNS)}.")] = None,
    *,
    database: Database = None,
    data: Data = DEFAULT_DATA,
    evidence: Annotated[bool, typer.Option("--evidence", help="Add how sure each entry is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the registry in force."""
    if noun is not None and noun not in NOUNS:
        raise typer.BadParameter(f"{noun} is no noun of the registry{did_you_mean(noun, NOUNS)}", param_hint="NOUN")

    async def ask(connection: "Connection") -> Registry:
        from monazite_consumers.register import load

        return await load(connection)

    registry = _answer(data, database, ask)
    chosen = [each for each in NOUNS if noun in {None, each}]
    if as_json:
        found = {each: [e.model_dump(mode="json") for e in registry.entries.get(each, ())] for each in chosen}
        _print_json({"revision": registry.revision, "entries": found})
        return
    console = Console()
    console.print(f"revision {registry.revision}", style="bold", highlight=False)
    for each in chosen:
        if registry.entries.get(each):
            console.print(registry_tables.entries(each, registry.entries[each], evidence=evidence))


@app.command()
def history(*, database: Database = None, data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Show who changed what, and when, newest first."""

    async def ask(connection: "Connection") -> "Sequence[Recorded]":
        from monazite_consumers.registry.history import history as recorded

        return await recorded(connection)

    found = _answer(data, database, ask)
    if as_json:
        _print_json(registry_tables.history_json(found))
    else:
        Console().print(registry_tables.history(found))


@app.command()
def shipped() -> None:
    """Print the directory of the real holders and allocations that ship with monazite."""
    typer.echo(shipped_data.registry())


def _answer(data: Path, database: str | None, ask: Callable[["Connection"], Awaitable[Answer]]) -> Answer:
    """What a question to the database answers; a refusal is told in red and ends with status 1."""
    from monazite_consumers.registry.applying import APPLYING_SESSION

    try:
        return platform_options.ask(data, ask, database=database, session=APPLYING_SESSION)
    except (CommandError, MonaziteError) as error:
        Console(stderr=True).print(Text(str(error), style="red"), soft_wrap=True)
        raise typer.Exit(1) from error


def _redecide() -> Callable[["Connection", Registry, Registry, Sequence[Change]], Awaitable[None]]:
    """Re-decides what changes touch, in the applying transaction."""
    from monazite_consumers.decisions.redeciding import registry_changed

    async def on_change(connection: "Connection", before: Registry, after: Registry, _: Sequence[Change]) -> None:
        await registry_changed(connection, before, after)

    return on_change


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
