"""The registry on a screen and as JSON: differences, entries, history."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from monazite_consumers.registry.plans import Change
from monazite_consumers.rules.entries import Entry
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # it needs the database driver, which a plant does not install
    from monazite_consumers.registry.history import Recorded

_SIGNS: Final = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def difference(changes: Sequence[Change]) -> RenderableType:
    """A difference by noun: what comes, what goes, and field by field what changes."""
    if not changes:
        return Text("Nothing to change: the registry in force is the one declared.", style="green")
    parts: list[RenderableType] = []
    for noun, found in groupby(changes, key=lambda change: change.noun):
        parts.append(Text(noun.replace("_", " "), style="bold"))
        parts.extend(part for change in found for part in _change(change))
    counts = ", ".join(f"{_count(changes, kind)} {kind}" for kind in _SIGNS)
    return Group(*parts, Text(f"\n{counts}", style="bold"))


def difference_json(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {
            "noun": change.noun,
            "key": change.key,
            "change": change.kind,
            "fields": {name: {"before": old, "after": new} for name, (old, new) in change.fields().items()},
        }
        for change in changes
    ]


def entries(noun: str, found: Sequence[Entry]) -> Table:
    """All entries of a noun; fields that no entry states are left out."""
    rows = [entry.model_dump(mode="json") for entry in found]
    names = [name for name in rows[0] if any(_states(row[name]) for row in rows)]
    table = Table(title=noun.replace("_", " "), title_justify="left", title_style="bold")
    for name in names:
        table.add_column(name.replace("_", " "), justify="right" if name == "tonnes_reo" else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(row[name]) if _states(row[name]) else "") for name in names))
    return table


def history(recorded: Iterable["Recorded"]) -> RenderableType:
    """Recorded changes, newest first, under the revision that made them."""
    parts: list[RenderableType] = []
    for head, found in groupby(recorded, key=lambda each: (each.revision, each.applied_at, each.applied_by)):
        revision, at, by = head
        parts.append(Text(f"revision {revision}, {at:%Y-%m-%d %H:%M:%S %Z}, by {by}", style="bold cyan"))
        parts.extend(part for each in found for part in _change(each.change, noun=True))
    return Group(*parts) if parts else Text("Nothing has been applied yet.")


def history_json(recorded: Iterable["Recorded"]) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {"revision": each.revision, "applied_at": each.applied_at.isoformat(), "applied_by": each.applied_by}
        | difference_json([each.change])[0]
        for each in recorded
    ]


def _change(change: Change, *, noun: bool = False) -> Iterator[RenderableType]:
    sign, style = _SIGNS[change.kind]
    name = f"{change.noun.replace('_', ' ')}: {change.key}" if noun else change.key
    yield Text(f"  {sign} {name}", style=style)
    if change.kind == "changed":
        for field, (before, after) in change.fields().items():
            yield Padding(Text(f"{field}: {_text(before)} → {_text(after)}"), (0, 0, 0, 6))
    elif said := _said(change):
        yield Padding(Text(said, style="dim"), (0, 0, 0, 6))


def _said(change: Change) -> str:
    """What an added or removed entry states beyond its key."""
    fields = change.after or change.before or {}
    parts = change.key.split()
    stated = {name: _text(value) for name, value in fields.items() if _states(value)}
    return ", ".join(f"{name} {value}" for name, value in stated.items() if value not in parts and value != change.key)


def _states(value: Any) -> bool:
    return value is not None and value is not False and value != ""


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _count(changes: Sequence[Change], kind: str) -> int:
    return sum(change.kind == kind for change in changes)
