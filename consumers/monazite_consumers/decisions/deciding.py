"""One decision about a batch of arrivals, inside the caller's transaction: read, decide, write, tell."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from monazite_consumers.database import ALERT_LOCKS, PLANT_LOCKS, Connection
from monazite_consumers.decisions import answers, lots, posting, sources
from monazite_consumers.decisions.alerting import publish
from monazite_consumers.decisions.chains import check_chain
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.claims import settle_claims
from monazite_consumers.decisions.gaps import follow
from monazite_consumers.decisions.logs import LOG_RULES
from monazite_consumers.decisions.observing import judge_caps, observe
from monazite_consumers.decisions.sequences import Joining, SequenceKey, Verdict, gateways_of, settle
from monazite_consumers.decisions.stripped import settle_stripped
from monazite_consumers.decisions.unvouched import Batch, decide_unvouched
from monazite_consumers.delivery import put
from monazite_consumers.errors import RestoredError
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.caps import Cap
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.draws import LISTED_BASES
from monazite_consumers.rules.envelopes import Arrival, Proof, Vouching, vouch
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.envelope import Source
from monazite_contracts.months import day_of
from monazite_contracts.receipts import Outcome
from monazite_contracts.times import INSTANT_MIN

OF_SEVERAL_PLANTS = LOG_RULES | {"source-unknown", "unreadable", "seal-false", "platform-fault"}
"""Rules whose alerts are about a topic, the platform or another plant's key: no plant's lock covers them."""


@dataclass(frozen=True, slots=True)
class Platform:
    """The platform's own row: the driven instant if there is one, where watch last judged, and the epoch."""

    instant: datetime | None
    judged_at: datetime
    epoch: int
    awaited_digest: bytes | None = None
    """Of the registry without which a restored database decides nothing."""
    judge_again_at: datetime | None = None
    """When every alert is judged anew after a restore."""
    known_until: datetime = INSTANT_MIN
    """Everything that had arrived by then has been decided and followed."""

    def require_current(self) -> None:
        """Refuses to decide in a restored database.

        Raises:
            RestoredError: its registry may be an older one.
        """
        if self.awaited_digest is not None:
            raise RestoredError


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of one batch, for metrics and logs."""

    messages: Mapping[str, int]
    events: Mapping[str, int]
    refused_by_rule: Mapping[str, int]


async def read_platform(connection: Connection) -> Platform:
    """The platform's own row."""
    (row,) = await connection.fetch(statement("platform", "read"))
    return Platform(*row.values())


async def _kept_already(*_: set[int]) -> None:
    """The messages stand in the ledger."""


async def decide_arrivals(
    connection: Connection,
    registry: Registry,
    arrivals: Sequence[tuple[Arrival, Any]],
    on_settled: Callable[[], None] | None = None,
    proven: AbstractSet[Proof] = frozenset(),
) -> Decision:
    """Decides messages that have just been received, and keeps them; each comes with its odd headers, if any.

    `on_settled` is called when hardly anything is left but to write, and PostgreSQL has most of the work.
    `proven`: seals that were checked before.
    """
    platform = await read_platform(connection)
    platform.require_current()
    await lock_names(connection, PLANT_LOCKS, (lock_name(arrival) for arrival, _ in arrivals))
    rows = await connection.fetch(statement("ledger", "number"), len(arrivals))
    numbered = {row["message"]: arrival for row, (arrival, _) in zip(rows, arrivals, strict=True)}
    odd_headers = {row["message"]: odd for row, (_, odd) in zip(rows, arrivals, strict=True)}

    async def keep(stripped: set[int]) -> None:
        if on_settled is not None:
            on_settled()
        await posting.write_ledger(connection, numbered, odd_headers, stripped)

    return await decide_numbered(connection, registry, platform, Numbered(numbered, keep=keep, proven=proven))


@dataclass(frozen=True, slots=True)
class Numbered:
    """Messages with their numbers.

    `is_bounded`: of what awaits beyond the bound no bytes are kept. `keep` writes the ledger, before anything else is
    written, given the messages of which it is to keep no bytes. `proven`: seals that were checked before.
    """

    arrivals: Mapping[int, Arrival]
    is_bounded: bool = True
    keep: Callable[[set[int]], Awaitable[None]] = _kept_already
    proven: AbstractSet[Proof] = frozenset()


async def decide_numbered(
    connection: Connection, registry: Registry, platform: Platform, messages: Numbered
) -> Decision:
    """Decides messages that have their numbers, new to the projections: intake and rebuild share it."""
    numbered = messages.arrivals
    newest = max(arrival.coordinate.arrived_at for arrival in numbered.values())
    changes = Changes(at=platform.instant or newest, arrived_at=newest if platform.instant is None else None)
    vouchings = {message: vouch(arrival, registry, messages.proven) for message, arrival in numbered.items()}
    of_sources = await _number_sources(connection, numbered, vouchings)
    unvouched = await decide_unvouched(
        connection, Batch(numbered, vouchings, of_sources, messages.is_bounded), registry, changes
    )
    joining = [
        Joining(message, of_sources[arrival.opened.source], arrival)
        for message, arrival in numbered.items()
        if vouchings[message].vouched and arrival.opened.source is not None
    ]
    kept = [arrival for message, arrival in numbered.items() if message not in unvouched.stripped]
    kept_anew = await settle_stripped(connection, kept, changes)
    before = dict.fromkeys(kept_anew, Outcome.AWAITING)
    keep = partial(messages.keep, unvouched.stripped)
    touched = Touched(joining, {}, unvouched.verdicts | kept_anew, set(numbered), before, keep)
    return await decide(connection, registry, platform, changes, touched)


