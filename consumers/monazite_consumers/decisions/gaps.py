"""Which sequences of each source are decided, and the gaps between them."""

from collections.abc import Iterable
from dataclasses import dataclass

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.sequences import Sequences, names_of
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.production import Finding
from monazite_consumers.sql import statement

GAPS_MAX = 100
"""Gaps of one source that are stated one by one; further ones show when these close."""

Ranges = list[tuple[int, int]]
"""Sequences from the first to the last of each range, both included, in order."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What is decided of one source."""

    ranges: Ranges

    @property
    def through(self) -> int:
        """Every sequence up to here is decided; 0 when the first is missing."""
        return self.ranges[0][1] if self.ranges and self.ranges[0][0] == 1 else 0

    @property
    def beyond(self) -> Ranges:
        """What is decided after the first gap."""
        return self.ranges[1:] if self.through else self.ranges

    @property
    def gaps(self) -> Ranges:
        """The missing sequences below the highest decided one."""
        lasts = [0, *(last for _, last in self.ranges)]
        return [(last + 1, first - 1) for last, (first, _) in zip(lasts, self.ranges, strict=False) if first > last + 1]


def parse_ranges(text: str) -> Ranges:
    """PostgreSQL's canonical `{[1,5),[7,9)}` as ranges."""
    parts = text.strip("{}").replace("[", "").split("),") if len(text) > 2 else []
    bounds = [part.rstrip(")").split(",") for part in parts]
    return [(int(first), int(after) - 1) for first, after in bounds]


def format_ranges(ranges: Ranges) -> str:
    """The same the other way round."""
    return "{" + ",".join(f"[{first},{last + 1})" for first, last in ranges) + "}"


def add(ranges: Ranges, sequences: Iterable[int]) -> Ranges:
    """Ranges with more sequences in them."""
    merged: Ranges = []
    for first, last in sorted([*ranges, *((s, s) for s in sequences)]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def subtract(ranges: Ranges, sequences: Iterable[int]) -> Ranges:
    """Ranges with sequences taken out."""
    for gone in sorted(sequences):
        kept: Ranges = []
        for first, last in ranges:
            kept += [(a, b) for a, b in ((first, min(last, gone - 1)), (max(first, gone + 1), last)) if a <= b]
        ranges = kept
    return ranges


async def follow(
    connection: Connection, sequences: Sequences, answered: set[int], changes: Changes
) -> dict[int, Decided]:
    """Brings the decided sequences of touched sources up to date, and states their gaps as absences.

    Returns what is decided of every source that was touched or is to be answered.
    """
    moved = sequences.gained.keys() | sequences.lost.keys()
    wanted = sorted(moved | answered)
    rows = await connection.fetch(statement("sources", "decided"), wanted)
    before = {row["source"]: parse_ranges(row["decided"]) for row in rows}
    after = {}
    for source in wanted:
        net_lost = sequences.lost.get(source, set()) - sequences.gained.get(source, set())
        ranges = subtract(before.get(source, []), net_lost)
        after[source] = Decided(add(ranges, sequences.gained.get(source, set())))
    if moved:
        await connection.execute(
            statement("sources", "put_decided"), sorted(moved), [format_ranges(after[s].ranges) for s in sorted(moved)]
        )
    gapped = [s for s in moved if after[s].gaps or Decided(before.get(s, [])).gaps]
    if gapped:
        await _state_gaps(connection, {source: after[source] for source in gapped}, sequences, changes)
    return after


async def _state_gaps(
    connection: Connection, decided: dict[int, Decided], sequences: Sequences, changes: Changes
) -> None:
    names = await names_of(connection, decided)
    for row in await connection.fetch(
        statement("findings", "remove_of_subjects"), "envelope-gap", [names[source] for source in decided]
    ):
        changes.count(AlertKey(row["rule"], row["subject"], row["period"]), -1, -row["measure"])
    gaps = [(source, gap) for source, found in decided.items() for gap in found.gaps[:GAPS_MAX]]
    after = [(source, last + 1) for source, (_, last) in gaps]
    rows = await connection.fetch(statement("envelopes", "neighbours"), [s for s, _ in after], [q for _, q in after])
    follower = {(row["source"], row["sequence"]): (row["message"], row["arrived_at"]) for row in rows}
    for verdict in sequences.verdicts.values():
        if verdict.occupies and verdict.source is not None and verdict.sequence is not None:
            follower[verdict.source, verdict.sequence] = (verdict.message, verdict.coordinate.arrived_at)
    for source, (first, last) in gaps:
        message, arrived_at = follower[source, last + 1]
        changes.find((message, WHOLE), Finding("envelope-gap", names[source], "", arrived_at, last - first + 1))
