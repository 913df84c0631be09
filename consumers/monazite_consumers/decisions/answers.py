"""What plants are told: a receipt for every source that a decision touched, and dead letters where nobody is named."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import WHOLE, Changes, Place
from monazite_consumers.decisions.claims import Claims
from monazite_consumers.decisions.gaps import RANGES_MAX, Decided
from monazite_consumers.decisions.sequences import Sequences, Verdict
from monazite_consumers.delivery import Outgoing
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.envelopes import Arrival
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.deadletters import HEAD_BYTES, DeadLetter
from monazite_contracts.envelope import Source
from monazite_contracts.events import Stream
from monazite_contracts.receipts import Outcome, Range, Receipt, ReceiptEntry
from monazite_contracts.refusals import Refusal
from monazite_contracts.seal import encode_base64url
from monazite_contracts.topics import DEAD_LETTERS, receipts_topic

ENTRIES_MAX = 300
"""Entries of one receipt; more make further receipts, so that no message outgrows the broker's limit of 1 MiB."""

FIELD_CHARS_MAX, REMEDY_CHARS_MAX = 120, 400


def dead_letter(arrival: Arrival, reason: Refusal) -> DeadLetter:
    """A message that names nobody we can answer."""
    c = arrival.coordinate
    return DeadLetter(
        type="monazite.dead-letter.v1",
        topic=c.topic,
        partition=c.partition,
        log_generation=c.log_generation,
        offset=c.log_offset,
        arrived_at=c.arrived_at,
        hash=arrival.opened.hash.hex(),
        head=encode_base64url((arrival.value or b"")[:HEAD_BYTES]),
        rule=reason.rule,
        remedy=reason.remedy,
    )


def note_verdicts(verdicts: Iterable[Verdict], changes: Changes) -> None:
    """Entries about whole envelopes: whatever is not simply applied, and what was taken back."""
    for verdict in verdicts:
        if verdict.source is None or verdict.sequence is None or verdict.outcome is Outcome.APPLIED:
            continue
        if verdict.message in changes.untold:
            continue
        changes.entries[verdict.source].append(
            ReceiptEntry(
                sequence=verdict.sequence,
                envelope_hash=verdict.hash.hex(),
                outcome=verdict.outcome,
                **_why(verdict.reason),
            )
        )


def note_events(sequences: Sequences, claims: Claims, changes: Changes) -> None:
    """Entries about events of envelopes that came to stand: whatever is not simply applied, and what was flagged."""
    flags: dict[Place, str] = {
        place: finding.rule
        for place, finding in changes.findings
        if place[1] != WHOLE and not RULES[finding.rule].quiet
    }
    where = {s.message: (s.source, s.sequence, s.opened.hash.hex()) for s in sequences.standing}
    odd = {place for place, row in claims.rows.items() if row.outcome is not Outcome.APPLIED}
    for place in sorted(odd | flags.keys() & claims.rows.keys()):
        row = claims.rows[place]
        flag = flags[place] if row.outcome is Outcome.APPLIED else None
        source, sequence, envelope_hash = where[place[0]]
        reason = Refusal(flag, "", RULES[flag].remedy) if flag else row.reason
        changes.entries[source].append(
            _event_entry(place, (sequence, envelope_hash, row.event_id), row.outcome, reason)
        )


async def note_stored_events(connection: Connection, claims: Claims, changes: Changes) -> None:
    """Entries about stored events whose outcome changed, take-backs too."""
    if not claims.outcomes:
        return
    messages = sorted({message for message, _ in claims.outcomes})
    envelopes = {r["message"]: r for r in await connection.fetch(statement("envelopes", "of_messages"), messages)}
    events = {
        (r["message"], r["index"]): r for r in await connection.fetch(statement("events", "of_messages"), messages)
    }
    for place, (outcome, reason) in claims.outcomes.items():
        envelope, event = envelopes[place[0]], events[place]
        if envelope["source"] is None or event["outcome"] == outcome:
            continue
        named = (envelope["sequence"], envelope["hash"].hex(), str(event["event_id"]))
        changes.entries[envelope["source"]].append(_event_entry(place, named, outcome, reason))