@dataclass(frozen=True, slots=True)
class Touched:
    """What a decision starts from: messages that join or leave the competition, and verdicts already made."""

    joining: Sequence[Joining]
    leaving: Mapping[int, SequenceKey]
    verdicts: dict[int, Verdict]
    new: set[int]
    before: Mapping[int, Outcome] = field(default_factory=dict)
    """Of stored messages: as what they are tallied."""
    keep: Callable[[], Awaitable[None]] = _kept_already
    """Writes the ledger, once everything is settled and before anything else is written."""


async def decide(
    connection: Connection, registry: Registry, platform: Platform, changes: Changes, touched: Touched
) -> Decision:
    """The common part of intake and of deciding again: settles, writes, tells."""
    sequences = await settle(connection, touched.joining, touched.leaving)
    await check_chain(connection, sequences, changes)
    verdicts = touched.verdicts | sequences.verdicts
    claims = await settle_claims(connection, sequences.standing, sequences.falling, registry, changes)
    await _note_refused(connection, verdicts.values(), sequences.fresh, changes)
    answered = {v.source for v in sequences.verdicts.values() if v.source is not None}
    answers.note_verdicts(verdicts.values(), changes)
    answers.note_events(sequences, claims, changes)
    await answers.note_stored_events(connection, claims, changes)
    await touched.keep()
    await posting.write_events(connection, claims, sequences.falling, touched.new)
    await posting.write_envelopes(connection, list(verdicts.values()), touched.new)
    decided = await follow(connection, sequences, answered | changes.entries.keys(), changes)
    await lots.write_lots(connection, changes)
    await posting.write_findings(connection, changes)
    _tally(verdicts.values(), touched, sequences.before, changes)
    await posting.write_tallies(connection, changes)
    await posting.write_draws(connection, changes)
    messages = await answers.receipts(connection, registry, decided, changes, platform.epoch)
    await put(connection, [*messages, *answers.dead_letters(changes)], changes.arrived_at)
    # Caps come last: what several plants draw on is locked from here to the commit.
    caps = await posting.write_caps(connection, registry, changes)
    await tell(connection, registry, platform, changes, caps)
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
    shared = [key.id for key in changes.touched if key.rule in OF_SEVERAL_PLANTS]
    if shared:  # what others have found is seen once they have committed, and not overwritten
        await lock_names(connection, ALERT_LOCKS, shared)
    await posting.write_finding_sums(connection, changes)
    keys = [key for key in changes.touched if RULES[key.rule].subject != "cap"]
    observed = await judge_caps(connection, registry, caps, platform.judged_at)
    observed |= await observe(connection, registry, keys, platform.judged_at)
    messages = await publish(connection, observed, changes.at, platform.epoch, simulated=registry.simulated)
    await put(connection, messages, changes.arrived_at)


def _touched_listings(registry: Registry, changes: Changes) -> set[AlertKey]:
    return {
        AlertKey("unlisted-producer", key.plant, f"{key.day.year}")
        for key in changes.draws
        if key.basis in LISTED_BASES and not registry.listed(key.plant, key.kind, key.day)
    }


def lock_name(arrival: Arrival) -> str:
    """Whose decisions must not run side by side: the claimed plant's, or the topic's where none is claimed."""
    source = arrival.opened.source
    return source.plant if source is not None else f"topic {arrival.coordinate.topic}"


async def lock_names(connection: Connection, of: int, names: Iterable[str]) -> None:
    """Takes locks of a class in one order, so that two decisions never wait for each other in a circle."""
    keys = sorted({int.from_bytes(sha256(name.encode()).digest()[:4], signed=True) for name in names})
    await connection.execute(statement("ledger", "lock_names"), of, keys)


async def _number_sources(
    connection: Connection, numbered: Mapping[int, Arrival], vouchings: Mapping[int, Vouching]
) -> dict[Source, int]:
    """Numbers of the sources of all that is vouched for, or refused in a proven sender's name.

    Of what awaits only those that are known: what is not even kept must not leave a row behind for each name invented.
    """
    proven, claimed = set[Source](), set[Source]()
    for message, arrival in numbered.items():
        if arrival.opened.source is not None and vouchings[message].is_proven:
            proven.add(arrival.opened.source)
        elif arrival.opened.source is not None and vouchings[message].outcome is Outcome.AWAITING:
            claimed.add(arrival.opened.source)
    return await sources.known(connection, claimed - proven) | await sources.number(connection, proven)


async def _note_refused(connection: Connection, verdicts: Iterable[Verdict], fresh: set[int], changes: Changes) -> None:
    """Findings about vouched envelopes: refused by content, or forked."""
    vouched = [verdict for verdict in verdicts if verdict.vouched]
    for verdict in vouched:
        if verdict.message not in fresh:
            changes.unfind((verdict.message, WHOLE), "envelope-fork")
            changes.unfind((verdict.message, WHOLE), "contract-refused")
            if not verdict.occupies:
                changes.unfind((verdict.message, WHOLE), "chain-broken")
    odd = [v for v in vouched if v.outcome in {Outcome.REFUSED, Outcome.AWAITING} and v.source is not None]
    gateways = await gateways_of(connection, {v.source for v in odd if v.source is not None}) if odd else {}
    for verdict in odd:
        at = verdict.coordinate.arrived_at
        rule = "contract-refused" if verdict.outcome is Outcome.REFUSED else "envelope-fork"
        finding = Finding(rule, gateways[verdict.source or 0], f"{day_of(at)}", at)
        changes.find((verdict.message, WHOLE), finding)


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
