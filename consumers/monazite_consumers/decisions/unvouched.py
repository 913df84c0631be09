"""Decides messages that nobody vouches for: refused for good, or kept until the registry says more."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.decisions import answers, sources
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.decisions.sequences import Verdict
from monazite_consumers.decisions.stripped import kept_whole
from monazite_consumers.rules.envelopes import BEYOND_BOUND, FAULT, Arrival, Vouching
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.envelope import Source
from monazite_contracts.months import day_of
from monazite_contracts.receipts import Outcome

Claimed = tuple[int | Source | None, str | None]
"""A source, by its number where it has one, and a key id."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages with what seal and registry say of them, and the numbers of their sources, as far as they have any."""

    numbered: Mapping[int, Arrival]
    vouchings: Mapping[int, Vouching]
    sources: Mapping[Source, int]
    is_bounded: bool = True
    """Whether the bound on awaiting messages holds; a rebuild keeps what was kept."""

    def claimed(self, arrival: Arrival) -> Claimed:
        """Under whose name, and under which key, a message awaits."""
        source = arrival.opened.source
        return (source if source is None else self.sources.get(source, source)), arrival.key_id


@dataclass(frozen=True, slots=True)
class Unvouched:
    """The result. `stripped`: beyond the bound on awaiting messages, to be kept by coordinate and hash only."""

    verdicts: dict[int, Verdict] = field(default_factory=dict)
    stripped: set[int] = field(default_factory=set)


async def decide_unvouched(connection: Connection, batch: Batch, registry: Registry, changes: Changes) -> Unvouched:
    """Repeats of what is kept are duplicates, and what awaits is bounded."""
    result = Unvouched()
    others = {m: arrival for m, arrival in batch.numbered.items() if not batch.vouchings[m].vouched}
    if not others:
        return result
    rows = await connection.fetch(statement("envelopes", "kept"), [a.opened.hash for a in others.values()])
    kept: set[Identity] = {tuple(row) for row in rows}
    room = await _room(connection, registry, batch)
    changes.untold |= await _repeats(connection, batch)
    for message, arrival in others.items():
        verdict, vouching = _verdict(message, arrival, batch), batch.vouchings[message]
        identity = identity_of(arrival, vouching)
        if identity in kept:
            verdict.outcome, verdict.reason = Outcome.DUPLICATE, None
        elif verdict.outcome is Outcome.AWAITING and (
            arrival.is_stripped
            or (batch.is_bounded and not arrival.is_parked and not room.take(batch.claimed(arrival)))
        ):
            result.stripped.add(message)
            verdict.source = verdict.sequence = None
            verdict.reason = BEYOND_BOUND
            result.verdicts[message] = verdict
            continue
        else:
            kept.add(identity)
        result.verdicts[message] = verdict
        find(message, arrival, vouching, registry, changes)
        untold = verdict.source is None or message in changes.untold
        if verdict.outcome is Outcome.REFUSED and untold and verdict.reason is not None:
            changes.dead_letters.append(answers.dead_letter(arrival, verdict.reason))
    await _number_kept(connection, batch, result)
    await _find_stripped(connection, batch, result, registry, changes)
    return result


async def _number_kept(connection: Connection, batch: Batch, result: Unvouched) -> None:
    """Sources of which nothing was known get numbers once something of theirs is kept: the bound holds for both."""
    named = {
        message: source
        for message, verdict in result.verdicts.items()
        for source in [batch.numbered[message].opened.source]
        if source is not None
        and source not in batch.sources
        and message not in result.stripped
        and batch.vouchings[message].outcome is Outcome.AWAITING
    }
    numbers = await sources.number(connection, named.values())
    for message, source in named.items():
        result.verdicts[message].source = numbers[source]


async def _find_stripped(
    connection: Connection, batch: Batch, result: Unvouched, registry: Registry, changes: Changes
) -> None:
    """What is not kept awaits for want of room; unless its value is kept already, which it then repeats."""
    arrivals = {message: batch.numbered[message] for message in result.stripped}
    said = await kept_whole(connection, arrivals.values())
    said |= {a.opened.hash for m, a in batch.numbered.items() if m not in arrivals or m in changes.untold}
    for message, arrival in arrivals.items():
        if arrival.opened.hash in said:
            result.verdicts[message].outcome, result.verdicts[message].reason = Outcome.DUPLICATE, None
        else:
            find(message, arrival, Vouching(Outcome.AWAITING, BEYOND_BOUND), registry, changes)


Identity = tuple[Any, ...]
"""Value's hash, key, seal, topic, partition and record key of a message that nobody vouches for, and the rule why."""


