"""Shipments and export licences as tables for a terminal; every mass is in kilograms."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from monazite.tables import plain_table
from monazite.terminal_figures import aligned_kilograms, counted, kilograms
from monazite_contracts.months import day_of


def shipments_table(rows: Sequence[Mapping[str, Any]], total: int, late: int) -> Table:
    """Shipments with who must act next, what to do and by when; what is late is red."""
    first = f"the first {len(rows):,} of " if total > len(rows) else ""
    table = plain_table(f"{first}{counted(total, 'shipment')}, {late:,} late")
    table.padding = (0, 1, 0, 0)
    table.add_column("by", no_wrap=True)
    table.add_column("who acts next: what", overflow="fold", ratio=2)
    table.add_column("kg", justify="right", no_wrap=True)
    table.add_column("waybill: from > to, state", overflow="fold", ratio=3)
    for row in rows:
        due = f"{day_of(row['due_at'])}" if row["due_at"] else ""
        if row["late_days"] is not None:
            due += f"\n{row['late_days']} d late"
        style = "bold red" if row["late_days"] is not None else ""
        acts = f"{row['actor']}:\n{row['task']}" if row["actor"] else "-"
        route = f"{row['waybill']}\n{row['consignor']} > {row['consignee']}, {row['state']}"
        if row["is_early"]:
            route += f"\nreceived {day_of(row['received_at'])}, dispatched {day_of(row['dispatched_at'])}"
        table.add_row(Text(due, style=style), Text(acts, style=style), "\n".join(_masses(row)), Text(route))
    return table


def _masses(row: Mapping[str, Any]) -> list[str]:
    """What was sent, and of which lots less or more was found; of what nobody sent, what was found."""
    lines = row["lines"]
    found_g = [line["accepted_g"] + line["refused_g"] for line in lines]
    if row["dispatched_at"] is None:
        return [kilograms(sum(found_g))]
    shown = [kilograms(sum(line["sent_g"] for line in lines))]
    if row["state"] in {"short", "over", "partly refused", "refused"}:
        missing_g = [line["sent_g"] - each_g for line, each_g in zip(lines, found_g, strict=True)]
        short_g, over_g = sum(each for each in missing_g if each > 0), -sum(each for each in missing_g if each < 0)
        shown += [f"{kilograms(mass_g)} {what}" for mass_g, what in ((short_g, "short"), (over_g, "over")) if mass_g]
    return shown


def licences_table(rows: Sequence[Mapping[str, Any]], *, draws: bool = False) -> Table:
    """Export licences with what is left on each; what was overdrawn is red, what is out of date dim."""
    table = plain_table(f"{counted(len(rows), 'export licence')}, kg")
    table.padding = (0, 1, 0, 0)
    table.add_column("licence: whose, what", overflow="fold")
    table.add_column("last day", no_wrap=True)
    for name in ("granted", "exported", "left"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        what = f"{row['licence']}\n{row['enterprise']}, {row['form']}, to {row['destination']}"
        last_day = f"{row['last_day'] or 'open'}\n{'in date' if row['in_date'] else 'not in date'}"
        masses = [aligned_kilograms(row[name]) for name in ("granted_g", "exported_g", "left_g")]
        style = "bold red" if row["left_g"] < 0 else "" if row["in_date"] else "dim"
        table.add_row(Text("\n".join([what, *row["products"]])), last_day, *masses, style=style)
        for draw in row["draws"] if draws else ():
            who = f"  {draw['plant']}, {draw['waybill']}\n  {draw['product']}, customs {draw['declaration']}"
            table.add_row(Text(who), draw["on"], "", aligned_kilograms(draw["net_g"]), "", style="dim")
    return table
