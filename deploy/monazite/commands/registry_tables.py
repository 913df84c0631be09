"""The registry on a screen and as JSON: differences, entries, history."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Literal

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from monazite_consumers.registry.plans import Change
from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.rules.facts import Entry

if TYPE_CHECKING:  # it needs the database driver, which a plant does not install
    from monazite_consumers.registry.history import Recorded

_SIGNS: Final = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}

_SHORT: Final = 28
"""Columns up to this wide are never wrapped: a day or a code is read as one word."""


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


def entries(noun: str, found: Sequence[Entry], *, evidence: bool) -> Table:
    """All entries of a noun, their evidence last if at all; fields that no entry states are left out."""
    rows = [{name: _text(value) for name, value in _stated(entry.model_dump(mode="json"))} for entry in found]
    table = Table(title=noun.replace("_", " "), title_justify="left", title_style="bold")
    names = [name for name in type(found[0]).model_fields if any(name in row for row in rows)]
    names = [name for name in names if evidence or not name.endswith("evidence")]
    names.sort(key=lambda name: name.endswith("evidence"))
    for name in names:
        short = max(len(row.get(name, "")) for row in rows) <= _SHORT
        side: Literal["left", "right"] = "right" if name == "tonnes_reo" else "left"
        table.add_column(name.replace("_", " "), justify=side, no_wrap=short)
    for row in rows:
        table.add_row(*(Text(row.get(name, "")) for name in names))
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
    yield Text.assemble((f"  {sign} {name}", style), (_said(change), "dim"))
    if change.kind == "changed":
        for field, (before, after) in change.fields().items():
            yield Padding(Text(f"{field}: {_text(before)} → {_text(after)}"), (0, 0, 0, 6))


def _said(change: Change) -> str:
    """What an added or removed entry states beyond its key; its evidence is for `show` and JSON."""
    if change.kind == "changed":
        return ""
    model = NOUNS.get(change.noun)
    in_key = model.key_fields if model else ()
    said = [
        f"{name} {_text(value)}"
        for name, value in _stated(change.after or change.before or {})
        if not name.endswith("evidence") and name not in in_key
    ]
    return f": {', '.join(said)}" if said else ""


def _stated(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in fields.items() if value is not None and value is not False and value != "")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if value is None:
        return "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _count(changes: Sequence[Change], kind: str) -> int:
    return sum(change.kind == kind for change in changes)
