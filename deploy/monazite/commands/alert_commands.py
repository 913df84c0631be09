"""`monazite alerts`: which conditions hold, of whom and when; and one of them with its evidence."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from monazite.commands.alert_screen import alert_screen
from monazite.commands.platform_options import DEFAULT_DATA, Data, Json, ask, console, print_json, print_notices
from monazite.commands.register_names import require_plant
from monazite.errors import CommandError
from monazite.tables import alerts_table
from monazite_consumers.registry.problems import did_you_mean
from monazite_contracts.alerts import Severity
from monazite_contracts.months import is_month

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection

ALIKE_SHOWN: Final = 5
"""Ids that begin alike."""
_NARROW: Final = "one alert is shown whole: give its id, or what narrows the list"


def alerts(  # noqa: PLR0913 - what a person may ask for
    alert: Annotated[str | None, typer.Argument(metavar="ID", help="One alert, by how its id begins.")] = None,
    *,
    rule: Annotated[str | None, typer.Option(help="Only this rule.")] = None,
    plant: Annotated[str | None, typer.Option(help="Only about this plant and its gateways.")] = None,
    province: Annotated[str | None, typer.Option(help="Only about plants of this province.")] = None,
    month: Annotated[str | None, typer.Option(help="Only about this month, 2023-05.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only this severity: critical, serious, ...")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also what has recovered or was retracted.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Show alerts, gravest first; or one of them with what it means, its evidence and how it clears."""
    wanted = {"province": province, "period": month, "severity": severity}
    _refuse_unknown(rule, month, severity)
    if alert is not None:
        if any((rule, plant, every, *wanted.values())):
            raise typer.BadParameter(_NARROW, param_hint="ID")
        found = ask(data, lambda connection: _one(connection, alert.lower()))
        if as_json:
            print_json(found)
            return
        console.print(alert_screen(found))
    else:
        listed = ask(data, lambda connection: _listed(connection, rule, plant, every=every))
        rows = [row for row in listed if all(word is None or row[name] == word for name, word in wanted.items())]
        if as_json:
            print_json(rows)
            return
        console.print(alerts_table(rows))
    print_notices(data)


async def _listed(
    connection: "Connection", rule: str | None, plant: str | None, *, every: bool
) -> list[dict[str, Any]]:
    from monazite_consumers import register
    from monazite_consumers.queries import alerts as query

    rows = await query(connection, None if every else ["raised"], rule)
    if plant is None:
        return rows
    require_plant(plant, await register.load(connection))
    return [row for row in rows if row["subject"].partition("/")[0] == plant and not _is_of_holder(row)]


def _is_of_holder(row: Mapping[str, Any]) -> bool:
    """Whether the subject is an enterprise, or a cap of one: some have a plant of the same code."""
    from monazite_consumers.rules.catalogue import RULES

    return RULES[row["rule"]].subject in {"cap", "enterprise"}


async def _one(connection: "Connection", begun: str) -> dict[str, Any]:
    from monazite_consumers.queries import alert_ids, alerts_begun

    found = await alerts_begun(connection, begun, ALIKE_SHOWN + 1)
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"several alerts begin with {begun}: {_named(found)}")
    heads = {each[: len(begun)] for each in await alert_ids(connection)}
    raise CommandError(f"no alert's id begins with {begun}{did_you_mean(begun, heads)}")


def _named(rows: Sequence[Mapping[str, Any]]) -> str:
    said = [f"{row['alert']} ({row['rule']}, {row['subject']})" for row in rows[:ALIKE_SHOWN]]
    return ", ".join(said) + (", ..." if len(rows) > ALIKE_SHOWN else "")


def _refuse_unknown(rule: str | None, month: str | None, severity: str | None) -> None:
    from monazite_consumers.rules.catalogue import RULES

    if rule is not None and rule not in RULES:
        raise typer.BadParameter(f"{rule} is no rule{did_you_mean(rule, RULES)}", param_hint="--rule")
    if month is not None and not is_month(month):
        raise typer.BadParameter(f"{month} is no month: write 2023-05", param_hint="--month")
    known = [each.value for each in Severity]
    if severity is not None and severity not in known:
        raise typer.BadParameter(
            f"{severity} is no severity{did_you_mean(severity, known)}: use one of {', '.join(reversed(known))}",
            param_hint="--severity",
        )
