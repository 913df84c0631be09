"""`monazite lot`: what each plant did with a lot, and what it has of it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from monazite.commands.platform_options import DEFAULT_DATA, Data, Json, ask, console, print_json, print_notices
from monazite.errors import CommandError
from monazite.tables import lot_table

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection

LOT_FORMAT = "monazite/lot/1"
"""As docs/tracing.md has it."""


def lot(
    name: Annotated[str, typer.Argument(metavar="LOT", help="As its plant wrote it (shihe-mine/L-1).")],
    *,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show the balance of a lot at each plant: opening, in, made, used, shipped, lost, on hand."""
    from monazite_consumers.queries import lot as query

    async def question(connection: "Connection") -> list[dict[str, Any]]:
        return await query(connection, name)

    rows = ask(data, question)
    if not rows:
        raise CommandError(f"no statement speaks of lot {name}; write a lot as its plant did (shihe-mine/L-1)")
    if as_json:
        print_json({"format": LOT_FORMAT, "lot": name, "plants": rows})
        return
    console.print(lot_table(name, rows))
    print_notices(data)
