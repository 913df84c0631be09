"""One decision about a batch of arrivals, inside the caller's transaction: read, decide, write, tell."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from monazite_consumers.database import PLANT_LOCKS, Connection
from monazite_consumers.decisions import answers, posting
from monazite_consumers.decisions.alerting import judge_caps, observe, publish
from monazite_consumers.decisions.chains import check_chain
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.claims import settle_claims
from monazite_consumers.decisions.gaps import follow
from monazite_consumers.decisions.sequences import Joining, SequenceKey, Verdict, settle
from monazite_consumers.delivery import put
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.caps import Cap
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.envelopes import Arrival, Vouching, vouch
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.envelope import Source
from monazite_contracts.months import day_of
from monazite_contracts.receipts import Outcome


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform's own row: the driven instant if there is one, where watch last judged, and the epoch."""

    instant: datetime | None
    judged_at: datetime
    epoch: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of one batch, for metrics and logs."""

    messages: Mapping[str, int]
    events: Mapping[str, int]
    refused_by_rule: Mapping[str, int]


async def read_platform(connection: Connection) -> Platform:
    """The platform's own row."""
    (row,) = await connection.fetch(statement("platform", "read"))
    return Platform(row["instant"], row["judged_at"], row["epoch"])


async def decide_arrivals(
    connection: Connection, registry: Registry, arrivals: Sequence[tuple[Arrival, Any]]
) -> Decision:
    """Decides messages that have just been received, and keeps them; each comes with its odd headers, if any."""
    platform = await read_platform(connection)
    await lock_names(connection, (lock_name(arrival) for arrival, _ in arrivals))
    rows = await connection.fetch(statement("ledger", "number"), len(arrivals))
    numbered = {row["message"]: arrival for row, (arrival, _) in zip(rows, arrivals, strict=True)}
    odd_headers = {row["message"]: odd for row, (_, odd) in zip(rows, arrivals, strict=True)}
    received = await decide_numbered(connection, registry, platform, numbered)
    await posting.write_ledger(connection, numbered, odd_headers, received.stripped)
    return received.decision


@dataclass(frozen=True, slots=True)
class Received:
    """What came of numbered messages. `stripped`: beyond the bound on awaiting ones, kept without their bytes."""

    decision: Decision
    stripped: set[int]


