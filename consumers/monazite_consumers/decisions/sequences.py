"""Decides who stands at each sequence that a batch or a registry change touches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.reading import coordinate_of, read_row
from monazite_consumers.rules.envelopes import FORK, Arrival, Candidate, Coordinate, Place, place
from monazite_consumers.sql import statement
from monazite_contracts.opening import Opened
from monazite_contracts.receipts import Outcome
from monazite_contracts.refusals import Refusal

SequenceKey = tuple[int, int]
"""Source number and sequence."""


@dataclass(slots=True)
class Verdict:
    """What is decided about one message; the columns of its row."""

    message: int
    coordinate: Coordinate
    hash: bytes
    key_id: str | None
    outcome: Outcome
    source: int | None = None
    sequence: int | None = None
    previous: bytes | None = None
    events: int = 0
    occupies: bool = False
    vouched: bool = False
    reason: Refusal | None = None


class Standing(NamedTuple):
    """An envelope that comes to stand, with its events as read."""

    message: int
    coordinate: Coordinate
    source: int
    sequence: int
    opened: Opened


@dataclass(slots=True)
class Sequences:
    """The result: verdicts by message (new and changed ones), what comes to stand, and what stands no longer."""

    touched: set[SequenceKey]
    leaving: set[int]
    """Messages that are vouched for no longer."""
    fresh: set[int]
    """Messages that no row knows yet."""
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    standing: list[Standing] = field(default_factory=list)
    falling: list[int] = field(default_factory=list)
    gained: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    lost: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    before: dict[int, Outcome] = field(default_factory=dict)
    """Of stored messages that have a new verdict."""

    def moved(self, key: SequenceKey) -> bool:
        """Whether a sequence has another occupant than before."""
        source, sequence = key
        return sequence in self.gained.get(source, ()) or sequence in self.lost.get(source, ())


class Joining(NamedTuple):
    """A vouched message that now competes for its sequence."""

    message: int
    source: int
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class _Stored:
    candidate: Candidate
    source: int
    sequence: int
    outcome: Outcome
    occupies: bool


async def settle(connection: Connection, joining: Sequence[Joining], leaving: Mapping[int, SequenceKey]) -> Sequences:
    """Settles every touched sequence. `leaving`: stored messages that are no longer vouched for, with their place."""
    touched = {(j.source, j.arrival.opened.sequence or 0) for j in joining} | set(leaving.values())
    stored = await _stored(connection, touched)
    slots: dict[SequenceKey, list[Candidate]] = defaultdict(list)
    for found in stored.values():
        if found.candidate.message not in leaving:
            slots[found.source, found.sequence].append(found.candidate)
    for j in joining:
        a = j.arrival
        candidate = Candidate(j.message, a.coordinate, a.opened.hash, a.key_id, a.seal)
        slots[j.source, a.opened.sequence or 0].append(candidate)
    arrivals = {j.message: j.arrival for j in joining}
    result = Sequences(touched=touched, leaving=set(leaving), fresh=arrivals.keys() - stored.keys())
    for message in leaving:
        if message in stored and stored[message].occupies:
            _fall(result, stored[message])
    places = {key: place(candidates) for key, candidates in slots.items()}
    arrivals |= await _read_risers(connection, places, stored, arrivals)
    for key, candidates in slots.items():
        for candidate in candidates:
            before = stored.get(candidate.message)
            _decide(result, key, candidate, places[key][candidate.message], before)
            if candidate.message in arrivals and candidate.message in result.verdicts:
                result.verdicts[candidate.message].previous = arrivals[candidate.message].opened.previous
            if places[key][candidate.message].occupies and (before is None or not before.occupies):
                _rise(result, key, candidate, arrivals[candidate.message].opened)
    return result


async def _stored(connection: Connection, touched: Iterable[SequenceKey]) -> dict[int, _Stored]:
    keys = list(touched)
    rows = await connection.fetch(
        statement("envelopes", "at_sequences"), [source for source, _ in keys], [sequence for _, sequence in keys]
    )
    return {
        row["message"]: _Stored(
            Candidate(row["message"], coordinate_of(row), row["hash"], row["key_id"], row["seal"]),
            row["source"],
            row["sequence"],
            Outcome(row["outcome"]),
            row["occupies"],
        )
        for row in rows
    }


async def _read_risers(
    connection: Connection,
    places: Mapping[SequenceKey, Mapping[int, Place]],
    stored: Mapping[int, _Stored],
    arrivals: Mapping[int, Arrival],
) -> dict[int, Arrival]:
    """Reads from the ledger what comes to occupy a sequence without having arrived just now."""
    risers = [
        message
        for held in places.values()
        for message, where in held.items()
        if where.occupies and message not in arrivals and not stored[message].occupies
    ]
    if not risers:
        return {}
    rows = await connection.fetch(statement("ledger", "arrivals"), risers)
    return {row["message"]: read_row(row) for row in rows}


def _decide(result: Sequences, key: SequenceKey, candidate: Candidate, held: Place, before: _Stored | None) -> None:
    """What becomes of a candidate that does not rise: it stays, falls, repeats or forks."""
    if before is not None:
        result.before[candidate.message] = before.outcome
    if held.outcome is None:
        return
    if before is not None and before.occupies:
        _fall(result, before)
    elif before is not None and before.outcome == held.outcome:
        return
    result.verdicts[candidate.message] = Verdict(
        candidate.message,
        candidate.coordinate,
        candidate.hash,
        candidate.key_id,
        held.outcome,
        *key,
        vouched=True,
        reason=FORK if held.outcome is Outcome.AWAITING else None,
    )


def _rise(result: Sequences, key: SequenceKey, candidate: Candidate, opened: Opened) -> None:
    verdict = Verdict(
        candidate.message,
        candidate.coordinate,
        candidate.hash,
        candidate.key_id,
        Outcome.APPLIED if opened.refusal is None else Outcome.REFUSED,
        *key,
        previous=opened.previous,
        events=len(opened.events),
        occupies=True,
        vouched=True,
        reason=opened.refusal,
    )
    result.verdicts[candidate.message] = verdict
    result.gained[key[0]].add(key[1])
    if opened.refusal is None:
        result.standing.append(Standing(candidate.message, candidate.coordinate, *key, opened))


def _fall(result: Sequences, before: _Stored) -> None:
    result.lost[before.source].add(before.sequence)
    if before.outcome is Outcome.APPLIED:
        result.falling.append(before.candidate.message)


async def gateways_of(connection: Connection, sources: Iterable[int]) -> dict[int, str]:
    """`plant/gateway` of source numbers. Alerts are about those: anybody's gateway may start as often as it likes."""
    rows = await connection.fetch(statement("sources", "of_numbers"), sorted(sources))
    return {row["source"]: f"{row['plant']}/{row['gateway']}" for row in rows}