def identity_of(arrival: Arrival, vouching: Vouching) -> Identity:
    """What a message shares with those that repeat it: all that it holds, where it holds it, and what becomes of it."""
    at, seal = arrival.coordinate, (arrival.key_id, arrival.seal)
    rule = vouching.reason.rule if vouching.reason is not None else None
    return (arrival.opened.hash, *seal, at.topic, at.partition, arrival.record_key, rule)


def _verdict(message: int, arrival: Arrival, batch: Batch) -> Verdict:
    """In the name of its source, where the source is proven or may yet be."""
    vouching, opened = batch.vouchings[message], arrival.opened
    assert vouching.outcome is not None  # noqa: S101 - unvouched messages have an outcome
    verdict = Verdict(
        message, arrival.coordinate, opened.hash, arrival.key_id, vouching.outcome, previous=opened.previous,
        reason=vouching.reason,
    )  # fmt: skip
    if opened.source is not None and (vouching.outcome is Outcome.AWAITING or vouching.is_proven):
        verdict.source, verdict.sequence = batch.sources.get(opened.source), opened.sequence
    return verdict


async def _repeats(connection: Connection, batch: Batch) -> set[int]:
    """Messages that say what stands at their sequence already, or comes to stand beside them.

    Whoever has read a sealed value can put it anywhere and under any key: no receipt may tell the plant that what
    stands is refused, or awaits.
    """
    claims = {
        message: (batch.sources[arrival.opened.source], arrival.opened.sequence, arrival.opened.hash)
        for message, arrival in batch.numbered.items()
        if arrival.opened.source is not None and arrival.opened.source in batch.sources
    }
    unvouched = {message: claim for message, claim in claims.items() if not batch.vouchings[message].vouched}
    if not unvouched:
        return set()
    at = {(source, sequence) for source, sequence, _ in unvouched.values()}
    rows = await connection.fetch(statement("envelopes", "neighbours"), *transposed(at, 2))
    standing = {(row["source"], row["sequence"], row["hash"]) for row in rows}
    standing |= {claim for message, claim in claims.items() if message not in unvouched}
    return {message for message, claim in unvouched.items() if claim in standing}


class _Room:
    """How many more messages may await, in all and of each claimed source and key."""

    def __init__(self, registry: Registry, rows: Iterable[Any]) -> None:
        self._per_source_max = registry.settings.awaiting_per_source_max
        self._counts: Counter[Claimed] = Counter()
        for row in rows:
            self._counts[row["source"], row["key_id"]] += row["messages"]
        self._left = registry.settings.awaiting_total_max - sum(self._counts.values())

    def take(self, claimed: Claimed) -> bool:
        """Whether there was room for one more."""
        if self._left <= 0 or self._counts[claimed] >= self._per_source_max:
            return False
        self._counts[claimed] += 1
        self._left -= 1
        return True


async def _room(connection: Connection, registry: Registry, batch: Batch) -> _Room:
    if batch.is_bounded and any(vouching.outcome is Outcome.AWAITING for vouching in batch.vouchings.values()):
        return _Room(registry, await connection.fetch(statement("envelopes", "awaiting_counts")))
    return _Room(registry, [])


def find(message: int, arrival: Arrival, vouching: Vouching, registry: Registry, changes: Changes) -> None:
    """States a finding about a message that nobody vouches for.

    About repeats too, and never by what happened to be registered when something final was decided: which of two equal
    messages is decided first must make no difference.
    """
    assert vouching.reason is not None  # noqa: S101 - unvouched messages have a reason
    at, source, place = arrival.coordinate.arrived_at, arrival.opened.source, (message, WHOLE)
    topic, day = arrival.coordinate.topic, f"{day_of(at)}"
    gateway = f"{source.plant}/{source.gateway}" if source is not None else topic
    known = source is not None and (source.plant, source.gateway) in registry.gateways
    key = registry.sealing_keys.get(arrival.key_id) if arrival.key_id is not None else None
    if vouching.reason is FAULT:
        changes.find(place, Finding(FAULT.rule, "intake", day, at))
    elif vouching.outcome is Outcome.AWAITING:
        subject = gateway if known and vouching.reason is not BEYOND_BOUND else topic
        changes.find(place, Finding("source-unknown", subject, "", at))
    elif vouching.reason.rule == "seal-false" and key is not None:
        changes.find(place, Finding("seal-false", f"{key.plant}/{key.gateway}", day, at))
    else:  # misplaced ones too: anybody can have put them there
        changes.find(place, Finding("unreadable", topic, day, at))