def note_again(rows: Iterable[Any], changes: Changes) -> None:
    """Entries about messages (without index) and events of which something else is said now."""
    for row in rows:
        outcome, flag = Outcome(row["outcome"]), row["flag"]
        reason = Refusal(row["rule"], row["field"], row["remedy"]) if row["rule"] is not None else None
        if outcome is Outcome.APPLIED and flag is not None:
            reason = Refusal(flag, "", RULES[flag].remedy)
        named = (row["sequence"], row["hash"].hex(), str(row["event_id"]) if row["event_id"] is not None else None)
        changes.entries[row["source"]].append(_event_entry((row["message"], row["index"]), named, outcome, reason))


def _event_entry(
    place: Place, named: tuple[int, str, str | None], outcome: Outcome, reason: Refusal | None
) -> ReceiptEntry:
    sequence, envelope_hash, event_id = named
    return ReceiptEntry(
        sequence=sequence,
        envelope_hash=envelope_hash,
        index=place[1],
        event_id=event_id,
        outcome=outcome,
        flagged=outcome is Outcome.APPLIED and reason is not None,
        **_why(reason),
    )


def _why(reason: Refusal | None) -> dict[str, Any]:
    if reason is None:
        return {}
    return {
        "rule": reason.rule,
        "field": reason.field[:FIELD_CHARS_MAX] or None,
        "remedy": reason.remedy[:REMEDY_CHARS_MAX],
    }


async def receipts(
    connection: Connection,
    registry: Registry,
    decided: Mapping[int, Decided],
    changes: Changes,
    epoch: int,
) -> list[Outgoing]:
    """A receipt, or several, for every source of a registered plant that was touched."""
    named = {
        row["source"]: row
        for row in await connection.fetch(statement("sources", "of_numbers"), sorted(decided))
        if row["plant"] in registry.plants
    }
    if not named:
        return []
    parts = {source: _parts(changes.entries.get(source, [])) for source in named}
    hashes = await _hashes(connection, {source: decided[source].through for source in named})
    numbers: dict[int, list[int]] = {source: [] for source in named}
    for _ in range(max(len(p) for p in parts.values())):
        some = [source for source in sorted(named) if len(numbers[source]) < len(parts[source])]
        for row in await connection.fetch(statement("sources", "next_receipts"), some):
            numbers[row["source"]].append(row["number"])
    return [
        _receipt(named[source], decided[source], hashes.get(source), _Part(epoch, number, entries, changes.at))
        for source in sorted(named)
        for number, entries in zip(numbers[source], parts[source], strict=True)
    ]


def _parts(entries: list[ReceiptEntry]) -> list[list[ReceiptEntry]]:
    return [entries[i : i + ENTRIES_MAX] for i in range(0, len(entries), ENTRIES_MAX)] or [[]]


async def _hashes(connection: Connection, through: Mapping[int, int]) -> dict[int, str]:
    at = [(source, sequence) for source, sequence in through.items() if sequence]
    if not at:
        return {}
    rows = await connection.fetch(statement("envelopes", "neighbours"), [s for s, _ in at], [q for _, q in at])
    return {row["source"]: row["hash"].hex() for row in rows}


@dataclass(frozen=True, slots=True)
class _Part:
    """One receipt of possibly several."""

    epoch: int
    number: int
    entries: list[ReceiptEntry]
    at: datetime


def _receipt(source: Any, decided: Decided, decided_hash: str | None, part: _Part) -> Outgoing:
    names = (source["plant"], source["gateway"], source["stream"], source["incarnation"])
    value = Receipt(
        type="monazite.receipt.v1",
        source=Source(plant=names[0], gateway=names[1], stream=Stream(names[2]), incarnation=names[3]),
        epoch=part.epoch,
        number=part.number,
        decided_through=decided.through,
        decided_hash=decided_hash,
        decided_beyond=tuple(Range(first=first, last=last) for first, last in decided.beyond[:RANGES_MAX]),
        entries=tuple(part.entries),
        issued_at=part.at,
    )
    return Outgoing(receipts_topic(names[0]), "/".join(names).encode(), value.model_dump_json().encode())


def dead_letters(changes: Changes) -> list[Outgoing]:
    """The dead letters of one decision."""
    return [
        Outgoing(DEAD_LETTERS, f"{letter.topic}/{letter.partition}".encode(), letter.model_dump_json().encode())
        for letter in changes.dead_letters
    ]
