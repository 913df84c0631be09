"""Decides who stands at each sequence that a batch or a registry change touches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monazite_contracts.opening import Opened
from monazite_contracts.receipts import Outcome
from monazite_contracts.refusals import Refusal

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.reading import coordinate_of, read_row
from monazite_consumers.rules.envelopes import FORK, Arrival, Candidate, Coordinate, place
from monazite_consumers.rules.production import Finding
from monazite_consumers.sql import statement

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


@dataclass(frozen=True, slots=True)
class Standing:
    """An envelope that comes to stand, with its events as read."""

    message: int
    coordinate: Coordinate
    source: int
    sequence: int
    opened: Opened


@dataclass(slots=True)
class Sequences:
    """The result: verdicts by message (new and changed ones), what comes to stand, and what stands no longer."""

    verdicts: dict[int, Verdict] = field(default_factory=dict)
    standing: list[Standing] = field(default_factory=list)
    falling: list[int] = field(default_factory=list)
    gained: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    lost: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    before: dict[int, Outcome] = field(default_factory=dict)
    """Of stored messages that have a new verdict."""


@dataclass(frozen=True, slots=True)
class Joining:
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


async def settle(
    connection: Connection,
    joining: Sequence[Joining],
    leaving: Mapping[int, SequenceKey],
    changes: Changes,
) -> Sequences:
    """Settles every touched sequence. `leaving`: stored messages that are vouched for no longer, with their sequence."""
    touched = {(j.source, j.arrival.opened.sequence or 0) for j in joining} | set(leaving.values())
    stored = await _stored(connection, touched)
    slots: dict[SequenceKey, list[Candidate]] = defaultdict(list)
    for found in stored.values():
        if found.candidate.message not in leaving:
            slots[found.source, found.sequence].append(found.candidate)
    arrivals: dict[int, Arrival] = {}
    for j in joining:
        arrivals[j.message] = j.arrival
        a = j.arrival
        slots[j.source, a.opened.sequence or 0].append(
            Candidate(j.message, a.coordinate, a.opened.hash, a.key_id, a.seal)
        )
    result = Sequences()
    for message in leaving:
        if message in stored and stored[message].occupies:
            _fall(result, stored[message])
    places = {key: place(candidates) for key, candidates in slots.items()}
    arrivals |= await _read_risers(connection, places, stored, arrivals)
    for key, candidates in slots.items():
        for candidate in candidates:
            _decide(result, key, candidate, places[key], stored, arrivals)
    await _check_chain(connection, result, touched, set(leaving), arrivals.keys() - stored.keys(), changes)
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
    places: Mapping[SequenceKey, Mapping[int, object]],
    stored: Mapping[int, _Stored],
    arrivals: Mapping[int, Arrival],
) -> dict[int, Arrival]:
    """Reads from the ledger what comes to occupy a sequence without having arrived just now."""
    risers = [
        message
        for held in places.values()
        for message, where in held.items()
        if getattr(where, "occupies", False) and message not in arrivals and not stored[message].occupies
    ]
    if not risers:
        return {}
    rows = await connection.fetch(statement("ledger", "arrivals"), risers)
    return {row["message"]: read_row(row) for row in rows}


def _decide(
    result: Sequences,
    key: SequenceKey,
    candidate: Candidate,
    held: Mapping[int, object],
    stored: Mapping[int, _Stored],
    arrivals: Mapping[int, Arrival],
) -> None:
    before = stored.get(candidate.message)
    if before is not None:
        result.before[candidate.message] = before.outcome
    occupies, outcome = held[candidate.message].occupies, held[candidate.message].outcome  # type: ignore[attr-defined]
    if occupies:
        if before is not None and before.occupies:
            return
        _rise(result, key, candidate, arrivals[candidate.message].opened)
        return
    if before is not None and before.occupies:
        _fall(result, before)
    elif before is not None and before.outcome == outcome:
        return
    result.verdicts[candidate.message] = Verdict(
        candidate.message,
        candidate.coordinate,
        candidate.hash,
        candidate.key_id,
        outcome,
        *key,
        vouched=True,
        reason=FORK if outcome is Outcome.AWAITING else None,
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


async def _check_chain(
    connection: Connection,
    result: Sequences,
    touched: Iterable[SequenceKey],
    leaving: set[int],
    fresh: set[int],
    changes: Changes,
) -> None:
    """Notices envelopes that do not name the one before them, on both sides of every sequence that changed."""
    changed = {key for key in touched if key[1] in result.gained[key[0]] or key[1] in result.lost[key[0]]}
    if not changed:
        return
    around = {(source, sequence + step) for source, sequence in changed for step in (-1, 0, 1)}
    new = {(v.source, v.sequence): v for v in result.verdicts.values() if v.occupies}
    gone = leaving | set(result.falling) | {m for m, v in result.verdicts.items() if not v.occupies}
    links: dict[SequenceKey, _Link] = {}
    wanted = [key for key in around if key not in new and key[1] > 0]
    if wanted:
        rows = await connection.fetch(
            statement("envelopes", "neighbours"), [source for source, _ in wanted], [sequence for _, sequence in wanted]
        )
        for row in rows:
            if row["message"] not in gone:
                links[row["source"], row["sequence"]] = _Link(
                    row["message"],
                    row["hash"],
                    row["previous"],
                    row["arrived_at"],
                    row["outcome"] == Outcome.REFUSED,
                    is_new=False,
                )
    for key, v in new.items():
        assert key[0] is not None and key[1] is not None  # noqa: S101, PT018 - occupants have both
        refused, is_new = v.reason is not None, v.message in fresh
        links[key[0], key[1]] = _Link(v.message, v.hash, v.previous, v.coordinate.arrived_at, refused, is_new)
    await _judge_links(connection, changed, links, changes)


@dataclass(frozen=True, slots=True)
class _Link:
    message: int
    hash: bytes
    previous: bytes | None
    arrived_at: datetime
    is_refused: bool
    """Refused by content: then what it says of the one before it may not be readable."""
    is_new: bool


async def _judge_links(
    connection: Connection, changed: set[SequenceKey], links: Mapping[SequenceKey, _Link], changes: Changes
) -> None:
    broken: list[tuple[int, _Link]] = []
    for source, sequence in sorted({(source, sequence + step) for source, sequence in changed for step in (0, 1)}):
        link, before = links.get((source, sequence)), links.get((source, sequence - 1))
        if link is None:
            continue
        if not link.is_new:
            changes.unfind((link.message, WHOLE), "chain-broken")
        fits = link.previous is None if sequence == 1 else before is None or link.previous == before.hash
        if not fits and not link.is_refused:
            broken.append((source, link))
    names = await names_of(connection, {source for source, _ in broken}) if broken else {}
    for source, link in broken:
        changes.find((link.message, WHOLE), Finding("chain-broken", names[source], "", link.arrived_at))


async def names_of(connection: Connection, sources: Iterable[int]) -> dict[int, str]:
    """`plant/gateway/stream/incarnation` of source numbers."""
    rows = await connection.fetch(statement("sources", "of_numbers"), sorted(sources))
    return {row["source"]: "/".join((row["plant"], row["gateway"], row["stream"], row["incarnation"])) for row in rows}
