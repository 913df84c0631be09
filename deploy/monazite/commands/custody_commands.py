"""`monazite trace`, `shipments`: where a lot comes from, what became of it, and who must act next."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monazite.commands import trace_documents, trace_screens
from monazite.commands.platform_options import (
    DEFAULT_DATA,
    Data,
    Json,
    ask,
    console,
    print_json,
    print_notices,
)
from monazite.commands.register_names import require_enterprise, require_plant
from monazite.errors import CommandError
from monazite.goods_tables import shipments_table
from monazite_consumers.registry.problems import did_you_mean
from monazite_contracts.months import is_month

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from collections.abc import Collection

    from monazite_consumers.database import Connection
    from monazite_consumers.rules.shipment_states import State
    from monazite_consumers.rules.whereabouts import Stay
    from monazite_consumers.tracing.chain import Trace
    from monazite_consumers.tracing.papers import Link, Papers

SHIPMENTS_FORMAT = "monazite/shipments/1"
"""As docs/tracing.md has it."""


@dataclass(frozen=True)
class Found:
    """A trace with what is shown of it."""

    trace: "Trace"
    papers: "dict[str, Papers]"
    links: "list[Link]" = field(default_factory=list)
    stays: "list[Stay]" = field(default_factory=list)
    behind: bool = False


def trace(  # noqa: PLR0913 - what a person may ask for
    lot: Annotated[str, typer.Argument(help="A lot, as its plant wrote it (shihe-mine/L-1); or, down, a plant.")],
    *,
    down: Annotated[bool, typer.Option("--down/--up", help="What became of it, or what it came from.")] = False,
    month: Annotated[str | None, typer.Option(help="Of a plant: only what it made in this month (2023-05).")] = None,
    levels: Annotated[int | None, typer.Option(min=1, help="Follow so many steps at most.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
    as_dot: Annotated[bool, typer.Option("--dot", help="Print a graph for Graphviz.")] = False,
) -> None:
    """Follow a lot up to its origins, or down to what it went into and where that is now; or all that a plant made."""
    if as_json and as_dot:
        raise typer.BadParameter("give one of --json and --dot", param_hint="--dot")
    is_plant = "/" not in lot
    if month is not None and not (is_plant and is_month(month)):
        raise typer.BadParameter("give a plant and a month such as 2023-05", param_hint="--month")
    found = _found(data, lot, month, levels, down=down, every=as_json, linked=as_json or as_dot)
    if as_json:
        print_json(trace_documents.document(found.trace, found.papers, found.links, found.stays, behind=found.behind))
    elif as_dot:
        typer.echo(trace_documents.dot(found.trace, found.links))
    else:
        console.print(trace_screens.screen(found.trace, found.papers, found.stays, behind=found.behind))
        print_notices(data)


def _found(  # noqa: PLR0913 - what a person may ask for
    data: Path, lot: str, month: str | None, levels: int | None, *, down: bool, every: bool, linked: bool
) -> Found:
    """The trace, with the papers of every lot or of those that a terminal shows."""
    from monazite_consumers import register
    from monazite_consumers.tracing import chain, papers, whereabouts

    limits = chain.Limits(levels=levels)

    async def question(connection: "Connection") -> Found:
        async with chain.snapshot(connection):
            if "/" not in lot and not down:
                raise _no_lot(lot, (await register.load(connection)).plants)
            try:
                if "/" in lot:
                    found = await chain.trace(connection, lot, down=down, limits=limits)
                else:
                    found = await chain.trace_plant(connection, lot, month, limits=limits)
            except chain.UnknownLotError:
                require_plant(lot.partition("/")[0], await register.load(connection))
                raise
            named = found.names if every else trace_screens.documented(found)
            return Found(
                found,
                await papers.papers(connection, named),
                await papers.links(connection, found.names) if linked else [],
                await whereabouts.whereabouts(connection, found) if down else [],
                await chain.is_behind(connection),
            )

    return ask(data, question)


def _no_lot(name: str, plants: "Collection[str]") -> CommandError:
    """A name without a slash, of which the origins were asked for."""
    if name in plants:
        return CommandError(f"{name} is no lot but a plant (a lot has a slash): --down shows where what it made went")
    near = did_you_mean(name, plants)
    return CommandError(f"{name} is neither a lot (shihe-mine/L-1) nor a plant of the register{near}")


def shipments(  # noqa: PLR0913 - what a person may ask for
    plant: Annotated[str | None, typer.Option(help="Only what this plant sent, or is to receive.")] = None,
    enterprise: Annotated[str | None, typer.Option(help="Only of this enterprise's plants, and its group's.")] = None,
    month: Annotated[str | None, typer.Option(help="Only what was dispatched, or else received, in it.")] = None,
    state: Annotated[str | None, typer.Option(help="Only what stands so: short, say, or under-way.")] = None,
    waybill: Annotated[str | None, typer.Option(help="Only of this number.")] = None,
    *,
    only_open: Annotated[bool, typer.Option("--open", help="Only where somebody must act.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show shipments: how each stands, who must act next, and by when; with --open what is overdue first."""
    from monazite_consumers.queries import Shipments, Wanted
    from monazite_consumers.queries import shipments as query

    if month is not None and not is_month(month):
        raise typer.BadParameter("give a month such as 2023-05", param_hint="--month")
    stands = None if state is None else _state(state)

    async def question(connection: "Connection") -> Shipments:
        plants = await _plants(connection, plant, enterprise)
        return await query(connection, Wanted(plants, month, stands, waybill, only_open))

    found = ask(data, question)
    more = found.total > len(found.rows)
    if as_json:
        shown = [{name: _plain(value) for name, value in row.items()} for row in found.rows]
        counts = {"total": found.total, "late": found.late, "complete": not more}
        print_json({"format": SHIPMENTS_FORMAT, "shipments": shown, **counts})
        return
    console.print(shipments_table(*found))
    if more:
        console.print("Narrow with --plant, --enterprise, --month, --state, --waybill or --open.", style="bold yellow")
    print_notices(data)


def _state(name: str) -> "State":
    """As it is shown, or with hyphens for spaces."""
    from monazite_consumers.rules.shipment_states import State

    try:
        return State(name.replace("-", " "))
    except ValueError:
        known = ", ".join(each.replace(" ", "-") for each in State)
        raise typer.BadParameter(f"give one of {known}", param_hint="--state") from None


async def _plants(connection: "Connection", plant: str | None, enterprise: str | None) -> list[str] | None:
    """The plants whose shipments are wanted; None: those of all."""
    from monazite_consumers import register
    from monazite_consumers.queries import plants_of

    registry = await register.load(connection)
    if plant is not None:
        require_plant(plant, registry)
    if enterprise is None:
        return None if plant is None else [plant]
    require_enterprise(enterprise, registry)
    return [each for each in await plants_of(connection, enterprise) if plant in {None, each}]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
