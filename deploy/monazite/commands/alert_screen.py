"""One alert on a terminal: what it means, what it rests on in kilograms, how it clears, and what people did."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from monazite.tables import SEVERITY_STYLES, about
from monazite.terminal_figures import kilograms, minute
from monazite_consumers.rules.catalogue import RULES
from monazite_contracts.quantities import percent

_UNSAID: Final = frozenset({"measure"})
"""A figure whose unit differs from rule to rule; what it comes to stands in the examples."""
_INSTANTS: Final = ("_at", "_from", "_until", "since", "deadline")


def alert_screen(row: Mapping[str, Any]) -> RenderableType:
    """All of it; times are Beijing's."""
    return Group(
        Text(f"{about(row)}: {RULES[row['rule']].title}", style=SEVERITY_STYLES[row["severity"]]),
        _facts(row),
        Text("\nWhat it rests on", style="bold"),
        *(Text(line) for line in _evidence(row["evidence"])),
    )


def _facts(row: Mapping[str, Any]) -> Table:
    rule = RULES[row["rule"]]
    clears = f"{rule.clears} (it stays raised until somebody resolves it)" if rule.stays else rule.clears
    facts = {
        "alert": row["alert"],
        "rule": f"{rule.id}, {row['severity']}; docs/findings.md#{rule.id}",
        "about": f"{rule.subject} {row['subject']}" + (f", province {row['province']}" if row["province"] else ""),
        "period": row["period"],
        "basis": rule.basis,
        "clears by": clears,
        "condition": f"{row['condition']}, first on {minute(row['raised_at'])}, changed {minute(row['changed_at'])}",
        "handling": _handling(row),
    }
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, said in facts.items():
        if said:
            table.add_row(name, Text(said))
    return table


def _handling(row: Mapping[str, Any]) -> str:
    if row["handled_by"] is None:
        return str(row["handling"])
    note = f": {row['note']}" if row["note"] else ""
    return f"{row['handling']} by {row['handled_by']}, {minute(row['handled_at'])}{note}"


def _evidence(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Figures first, then what was found, one line each."""
    lists = {name: value for name, value in evidence.items() if _is_list_of_things(value)}
    for name, value in sorted(evidence.items()):
        if name not in lists and name not in _UNSAID:
            yield f"  {_word(name)}: {_told(name, value)}"
    for name, things in lists.items():
        count = evidence.get("count")
        cut = f", {len(things)} of {count:,}" if isinstance(count, int) and count > len(things) else ""
        yield f"  {_word(name)}{cut}:"
        yield from (f"  - {_told(name, thing)}" for thing in things)


def _is_list_of_things(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(each, Mapping) for each in value)


def _told(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{_word(key)} {_told(key, each)}" for key, each in value.items() if each is not None)
    if isinstance(value, list):
        apart = "; " if _is_list_of_things(value) else ", "
        return apart.join(_told(name, each) for each in value) or "none"
    if value is None:
        return "none"
    if isinstance(value, int) and not isinstance(value, bool):
        return _figure(name, value)
    return minute(datetime.fromisoformat(value)) if name.endswith(_INSTANTS) and "T" in str(value) else str(value)


def _figure(name: str, value: int) -> str:
    if name.endswith("_g"):
        return f"{kilograms(value)} kg"
    return f"{percent(value)} %" if name.endswith("_ppm") else f"{value:,}"


def _word(name: str) -> str:
    return name.removesuffix("_g").removesuffix("_ppm").replace("_", " ")
