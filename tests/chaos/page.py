"""The result as a table, on the screen and in docs/reliability.md."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chaos.mutants import Mutant
from chaos.ordeal import Row

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
HEAD = ("fault", "times", "lost", "doubled", "recovery", "red meanwhile", "lag seen", "retries", "memory")


def cells(row: Row) -> tuple[str, ...]:
    """One row of the table."""
    if row.skipped:
        return (row.fault, "0", "", "", f"skipped: {row.skipped}", "", "", "", "")
    signs = row.signs
    retries = sum(signs.retries.values())
    memory = max(signs.rss_mib.values(), default=0)
    return (
        row.fault, f"{row.times}", f"{row.verdict.lost}", f"{row.verdict.doubled}", f"{row.recovery_s:.1f} s",
        ", ".join(row.red) or "-", f"{signs.lag:.0f}" if signs.lag else "-", f"{retries:.0f}", f"{memory:.0f} MiB",
    )  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    lines = [HEAD, tuple("---" for _ in HEAD), *(cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def mutant_cells(name: str, row: Row) -> tuple[str, str, str]:
    """What brought a mutant to light."""
    found = [f"{kind} ({len(each)})" for kind, each in row.verdict.differences.items()]
    return name, row.fault, ", ".join(found + row.failures) or "**not found out**"


def mutant_table(suffered: Sequence[tuple[Mutant, Row]]) -> str:
    """As Markdown."""
    lines = [("changed", "fault", "found out by"), ("---", "---", "---")]
    lines += [mutant_cells(mutant.name, row) for mutant, row in suffered]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def complaints(rows: Sequence[Row], each_max: int = 8) -> str:
    """What did not hold, in words."""
    lines = []
    for row in rows:
        lines += [f"{row.fault}: {failure}" for failure in row.failures]
        for name, found in row.verdict.differences.items():
            lines.append(f"{row.fault}: {name}: {len(found)} differ")
            lines += [f"    {each}" for each in found[:each_max]]
    return "\n".join(lines)


def made_by(arguments: str, seed: int) -> str:
    """When, where and how a table came about."""
    command = f"make chaos{f' ARGS={arguments}' if arguments else ''}"
    cores, python = os.cpu_count(), platform.python_version()
    return f"{datetime.now(UTC):%Y-%m-%d}, `{command}`, seed {seed}, {cores} shared cores, Python {python}."


def put(section: str, text: str) -> None:
    """Writes a run's result into its section of the page."""
    page = PAGE.read_text()
    begins, ends = f"<!-- {section} -->\n", "<!-- end -->"
    before, after = page.split(begins)
    PAGE.write_text(f"{before}{begins}\n{text}\n\n{ends}{after.split(ends, 1)[1]}")
