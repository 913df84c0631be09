"""The registry of a simulated year: the real entries as shipped and the simulated ones, by the day they appear."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from monazite_producers.errors import PlanImpossibleError

Entry = dict[str, Any]
Entries = Mapping[str, Sequence[Mapping[str, Any]]]
"""Nouns to entries, as registry files declare them."""

Grants = dict[tuple[str, str], list[tuple[date, int]]]
"""(holder, kind) to its (day of issue, tonnes REO), by day."""

ISSUED_NOUNS: Final = ("allocations", "breakdowns")
"""What appears on its day of issue: before that day nobody could have declared it."""


@dataclass(frozen=True, slots=True)
class _Declared:
    noun: str
    entry: Entry
    appears: date


class Register:
    """All entries of the year. `registry apply` is declarative, so each change hands out all that is in force."""

    def __init__(self, real: Path | Entries, year: int) -> None:
        """From a registry folder, or from its nouns and entries."""
        self.first_day = date(year, 1, 1)
        self._year = year
        self._declared: list[_Declared] = []
        entries = _read(real) if isinstance(real, Path) else real
        for noun, found in sorted(entries.items()):
            for entry in found:
                self.declare(noun, _written(entry))

    def declare(self, noun: str, entry: Entry, appears: date | None = None) -> None:
        """Adds an entry that appears on a day; without one on its day of issue, or else on the year's first day."""
        if appears is None:
            issued = entry.get("issued_on") if noun in ISSUED_NOUNS else None
            appears = self.first_day if issued is None else date.fromisoformat(issued)
        self._declared.append(_Declared(noun, entry, max(appears, self.first_day)))

    def in_force(self, day: date) -> dict[str, list[Entry]]:
        """Every entry that has appeared by a day, noun by noun, in the order in which it was declared."""
        found: dict[str, list[Entry]] = {}
        for declared in self._declared:
            if declared.appears <= day:
                found.setdefault(declared.noun, []).append(declared.entry)
        return found

    def changes_on(self) -> frozenset[date]:
        """The days of the year on which something appears."""
        return frozenset(d.appears for d in self._declared if d.appears.year == self._year) | {self.first_day}

    def entries(self, noun: str) -> list[Entry]:
        """All entries of a noun, whenever they appear."""
        return [declared.entry for declared in self._declared if declared.noun == noun]

    def grants(self) -> Grants:
        """What each holder was granted in the year itself; a reserve grants nothing."""
        grants: Grants = {}
        for entry in self.entries("allocations"):
            if entry["year"] == self._year and entry.get("form") != "reserve":
                issue = date.fromisoformat(entry["issued_on"]), int(entry["tonnes_reo"])
                grants.setdefault((entry["holder"], entry["kind"]), []).append(issue)
        return {cap: sorted(issues) for cap, issues in sorted(grants.items())}

    def groups(self) -> dict[str, str]:
        """Each member's group. A membership that begins or ends within the year is not simulated: whole years only."""
        first, last = f"{self._year}-01-01", f"{self._year}-12-31"
        return {
            entry["member"]: entry["group"]
            for entry in self.entries("memberships")
            if entry["since"] <= first and (entry.get("until") or "9999") > last
        }

    def name_of(self, enterprise: str) -> str:
        """An enterprise's name, or its code where the register has none."""
        names = {entry["code"]: entry["name"] for entry in self.entries("enterprises")}
        return str(names.get(enterprise, enterprise))


def _read(folder: Path) -> dict[str, list[Entry]]:
    files = sorted([*folder.glob("**/*.yaml"), *folder.glob("**/*.yml")])
    if not files:
        raise PlanImpossibleError(f"there are no registry files in {folder}")
    entries: dict[str, list[Entry]] = {}
    for file in files:
        for noun, found in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).items():
            entries.setdefault(noun, []).extend(_listed(found))
    return entries


def _listed(found: Any) -> Iterable[Entry]:
    return [dict(found)] if isinstance(found, Mapping) else found or []


def _written(entry: Mapping[str, Any]) -> Entry:
    """An entry with its dates as text, as files write them."""
    return {name: value.isoformat() if isinstance(value, date | datetime) else value for name, value in entry.items()}
