"""How caps, alerts, shipments, declarations and reconciliation look on a terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from monazite.terminal_figures import aligned_kilograms, counted, minute, tonnes
from monazite_contracts.months import MICROSECOND, SHANGHAI, day_of
from monazite_contracts.times import INSTANT_MIN

OUTCOMES = ("applied", "awaiting", "duplicate", "refused")
ID_SHOWN = 7
"""Letters of an alert's id; `monazite alerts ID` takes as many as tell it apart."""
SEVERITY_STYLES = {"critical": "bold red", "serious": "red", "warning": "yellow", "information": "cyan"}
BAR_WIDTH, BAR_CELL = 7, 6


def bar(percent: int) -> Text:
    """A bar that is full at 100 %; its colour says how near that is."""
    style = "red" if percent > 100 else "yellow" if percent >= 95 else "cyan" if percent >= 80 else "green"
    filled = min(BAR_WIDTH, percent * BAR_WIDTH // 100)
    return Text("█" * filled, style=style) + Text("·" * (BAR_WIDTH - filled), style="dim")


KINDS = {"mining_rock": "rock", "mining_ionic": "ionic", "separation": "separation"}


def caps_table(rows: Sequence[Mapping[str, Any]], title: str = "Caps, tonnes REO") -> Table:
    """Every cap with its bar; members without a grant of their own draw on their group's and are not shown."""
    shown = [row for row in rows if row["granted_g"] is not None or row["group"] is None]
    shown.sort(key=lambda row: (row["year"], "(invented)" in row["name"], row["name"], row["kind"]))
    years = {row["year"] for row in shown}
    table = plain_table(f"{title}, {min(years)}" if len(years) == 1 else title)
    table.add_column("holder")  # the one column that may wrap where the terminal is narrow
    table.add_column("cap", no_wrap=True)
    for name in ("granted", "drawn", "left", "%"):
        table.add_column(name, justify="right", no_wrap=True)
    if len(years) == 1:  # several years need the room for their names
        table.add_column("", width=BAR_WIDTH, no_wrap=True)
    if any(row["overrun_first_day"] for row in shown):
        table.add_column("over", no_wrap=True)  # the first day on which more was drawn than issued
    if any("(invented)" in row["name"] for row in shown):
        table.caption = "* an invented enterprise with invented allocations"
    for row in shown:
        cells = _cap_cells(row)
        cells[1] = KINDS[row["kind"]]
        if len(years) > 1:
            cells[1] += f" {row['year']}"
            del cells[BAR_CELL]
        table.add_row(*cells[: len(table.columns)])
    return table


def plain_table(title: str | Text | None) -> Table:
    """An empty table as all of ours look: a line under the headings, and no space lost."""
    return Table(title=title, title_style="bold", header_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=0)


def _cap_cells(row: Mapping[str, Any]) -> list[str | Text]:
    granted_g, drawn_g = row["granted_g"], row["drawn_g"]
    then = f"{row['overrun_first_day']:%m-%d}" if row["overrun_first_day"] else ""
    names: list[str | Text] = [Text(row["name"].replace(" (invented)", " *")), ""]
    if granted_g is None:
        return [*names, "not issued", tonnes(drawn_g), "", "", "", then]
    # Where a cap was cut to nothing, any draw is beyond it.
    percent = drawn_g * 100 // granted_g if granted_g > 0 else 999 if drawn_g > 0 else 0
    left = Text(tonnes(granted_g - drawn_g), style="bold red" if drawn_g > granted_g else "")
    return [*names, tonnes(granted_g), tonnes(drawn_g), left, f"{percent}", bar(percent), then]


def alerts_table(rows: Sequence[Mapping[str, Any]], title: str | None = None) -> Table:
    """Alerts, gravest first."""
    title = title or f"{len(rows)} alerts"
    table = plain_table(title)
    for name in ("id", "since", "severity", "rule"):
        table.add_column(name, no_wrap=True)
    table.add_column("about", overflow="fold")
    table.add_column("%", justify="right")
    if any(row["condition"] != "raised" or row["handling"] != "new" for row in rows):
        table.add_column("state")
    for row in rows:
        style = SEVERITY_STYLES[row["severity"]] if row["condition"] == "raised" else "dim"
        percent = "" if row["percent"] is None else f"{row['percent']}"
        cells = [
            row["alert"][:ID_SHOWN],
            f"{day_of(row['raised_at'])}",
            Text(row["severity"], style=style),
            row["rule"],
            Text(about(row)),
            percent,
            f"{row['condition']}, {row['handling']}",
        ]
        table.add_row(*cells[: len(table.columns)])
    return table


def about(row: Mapping[str, Any]) -> str:
    """Subject and period."""
    return str(row["subject"]) + (f" {row['period']}" if len(row["period"]) > 4 else "")


def lot_table(lot: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """What each plant did with a lot, in kilograms; who gave away more than it had is red."""
    table = plain_table(f"{lot}, kg")
    table.add_column("plant", overflow="fold")
    names = [
        name for name in rows[0] if name.endswith("_g") and (name == "on_hand_g" or any(row[name] for row in rows))
    ]
    for name in names:
        table.add_column(name.removesuffix("_g").replace("_", " "), justify="right", no_wrap=True)
    table.padding = (0, 1, 0, 0)
    for row in rows:
        style = "bold red" if row["on_hand_g"] < 0 else ""
        table.add_row(Text(row["plant"]), *(aligned_kilograms(row[name]) for name in names), style=style)
    return table


STATE_STYLES = {"missing": "bold red", "late": "yellow", "reminded": "cyan"}


def declarations_table(month: str, known_until: datetime, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Each plant's record under the enterprise that owes it; times are Beijing's."""
    table = plain_table(f"{counted(len(rows), 'flow record')} owed for {month}")
    table.add_column("enterprise, plant", overflow="fold")
    table.caption = (
        f"as known until {minute(known_until)}, Beijing time"
        if known_until > INSTANT_MIN
        else "nothing has been received yet"
    )
    for name in ("state", "deadline", "filed"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    enterprise = None
    for row in rows:
        if row["enterprise"] != enterprise:
            enterprise = row["enterprise"]
            table.add_row(Text(row["name"], style="bold"))
        state = Text(row["state"], style=STATE_STYLES.get(row["state"], ""))
        filed = _short_minute(row["filed_at"]) if row["filed_at"] else ""
        table.add_row(Text(f" {row['plant']}"), state, _until(row["deadline"]), filed, Text(_remarks(row)))
    return table


def outages_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """When the platform was down or behind, and what that moved; times are Beijing's."""
    table = plain_table(f"{counted(len(rows), 'outage')} recorded")
    table.caption = "Beijing time; an outage is recorded when it is over"
    for name in ("number", "since", "until", "the platform was"):
        table.add_column(name, no_wrap=True)
    table.add_column("moved", overflow="fold")
    for row in rows:
        moved = [f"{m['month']}: {_until(m['before'])} to {_until(m['deadline'])}" for m in row["months"]]
        span = (minute(row[name]) for name in ("since", "until"))
        table.add_row(f"{row['number']}", *span, row["what"], Text("\n".join(moved) or "no deadline"))
    return table


def _short_minute(instant: datetime) -> str:
    """Where the year is plain from the month that it is about."""
    return f"{instant.astimezone(SHANGHAI):%m-%d %H:%M}"


def _until(end: datetime) -> str:
    """The end of a span in Asia/Shanghai: one that ends with a day is told by that day."""
    last = end.astimezone(SHANGHAI) - MICROSECOND
    return f"end of {last:%m-%d}" if (last + MICROSECOND).date() != last.date() else _short_minute(end)


def _remarks(row: Mapping[str, Any]) -> str:
    said = []
    if row["differences"]:
        first = ", ".join(_difference(each) for each in row["differences"][:2])
        said.append(f"{len(row['differences'])} differ: {first}")
    if row["not_filed"]:
        newest = row["not_filed"][-1]
        said.append(f"{row['not_filed_count']} not filed: {newest['outcome']}, {newest['rule']}")
    if row["deadline"] != row["due_at"]:
        said.append(f"due {_until(row['due_at'])}, moved by an outage")
    if row["before_it"]:
        said.append(f"run before by {', '.join(row['before_it'])}")
    return "; ".join(said)


def _difference(line: Mapping[str, Any]) -> str:
    return (
        f"{line['product']} {line['column']} {tonnes(line['declared_g'])} t, by events {tonnes(line['computed_g'])} t"
    )


def reconciliation_table(account: Any) -> Table:
    """Received = applied + awaiting + duplicate + refused, per partition with messages."""
    verdict = "reconciled" if account.reconciled else "NOT RECONCILED"
    style = "bold green" if account.reconciled else "bold red"
    title = Text(f"{verdict}: received = applied + awaiting + duplicate + refused", style=style)
    table = plain_table(title)
    table.add_column("", no_wrap=True)
    skips = ("holes", "lost") if account.holes or account.lost else ()
    for name in ("received", *OUTCOMES, "missing", *skips):
        table.add_column(name, justify="right", no_wrap=True)
    for topic, generation in sorted({(p.topic, p.log_generation) for p in account.partitions}):
        found = [p for p in account.partitions if (p.topic, p.log_generation) == (topic, generation)]
        # A log that took the place of an older one is shown by itself: each must add up.
        label = topic.removeprefix("plant-") + (f", log {generation}" if generation > 1 else "")
        table.add_row(label, *_reconciliation_cells(found, skips))
    table.add_section()
    table.add_row("messages", *_reconciliation_cells(account.partitions, skips), style="bold")
    events = [sum(account.events.values()), *(account.events[o] for o in OUTCOMES)]
    table.add_row("events in them", *(f"{cell:,}" for cell in events), *("" for _ in ("missing", *skips)), style="bold")
    return table


def _reconciliation_cells(partitions: Sequence[Any], skips: Sequence[str]) -> list[str]:
    counts = [sum(p.received for p in partitions), *(sum(p.outcomes[o] for p in partitions) for o in OUTCOMES)]
    counts += [sum(p.difference for p in partitions), *(sum(getattr(p, s) for p in partitions) for s in skips)]
    return [f"{count:,}" for count in counts]
