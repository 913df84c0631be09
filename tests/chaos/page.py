"""The result as a table, on the screen and in docs/reliability.md."""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from chaos.mutants import Mutant
from chaos.ordeal import Row

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
ENDS = "<!-- end -->"
HEAD = ("fault", "times", "lost", "doubled", "recovery", "red meanwhile", "lag seen", "retries", "memory")


def cells(row: Row) -> tuple[str, ...]:
    """One row of the table."""
    if row.skipped:
        return (row.fault, "0", "", "", f"skipped: {row.skipped}", "", "", "", "")
    signs = row.signs
    retries = sum(signs.retries.values())
    memory = max(signs.rss_mib.values(), default=0)
    name = row.fault if row.holds else f"{row.fault}, **failed**"
    return (
        name, f"{row.times}", f"{row.verdict.lost}", f"{row.verdict.doubled}", f"{row.recovery_s:.1f} s",
        ", ".join(row.red) or "-", f"{signs.lag:.0f}" if signs.lag else "-", f"{retries:.0f}", f"{memory:.0f} MiB",
    )  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """As Markdown, one row a fault: counts add up, of the rest the largest stands."""
    return _summed([], rows)


def recorded(section: str, rows: Sequence[Row]) -> str:
    """The same, on top of what the page holds of earlier parts."""
    text = PAGE.read_text().split(_begins(section))[1].split(ENDS, 1)[0]
    lines = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines() if "|" in line]
    return _summed(lines[2:], rows)


def _summed(before: Iterable[tuple[str, ...]], rows: Sequence[Row]) -> str:
    known = {line[0]: line for line in before}
    for line in map(cells, rows):
        known[line[0]] = _sum(known[line[0]], line) if line[0] in known else line
    return "\n".join(f"| {' | '.join(line)} |" for line in (HEAD, tuple("---" for _ in HEAD), *known.values()))


def _sum(before: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    counts = {HEAD.index(name) for name in ("times", "lost", "doubled", "retries")}
    return tuple(
        f"{int(a) + int(b)}" if column in counts and a.isdigit() and b.isdigit() else max(a, b, key=_measured)
        for column, (a, b) in enumerate(zip(before, now, strict=True))
    )


def _measured(cell: str) -> float:
    number = cell.split(" ", maxsplit=1)[0]
    return float(number) if number.replace(".", "").isdigit() else 0


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
    """What did not hold, in words; what several rows answer for together, once."""
    lines: list[str] = []
    told: set[int] = set()
    for row in rows:
        if id(row.failures) not in told:
            lines += [f"{row.fault}: {failure}" for failure in row.failures]
        if id(row.verdict) not in told:
            for name, found in row.verdict.differences.items():
                lines.append(f"{row.fault}: {name}: {len(found)} differ")
                lines += [f"    {each}" for each in found[:each_max]]
        told |= {id(row.failures), id(row.verdict)}
    return "\n".join(lines)


def made_by(arguments: str, seed: int) -> str:
    """When, where and how a table came about."""
    command = f"make chaos{f' ARGS={arguments}' if arguments else ''}"
    cores, python = os.cpu_count(), platform.python_version()
    return f"{datetime.now(UTC):%Y-%m-%d}, `{command}`, seed {seed}, {cores} shared cores, Python {python}."


def put(section: str, text: str) -> None:
    """Writes a run's result into its section of the page."""
    page = PAGE.read_text()
    before, after = page.split(_begins(section))
    PAGE.write_text(f"{before}{_begins(section)}\n{text}\n\n{ENDS}{after.split(ENDS, 1)[1]}")


def _begins(section: str) -> str:
    return f"<!-- {section} -->\n"
