"""`monazite licences`: what export licences grant, what was exported on them, and what is left."""

from typing import Annotated, Any

import typer

from monazite.commands.platform_options import DEFAULT_DATA, Data, Json, ask, console, print_json, print_notices
from monazite.goods_tables import licences_table

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415

LICENCES_FORMAT = "monazite/licences/1"
"""As docs/tracing.md has it."""


def licences(
    *,
    draws: Annotated[bool, typer.Option("--draws", help="Also which dispatches drew on each, and by whom.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show export licences: granted, exported, left, and whether they are in date."""
    from monazite_consumers.queries import licences as query

    rows = ask(data, query)
    if as_json:
        shown = [{**row, **{name: _day(row[name]) for name in ("since", "until", "last_day")}} for row in rows]
        print_json({"format": LICENCES_FORMAT, "licences": shown})
        return
    console.print(licences_table(rows, draws=draws))
    print_notices(data)


def _day(value: Any) -> str | None:
    return None if value is None else f"{value}"
