"""`monazite declarations`: which flow records are owed, by whom, and how each stands."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from monazite.commands.platform_options import DEFAULT_DATA, Data, Json, ask, console, print_json, print_notices
from monazite.commands.register_names import require_enterprise, require_plant
from monazite.tables import declarations_table
from monazite_contracts.months import is_month

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection
    from monazite_consumers.obligations import Asked, Stand

DECLARATIONS_FORMAT = "monazite/declarations/1"
"""As docs/deadlines.md has it."""


def declarations(  # noqa: PLR0913 - what a person may ask for
    month: Annotated[str | None, typer.Argument(help="A month, 2023-05; without one that which ended last.")] = None,
    *,
    plant: Annotated[str | None, typer.Option(help="Only this plant.")] = None,
    enterprise: Annotated[str | None, typer.Option(help="Only what this enterprise owes, or its group's.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state: missing, late, ...")] = None,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show the flow records that are owed for a month: by whom, by when, how each stands, what differs."""
    asked = _asked(month, plant, enterprise, state)

    async def question(connection: "Connection") -> "Stand":
        from monazite_consumers import register
        from monazite_consumers.obligations import stand

        registry = await register.load(connection)
        if plant is not None:
            require_plant(plant, registry)
        if enterprise is not None:
            require_enterprise(enterprise, registry)
        return await stand(connection, asked)

    found = ask(data, question)
    if as_json:
        print_json({"format": DECLARATIONS_FORMAT} | asdict(found))
        return
    console.print(declarations_table(found.month, found.known_until, found.obligations))
    if (said := _nobody_owes(found)) is not None:
        console.print(said, style="bold yellow")
    print_notices(data)


def _nobody_owes(found: "Stand") -> str | None:
    """Why there may be nothing to show."""
    if found.first_duty is None:
        return "The register gives nobody a duty to report: no flow record is owed, and nobody is reminded or missing."
    if f"{found.first_duty:%Y-%m}" > found.month:
        return f"Nobody owes a flow record for {found.month}: the first duty begins on {found.first_duty}."
    return None


def _asked(month: str | None, plant: str | None, enterprise: str | None, state: str | None) -> "Asked":
    from monazite_consumers.obligations import Asked
    from monazite_consumers.rules.obligations import Status

    if month is not None and not is_month(month):
        raise typer.BadParameter(f"{month} is no month: write 2023-05", param_hint="MONTH")
    states = [each.value for each in Status]
    if state is not None and state not in states:
        raise typer.BadParameter(f"{state} is no state: use one of {', '.join(states)}", param_hint="--state")
    return Asked(month, plant, enterprise, Status(state) if state is not None else None)