async def decide_numbered(
    connection: Connection, registry: Registry, platform: Platform, numbered: Mapping[int, Arrival]
) -> Received:
    """Decides messages that have their numbers, new to the projections: intake and rebuild share it."""
    newest = max(arrival.coordinate.arrived_at for arrival in numbered.values())
    changes = Changes(at=platform.instant or newest, arrived_at=newest if platform.instant is None else None)
    vouchings = {message: vouch(arrival, registry) for message, arrival in numbered.items()}
    sources = await _number_sources(connection, numbered, vouchings)
    unvouched = await _decide_unvouched(connection, Batch(numbered, vouchings, sources), registry, changes)
    joining = [
        Joining(message, sources[arrival.opened.source], arrival)
        for message, arrival in numbered.items()
        if vouchings[message].vouched and arrival.opened.source is not None
    ]
    touched = Touched(joining, {}, unvouched.verdicts, new=set(numbered))
    decision = await decide(connection, registry, platform, changes, touched)
    return Received(decision, unvouched.stripped)


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages with what seal and registry say of them, and the numbers of their sources."""

    numbered: Mapping[int, Arrival]
    vouchings: Mapping[int, Vouching]
    sources: Mapping[Source, int]


@dataclass(frozen=True, slots=True)
class Touched:
    """What a decision starts from: messages that join or leave the competition, and verdicts already made."""

    joining: Sequence[Joining]
    leaving: Mapping[int, SequenceKey]
    verdicts: dict[int, Verdict]
    new: set[int]
    before: Mapping[int, Outcome] = field(default_factory=dict)
    """Of stored messages: as what they are tallied."""


async def decide(
    connection: Connection, registry: Registry, platform: Platform, changes: Changes, touched: Touched
) -> Decision:
    """The common part of intake and of deciding again: settles, writes, tells."""
    sequences = await settle(connection, touched.joining, touched.leaving)
    await check_chain(connection, sequences, changes)
    verdicts = touched.verdicts | sequences.verdicts
    claims = await settle_claims(connection, sequences.standing, sequences.falling, registry, changes)
    _note_refused(verdicts.values(), touched.joining, changes)
    answered = {v.source for v in sequences.verdicts.values() if v.source is not None}
    answers.note_verdicts(verdicts.values(), set(), changes)
    answers.note_events(sequences, claims, changes)
    await answers.note_stored_events(connection, claims, changes)
    await posting.write_events(connection, claims, sequences.falling)
    await posting.write_envelopes(connection, list(verdicts.values()), touched.new)
    decided = await follow(connection, sequences, answered | changes.entries.keys(), changes)
    await posting.write_lots(connection, changes)
    await posting.write_findings(connection, changes)
    _tally(verdicts.values(), touched, sequences.before, changes)
    await posting.write_tallies(connection, changes)
    caps = await posting.write_draws(connection, registry, changes)
    await tell(connection, registry, platform, changes, caps)
    messages = await answers.receipts(connection, registry, decided, changes, platform.epoch)
    await put(connection, [*messages, *answers.dead_letters(changes)], changes.arrived_at)
    return Decision(
        Counter(verdict.outcome for verdict in verdicts.values()),
        Counter(row.outcome for row in claims.rows.values()),
        Counter(v.reason.rule for v in verdicts.values() if v.reason is not None),
    )


async def tell(
    connection: Connection, registry: Registry, platform: Platform, changes: Changes, caps: Iterable[Cap]
) -> None:
    """Observes every alert that is touched, stores what has changed, and puts it into the outbox."""
    changes.touched |= _touched_listings(registry, changes)
    keys = [key for key in changes.touched if RULES[key.rule].subject != "cap"]
    observed = await judge_caps(connection, registry, caps, platform.judged_at)
    observed |= await observe(connection, registry, keys, platform.judged_at)
    messages = await publish(connection, observed, changes.at, platform.epoch, simulated=registry.simulated)
    await put(connection, messages, changes.arrived_at)


def _touched_listings(registry: Registry, changes: Changes) -> set[AlertKey]:
    return {
        AlertKey("unlisted-producer", key.plant, f"{key.day.year}")
        for key in changes.draws
        if key.basis in {"output", "separated_again"} and not registry.listed(key.plant, key.kind, key.day)  # type: ignore[arg-type]
    }


def lock_name(arrival: Arrival) -> str:
    """Whose decisions must not run side by side: the claimed plant's, or the topic's where none is claimed."""
    source = arrival.opened.source
    return source.plant if source is not None else f"topic {arrival.coordinate.topic}"


async def lock_names(connection: Connection, names: Iterable[str]) -> None:
    """Takes the locks in one order, so that two decisions never wait for each other in a circle."""
    keys = sorted({int.from_bytes(sha256(name.encode()).digest()[:4], signed=True) for name in names})
    await connection.execute(statement("ledger", "lock_names"), PLANT_LOCKS, keys)


async def _number_sources(
    connection: Connection, numbered: Mapping[int, Arrival], vouchings: Mapping[int, Vouching]
) -> dict[Source, int]:
    """Numbers of the sources of all messages that are not refused."""
    wanted = {
        arrival.opened.source
        for message, arrival in numbered.items()
        if arrival.opened.source is not None and vouchings[message].outcome is not Outcome.REFUSED
    }
    if not wanted:
        return {}
    columns = posting.transposed([(s.plant, s.gateway, s.stream, s.incarnation) for s in sorted(wanted, key=repr)], 4)
    found = await connection.fetch(statement("sources", "known"), *columns)
    if len(found) < len(wanted):
        await connection.execute(statement("sources", "add"), *columns)
        found = await connection.fetch(statement("sources", "known"), *columns)
    by_name = {(r["plant"], r["gateway"], r["stream"], r["incarnation"]): r["source"] for r in found}
    return {s: by_name[s.plant, s.gateway, s.stream, s.incarnation] for s in wanted}


@dataclass(frozen=True, slots=True)
class _Unvouched:
    verdicts: dict[int, Verdict]
    stripped: set[int]
    """Beyond the bound on awaiting messages: kept by coordinate and hash only."""


async def _decide_unvouched(connection: Connection, batch: Batch, registry: Registry, changes: Changes) -> _Unvouched:
    """Refused and awaiting messages: repeats of what is kept are duplicates, and what awaits is bounded."""
    result = _Unvouched({}, set())
    vouchings, sources = batch.vouchings, batch.sources
    others = {message: arrival for message, arrival in batch.numbered.items() if not vouchings[message].vouched}
    if not others:
        return result
    hashes = [arrival.opened.hash for arrival in others.values()]
    rows = await connection.fetch(statement("envelopes", "kept"), hashes)
    kept = {(row["hash"], row["key_id"], row["seal"]) for row in rows}
    room = await _room(connection, registry) if any(v.outcome is Outcome.AWAITING for v in vouchings.values()) else None
    for message, arrival in others.items():
        vouching, opened = vouchings[message], arrival.opened
        assert vouching.outcome is not None and vouching.reason is not None  # noqa: S101, PT018 - unvouched has both
        awaiting = vouching.outcome is Outcome.AWAITING
        source = sources.get(opened.source) if opened.source is not None and awaiting else None
        verdict = Verdict(
            message, arrival.coordinate, opened.hash, arrival.key_id, vouching.outcome, source,
            opened.sequence if awaiting else None, opened.previous, reason=vouching.reason,
        )  # fmt: skip
        identity = (opened.hash, arrival.key_id, arrival.seal)
        if identity in kept:
            verdict.outcome, verdict.reason = Outcome.DUPLICATE, None
        elif awaiting and room is not None and not room.take((source, arrival.key_id)):
            result.stripped.add(message)
            verdict.source = verdict.sequence = None
        kept.add(identity)
        result.verdicts[message] = verdict
        _find_unvouched(verdict, arrival, vouching, registry, changes)
    return result


class _Room:
    """How many more messages may await, in all and of each claimed source and key."""

    def __init__(self, registry: Registry, rows: Iterable[Any]) -> None:
        self._per_source_max = registry.settings.awaiting_per_source_max
        self._counts: Counter[tuple[int | None, str | None]] = Counter()
        for row in rows:
            self._counts[row["source"], row["key_id"]] += row["messages"]
        self._left = registry.settings.awaiting_total_max - sum(self._counts.values())

    def take(self, claimed: tuple[int | None, str | None]) -> bool:
        """Whether there was room for one more."""
        if self._left <= 0 or self._counts[claimed] >= self._per_source_max:
            return False
        self._counts[claimed] += 1
        self._left -= 1
        return True


async def _room(connection: Connection, registry: Registry) -> _Room:
    return _Room(registry, await connection.fetch(statement("envelopes", "awaiting_counts")))


def _find_unvouched(
    verdict: Verdict, arrival: Arrival, vouching: Vouching, registry: Registry, changes: Changes
) -> None:
    """States a finding about a message that is not vouched for, and a dead letter where nobody can be named."""
    assert vouching.reason is not None  # noqa: S101 - unvouched messages have a reason
    at, source = arrival.coordinate.arrived_at, arrival.opened.source
    known = source is not None and (source.plant, source.gateway) in registry.gateways
    subject = f"{source.plant}/{source.gateway}" if known and source is not None else arrival.coordinate.topic
    if verdict.outcome is Outcome.DUPLICATE:
        return
    if verdict.outcome is Outcome.AWAITING:
        changes.find((verdict.message, WHOLE), Finding("source-unknown", subject, "", at))
        return
    rule = "seal-false" if known and vouching.reason.rule == "seal-false" else "unreadable"
    subject = subject if rule == "seal-false" else arrival.coordinate.topic
    changes.find((verdict.message, WHOLE), Finding(rule, subject, f"{day_of(at)}", at))
    changes.dead_letters.append(answers.dead_letter(arrival, vouching.reason))


def _note_refused(verdicts: Iterable[Verdict], joining: Sequence[Joining], changes: Changes) -> None:
    """Findings about vouched envelopes: refused by content, or forked."""
    names = {j.message: j.arrival.opened.source for j in joining}
    for verdict in verdicts:
        source = names.get(verdict.message)
        if not verdict.vouched:
            continue
        if source is None:
            changes.unfind((verdict.message, WHOLE), "envelope-fork")
            continue
        at = verdict.coordinate.arrived_at
        if verdict.outcome is Outcome.REFUSED:
            subject, day = f"{source.plant}/{source.gateway}", f"{day_of(at)}"
            changes.find((verdict.message, WHOLE), Finding("contract-refused", subject, day, at))
        elif verdict.outcome is Outcome.AWAITING:
            subject = f"{source.plant}/{source.gateway}/{source.stream}/{source.incarnation}"
            changes.find((verdict.message, WHOLE), Finding("envelope-fork", subject, "", at))


def _tally(
    verdicts: Iterable[Verdict], touched: Touched, settled_before: Mapping[int, Outcome], changes: Changes
) -> None:
    before = {**touched.before, **settled_before}
    for verdict in verdicts:
        c = verdict.coordinate
        at = (c.topic, c.partition, c.log_generation)
        if verdict.message in before:
            changes.tallies[*at, before[verdict.message]] -= 1
        changes.tallies[*at, verdict.outcome] += 1
