"""Keeps what was measured, and writes docs/performance.md from it and from the prose in `performance.md`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.tables import Table

PROSE = Path(__file__).with_name("performance.md")
KEPT = Path(__file__).with_name("measured.json")
PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
MARK = "<!-- measured: {} -->"


def keep(section: str, command: str, facts: Mapping[str, str], seconds: float, tables: Sequence[Table]) -> None:
    """Replaces one section's figures; the others stay as they were measured."""
    kept = measured()
    kept[section] = {
        "command": command,
        "machine": dict(facts),
        "seconds": round(seconds),
        "tables": [asdict(table) for table in tables],
    }
    KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def measured() -> dict[str, Any]:
    """Every section that was measured."""
    return dict(json.loads(KEPT.read_text())) if KEPT.exists() else {}


def page(kept: Mapping[str, Any]) -> str:
    """The prose, with each section's tables at its mark."""
    text = PROSE.read_text()
    for section in sections():
        text = text.replace(MARK.format(section), _section(kept[section]) if section in kept else "Not measured yet.\n")
    return text


def sections() -> list[str]:
    """The sections that the prose has a place for."""
    before, after = MARK.split("{}")
    return [part.partition(after)[0] for part in PROSE.read_text().split(before)[1:]]


def write() -> Path:
    """Writes the page."""
    PAGE.write_text(page(measured()))
    return PAGE


def _section(found: Mapping[str, Any]) -> str:
    tables = "\n".join(Table(**table).markdown() for table in found["tables"])
    machine = "; ".join(f"{name} {value}" if name != "date" else value for name, value in found["machine"].items())
    return f"{tables}\n`{found['command']}`, {found['seconds']:,} s. {machine}.\n"
