"""What the demo shows: the year passing, the caps filling, the story, and the verdict."""

from collections import Counter
from datetime import date
from time import monotonic
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from monazite.demo.driver import Progress
from monazite.demo.verdict import Verdict
from monazite.goods_tables import shipments_table
from monazite.tables import SEVERITY_STYLES, caps_table, plain_table, reconciliation_table
from monazite_contracts.months import SHANGHAI
from monazite_producers.simulator import Chapter, Simulation

NOTICE = (
    "Holders, caps and decisions are real. Plants, subsidiaries and production are SIMULATED; "
    "misconduct happens at INVENTED enterprises only. The clock is DRIVEN."
)
CHAPTERS_SHOWN = 5
ROWS_ROOMY = 40
"""From this height on the terminal holds the whole story and every cap."""

GRAVE = frozenset({"critical", "serious"})

ROWS_OF_FRAME = 16
"""What notice, head, story and the table's own lines take."""


class Screen:
    """Renders one state of the demo; the driver's loop refreshes it."""

    def __init__(self, console: Console, simulation: Simulation) -> None:
        self.console = console
        self._simulation = simulation
        self._told: list[Chapter] = []

    def tell(self, day: Any) -> list[Chapter]:
        """The chapters that begin on a day."""
        new = [chapter for chapter in self._simulation.chapters if chapter.day == day]
        self._told += new
        return new

    def frame(self, progress: Progress, caps: list[dict[str, Any]], alerts: int) -> RenderableType:
        """The live picture."""
        day = progress.day.day if progress.day is not None else None
        done = (day - date(self._simulation.plan.year, 1, 1)).days + 1 if day is not None else 0
        head = Table.grid(padding=(0, 2))
        head.add_row(
            Text(f"{day or ''}", style="bold"),
            ProgressBar(total=365, completed=min(done, 365), width=20),
            f"{progress.published:,} messages",
            f"{alerts} alerts raised",
            f"{monotonic() - progress.began:.0f} s",
        )
        rows = self.console.height
        told = self._told[-(CHAPTERS_SHOWN if rows >= ROWS_ROOMY else 2) :]
        story = Panel(
            Group(*(Text(f"{c.day}  {c.headline}", no_wrap=True, overflow="ellipsis") for c in told)),
            title="what is happening",
        )
        return Group(Text(NOTICE, style="yellow"), head, story, caps_table(_worth_seeing(caps, rows - ROWS_OF_FRAME)))

    def narrate(self, chapter: Chapter) -> None:
        """One chapter as a line, where there is no live picture."""
        self.console.print(f"[bold]{chapter.day}[/]  {chapter.headline}")

    def month(self, progress: Progress, alerts: int) -> None:
        """One line a month, where there is no live picture."""
        assert progress.day is not None  # noqa: S101 - a month has passed
        self.console.print(
            f"{progress.day.day:%Y-%m}     {progress.published:>7,} messages decided, {alerts} alerts raised",
            style="dim",
        )

    def end(self, verdict: Verdict, elapsed_s: float) -> None:
        """The verdict."""
        console = self.console
        console.print(caps_table(verdict.caps, "Caps at the year's end, tonnes REO"))
        console.print(_by_rule(verdict.alerts))
        console.print(_grave(verdict.alerts))
        console.print(shipments_table(verdict.shipments, len(verdict.shipments), len(verdict.shipments)))
        console.print(reconciliation_table(verdict.account))
        for difference in verdict.differences:
            console.print(f"[red]differs[/] {difference}")
        console.print(
            "[green]✓[/] the simulator's own account agrees: every gram of every cap, every outcome, every alert"
            if not verdict.differences
            else f"[bold red]✗ {len(verdict.differences)} figures differ from the simulator's own account[/]"
        )
        console.print(
            "[green]✓[/] rebuilt from the ledger: equal to what was maintained"
            if not verdict.rebuild_differences
            else f"[bold red]✗ the rebuild differs in {verdict.rebuild_differences} rows[/]"
        )
        console.print(
            f"[bold green]reconciled: received = applied + awaiting + duplicate + refused[/] ({elapsed_s:.0f} s)"
            if verdict.account.reconciled
            else "[bold red]NOT reconciled: received ≠ applied + awaiting + duplicate + refused[/]"
        )
        console.print(NOTICE, style="yellow")


def _worth_seeing(caps: list[dict[str, Any]], rows: int) -> list[dict[str, Any]]:
    """As many caps as fit; where room is short, those with the highest share drawn."""

    def share(cap: dict[str, Any]) -> float:
        return cap["drawn_g"] / cap["granted_g"] if cap["granted_g"] else 0.0

    shown = [cap for cap in caps if cap["granted_g"] is not None or cap["group"] is None]
    return sorted(shown, key=share, reverse=True)[: max(rows, 5)]


def _by_rule(alerts: list[dict[str, Any]]) -> Table:
    counted: Counter[tuple[str, str, str]] = Counter((a["rule"], a["severity"], a["condition"]) for a in alerts)
    table = plain_table("Alerts by rule")
    for name in ("rule", "severity"):
        table.add_column(name)
    for name in ("raised", "recovered", "retracted"):
        table.add_column(name, justify="right")
    for rule, severity in sorted({(rule, severity) for rule, severity, _ in counted}):
        cells = [str(counted[rule, severity, condition] or "") for condition in ("raised", "recovered", "retracted")]
        table.add_row(rule, Text(severity, style=SEVERITY_STYLES[severity]), *cells)
    return table


def _grave(alerts: list[dict[str, Any]]) -> Table:
    """One row for each rule and subject; what goes on from month to month is one matter."""
    matters: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for alert in alerts:
        if alert["severity"] in GRAVE and alert["condition"] == "raised":
            matters.setdefault((alert["rule"], alert["subject"]), []).append(alert)
    table = plain_table(f"{sum(map(len, matters.values()))} critical and serious alerts still raised")
    for name in ("since", "severity", "rule"):
        table.add_column(name, no_wrap=True)
    table.add_column("about", overflow="fold")
    table.add_column("alerts", justify="right")
    for (rule, subject), found in matters.items():
        since = min(alert["raised_at"] for alert in found).astimezone(SHANGHAI)
        severity = found[0]["severity"]
        style = SEVERITY_STYLES[severity]
        table.add_row(f"{since:%Y-%m-%d}", Text(severity, style=style), rule, Text(subject), f"{len(found)}")
    return table
