"""`monazite trace`, `shipments`: where a lot comes from, what became of it, and who must act next."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monazite.commands import trace_screens
from monazite.commands.platform_options import (
    DEFAULT_DATA,
    Data,
    Json,
    ask,
    console,
    print_json,
    print_notices,
)
from monazite.tables import shipments_table

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection
    from monazite_consumers.tracing import Papers, Trace

LEVELS = 100


def trace(  # noqa: PLR0913 - what a person may ask for
    lot: Annotated[str, typer.Argument(help="A lot, as its plant wrote it: shihe-mine/L-1.")],
    *,
    down: Annotated[bool, typer.Option("--down/--up", help="What became of it, or what it came from.")] = False,
    levels: Annotated[int, typer.Option(min=1, help="How many steps are followed at most.")] = LEVELS,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
    as_dot: Annotated[bool, typer.Option("--dot", help="Print a graph for Graphviz.")] = False,
) -> None:
    """Follow a lot up to its origins or down to what it went into: shares by mass, papers, where it is broken."""
    if as_json and as_dot:
        raise typer.BadParameter("give one of --json and --dot", param_hint="--dot")
    traced, papers = _traced(data, lot, down=down, levels=levels, every=as_json)
    if as_json:
        print_json(trace_screens.document(traced, papers))
    elif as_dot:
        typer.echo(trace_screens.dot(traced))
    else:
        console.print(trace_screens.screen(traced, papers))
        print_notices(data)


def _traced(data: Path, lot: str, *, down: bool, levels: int, every: bool) -> tuple["Trace", dict[str, "Papers"]]:
    """The trace, with the papers of every lot or of those that a terminal shows."""
    from monazite_consumers import tracing

    async def question(connection: "Connection") -> tuple["Trace", dict[str, "Papers"]]:
        found = await tracing.trace(connection, lot, down=down, limits=tracing.Limits(levels=levels))
        wanted = {each.lot for each in found.lots} if every else trace_screens.documented(found)
        return found, await tracing.papers(connection, wanted)

    return ask(data, question)


def shipments(
    plant: Annotated[str | None, typer.Option(help="Only what this plant sent, or is to receive.")] = None,
    *,
    only_open: Annotated[bool, typer.Option("--open", help="Only where somebody must act.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show shipments: how each stands, who must act next, and by when."""
    from monazite_consumers.queries import SHIPMENTS_MAX
    from monazite_consumers.queries import shipments as query

    async def question(connection: "Connection") -> tuple[list[dict[str, Any]], bool]:
        return await query(connection, plant, only_open=only_open)

    rows, more = ask(data, question)
    if as_json:
        print_json({"shipments": rows, "complete": not more})
        return
    console.print(shipments_table(rows))
    if more:
        console.print(f"There are more than {SHIPMENTS_MAX:,}: narrow with --plant or --open.", style="bold yellow")
    print_notices(data)
