"""The result as a table, on the screen and in docs/reliability.md."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime

from chaos.ordeal import Row

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


def complaints(rows: Sequence[Row], each_max: int = 8) -> str:
    """What did not hold, in words."""
    lines = []
    for row in rows:
        lines += [f"{row.fault}: {failure}" for failure in row.failures]
        for name, found in row.verdict.differences.items():
            lines.append(f"{row.fault}: {name}: {len(found)} differ")
            lines += [f"    {each}" for each in found[:each_max]]
    return "\n".join(lines)


def machine() -> str:
    """Where and when this ran."""
    return f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} shared cores, Python {platform.python_version()}"
