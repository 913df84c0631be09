"""Which sequences of each source are decided, and the gaps between them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.sequences import SequenceKey, Sequences, gateways_of
from monazite_consumers.rules.production import Finding
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of

RANGES_MAX: Final = 1_000
"""Ranges beyond the first gap that a receipt names; what is not named is sent again, and is a duplicate."""

MISSING_MAX: Final = 10**9
"""What one gap counts at most. A sequence may be as high as 2^53, and the gaps of a gateway's day are added up."""

Ranges = list[tuple[int, int]]
"""Sequences from the first to the last of each range, both included, in order."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What is decided of one source; of a source with many holes the first ranges."""

    ranges: Ranges

    @property
    def through(self) -> int:
        """Every sequence up to here is decided; 0 when the first is missing."""
        return self.ranges[0][1] if self.ranges and self.ranges[0][0] == 1 else 0

    @property
    def beyond(self) -> Ranges:
        """What is decided after the first gap."""
        return self.ranges[1:] if self.through else self.ranges


def parse_ranges(text: str) -> Ranges:
    """PostgreSQL's canonical `{[1,5),[7,9)}` as ranges."""
    parts = text.strip("{}").replace("[", "").split("),") if len(text) > 2 else []
    bounds = [part.rstrip(")").split(",") for part in parts]
    return [(int(first), int(after) - 1) for first, after in bounds]


def format_ranges(ranges: Ranges) -> str:
    """The same the other way round."""
    return "{" + ",".join(f"[{first},{last + 1})" for first, last in ranges) + "}"


def runs(sequences: Collection[int]) -> Ranges:
    """Sequences as ranges."""
    found: Ranges = []
    for sequence in sorted(sequences):
        if found and sequence == found[-1][1] + 1:
            found[-1] = (found[-1][0], sequence)
        else:
            found.append((sequence, sequence))
    return found


async def follow(
    connection: Connection, sequences: Sequences, answered: set[int], changes: Changes
) -> dict[int, Decided]:
    """Brings the decided sequences of touched sources up to date, and states the gaps beside them as absences.

    Returns what is decided of every source that was touched or is to be answered. PostgreSQL adds and subtracts, and
    says the first ranges only: a batch costs what it changes, however many holes a source has.
    """
    gained = {source: runs(found) for source, found in sequences.gained.items()}
    lost = {source: runs(found) for source, found in sequences.lost.items()}
    moved = sorted(gained.keys() | lost.keys())
    rows = []
    if moved:
        texts = [[format_ranges(side.get(source, [])) for source in moved] for side in (gained, lost)]
        rows = await connection.fetch(statement("sources", "move_decided"), moved, *texts, RANGES_MAX + 1)
        await _state_gaps(connection, sequences, {s: [*gained.get(s, []), *lost.get(s, [])] for s in moved}, changes)
    if rest := sorted(answered - set(moved)):
        rows += await connection.fetch(statement("sources", "decided"), rest, RANGES_MAX + 1)
    found = {row["source"]: Decided(parse_ranges(row["decided"])) for row in rows}
    return {source: found.get(source, Decided([])) for source in answered.union(moved)}


async def _state_gaps(connection: Connection, sequences: Sequences, moved: dict[int, Ranges], changes: Changes) -> None:
    """A gap is found at the envelope that follows it: the first of each run that moved, and the next after it."""
    before: set[SequenceKey] = set()
    for source, ranges in moved.items():
        before |= {(source, edge) for first, last in ranges for edge in (first - 1, last)}
    keys = sorted(before)
    rows = await connection.fetch(statement("envelopes", "followers"), [s for s, _ in keys], [q for _, q in keys])
    stored = {row["message"] for row in rows} | sequences.leaving | set(sequences.verdicts)
    for message in stored - sequences.fresh:
        changes.unfind((message, WHOLE), "envelope-gap")
    gaps = [row for row in rows if row["missing"]]
    gateways = await gateways_of(connection, {row["source"] for row in gaps}) if gaps else {}
    for row in gaps:
        found = found_missing(gateways[row["source"]], row["arrived_at"], row["missing"])
        changes.find((row["message"], WHOLE), found)


def found_missing(gateway: str, arrived_at: datetime, missing: int) -> Finding:
    """A gap of one of a gateway's sources, found at the envelope that follows it."""
    return Finding("envelope-gap", gateway, f"{day_of(arrived_at)}", arrived_at, min(missing, MISSING_MAX))
