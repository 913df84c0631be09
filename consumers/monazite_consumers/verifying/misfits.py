"""What does not fit: where it is, what was expected there, and what was found."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MISFITS_MAX = 1_000
"""So many are named one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that does not fit. `column`: relation and column meant; the rest says where, as far as it is known."""

    column: str
    expected: Any
    found: Any
    detail: str = ""
    source: str | None = None
    sequence: int | None = None
    message: int | None = None
    index: int | None = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    byte: int | None = None
    """The first byte of the value that is not what it was, from 0, where that can be known."""


@dataclass(slots=True)
class Report:
    """What was verified and what did not fit, in the order of the walk."""

    messages: int = 0
    seals: int = 0
    events: int = 0
    without_bytes: int = 0
    """Beyond the bound on awaiting messages: nothing but their hash was kept, so nothing can be held against it."""
    reread: int = 0
    """Held against the records that Kafka still has."""
    witnessed: int = 0
    """Alerts, receipts and control records that Kafka still has."""
    told: int = 0
    """Receipts and alerts that the outbox still has."""
    revisions: int = 0
    """Of the registry."""
    reports: int = 0
    """Stored revisions of monthly reports."""
    misfits: list[Misfit] = field(default_factory=list)
    by_column: Counter[str] = field(default_factory=Counter)

    @property
    def fits(self) -> bool:
        """Whether everything does."""
        return not self.by_column

    def add(self, misfit: Misfit) -> None:
        """One more."""
        self.by_column[misfit.column] += 1
        if len(self.misfits) < MISFITS_MAX:
            self.misfits.append(misfit)


def place_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Where a walked message is."""
    return {
        "source": row["source_name"] or None,
        "sequence": row["sequence"],
        "message": row["message"],
        "topic": row["topic"],
        "partition": row["partition"],
        "offset": row["log_offset"],
    }


def differing(columns: Mapping[str, tuple[Any, Any]]) -> list[tuple[str, Any, Any]]:
    """(column, expected, found) of those whose two values differ."""
    return [(name, expected, found) for name, (expected, found) in columns.items() if expected != found]
