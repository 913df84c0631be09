"""How caps, alerts and reconciliation look on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

OUTCOMES = ("applied", "awaiting", "duplicate", "refused")
SEVERITY_STYLES = {"critical": "bold red", "serious": "red", "warning": "yellow", "information": "cyan"}
BAR_WIDTH = 20


def tonnes(mass_g: int | None) -> str:
    """A mass in whole tonnes for a narrow column."""
    return "-" if mass_g is None else f"{mass_g / 1_000_000:,.0f}"


def bar(percent: int) -> Text:
    """A bar that is full at 100 %; its colour says how near that is."""
    style = "red" if percent > 100 else "yellow" if percent >= 95 else "cyan" if percent >= 80 else "green"
    filled = min(BAR_WIDTH, percent * BAR_WIDTH // 100)
    return Text("█" * filled, style=style) + Text("·" * (BAR_WIDTH - filled), style="dim")


def caps_table(rows: Sequence[Mapping[str, Any]], title: str = "Caps, tonnes REO") -> Table:
    """Every cap with its bar."""
    table = Table(title=title, title_style="bold", header_style="bold", pad_edge=False)
    table.add_column("holder", overflow="fold")
    table.add_column("kind", no_wrap=True)
    for name in ("granted", "drawn", "headroom", "%"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("drawn of granted", width=BAR_WIDTH, no_wrap=True)
    table.add_column("overrun then", no_wrap=True)
    for row in rows:
        table.add_row(*_cap_cells(row))
    return table


def _cap_cells(row: Mapping[str, Any]) -> list[str | Text]:
    granted_g, drawn_g = row["granted_g"], row["drawn_g"]
    name = f"{row['name']} {row['year']}"
    then = f"{row['overrun_first_day']} +{tonnes(row['overrun_peak_g'])}" if row["overrun_first_day"] else ""
    if granted_g is None:
        return [name, row["kind"], "not issued", tonnes(drawn_g), "", "", "", then]
    percent = drawn_g * 100 // granted_g if granted_g > 0 else 0
    headroom = Text(tonnes(granted_g - drawn_g), style="red" if drawn_g > granted_g else "")
    return [name, row["kind"], tonnes(granted_g), tonnes(drawn_g), headroom, f"{percent}", bar(percent), then]


def alerts_table(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> Table:
    """Alerts, gravest first."""
    table = Table(title=title or f"{len(rows)} alerts", title_style="bold", header_style="bold", pad_edge=False)
    for name in ("severity", "rule", "about", "period", "%", "condition", "handling", "since"):
        table.add_column(name, overflow="fold")
    for row in rows:
        style = SEVERITY_STYLES[row["severity"]] if row["condition"] == "raised" else "dim"
        percent = "" if row["percent"] is None else f"{row['percent']}"
        table.add_row(
            Text(row["severity"], style=style), row["rule"], row["subject"], row["period"], percent,
            row["condition"], row["handling"], f"{row['raised_at']:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    return table


def reconciliation_table(account: Any) -> Table:
    """received = applied + awaiting + duplicate + refused, per partition with messages."""
    verdict = "reconciled" if account.reconciled else "NOT RECONCILED"
    style = "bold green" if account.reconciled else "bold red"
    table = Table(title=Text(f"{verdict}: received = applied + awaiting + duplicate + refused", style=style))
    table.add_column("topic-partition")
    for name in ("received", *OUTCOMES, "difference"):
        table.add_column(name, justify="right")
    for p in account.partitions:
        if p.received:
            cells = [p.received, *(p.outcomes[o] for o in OUTCOMES), p.difference]
            table.add_row(f"{p.topic}-{p.partition}", *(f"{cell:,}" for cell in cells))
    table.add_section()
    totals = [account.received, *(account.total(o) for o in OUTCOMES), sum(p.difference for p in account.partitions)]
    table.add_row("messages", *(f"{cell:,}" for cell in totals), style="bold")
    events = [sum(account.events.values()), *(account.events[o] for o in OUTCOMES)]
    table.add_row("events of standing envelopes", *(f"{cell:,}" for cell in events), "", style="bold")
    return table
