"""`monazite outages`: when the platform was down or behind, and which months' deadlines that moved."""

from datetime import datetime
from typing import Any

from monazite.commands.platform_options import DEFAULT_DATA, Data, Json, ask, console, print_json, print_notices
from monazite.tables import outages_table

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415

OUTAGES_FORMAT = "monazite/outages/1"
"""As docs/deadlines.md has it."""


def outages(*, data: Data = DEFAULT_DATA, as_json: Json = False) -> None:
    """Show recorded outages: from when to when the platform was down or behind, and the deadlines that this moved."""
    from monazite_consumers.obligations import outages as query

    rows = ask(data, query)
    if as_json:
        shown = [_plain(row) | {"months": [_plain(each) for each in row["months"]]} for row in rows]
        print_json({"format": OUTAGES_FORMAT, "outages": shown})
        return
    console.print(outages_table(rows))
    print_notices(data)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
