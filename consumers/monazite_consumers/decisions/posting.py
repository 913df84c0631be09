"""Writes what a decision changes: rows, sums, caps; in an order of locks that is the same for everyone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from types import MappingProxyType
from typing import Any, Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import WHOLE, Changes, Place
from monazite_consumers.decisions.claims import Claims
from monazite_consumers.decisions.sequences import Verdict
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.caps import Cap
from monazite_consumers.rules.draws import counts
from monazite_consumers.rules.envelopes import Arrival
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.receipts import Outcome
from monazite_contracts.refusals import Refusal

_LEDGER = (
    "message", "topic", "partition", "log_generation", "log_offset", "arrived_at", "record_key", "key_id", "seal",
    "odd_headers", "value", "size", "hash",
)  # fmt: skip
_ENVELOPES = (
    "message", "source", "sequence", "hash", "previous", "arrived_at", "key_id", "events", "outcome", "occupies",
    "vouched", "rule", "field", "remedy",
)  # fmt: skip
_EVENTS = (
    "message", "index", "plant", "event_id", "hash", "type", "event_time", "outcome", "effective",
    "amended_at", "test", "target_id", "target_hash", "rule", "field", "remedy",
)  # fmt: skip
NO_CAUSES: Final[Mapping[Place, int]] = MappingProxyType({})

_FINDINGS = ("message", "index", "rule", "subject", "period", "at", "measure")


def transposed(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Columns of rows, as `unnest` takes them; so many empty ones when there is no row."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


async def copy(connection: Connection, table: str, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
    """Copies rows in, if there are any."""
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=columns)


async def write_ledger(
    connection: Connection, arrivals: Mapping[int, Arrival], odd_headers: Mapping[int, Any], stripped: set[int]
) -> None:
    """Every message as received; of those beyond the bound on awaiting ones only coordinate and hash."""
    rows = [
        (
            message, *_coordinate(arrival), arrival.record_key, arrival.key_id, arrival.seal, odd_headers[message],
            None if message in stripped else arrival.value, len(arrival.value or b""), arrival.opened.hash,
        )
        for message, arrival in arrivals.items()
    ]  # fmt: skip
    await copy(connection, "ledger", _LEDGER, rows)


def _coordinate(arrival: Arrival) -> tuple[Any, ...]:
    c = arrival.coordinate
    return c.topic, c.partition, c.log_generation, c.log_offset, c.arrived_at


def _reason(reason: Refusal | None) -> tuple[str | None, str | None, str | None]:
    return (None, None, None) if reason is None else (reason.rule, reason.field[:200], reason.remedy)


async def write_envelopes(connection: Connection, verdicts: Iterable[Verdict], new: Iterable[int]) -> None:
    """New envelope rows are copied in after stored ones have changed: who steps down goes first."""
    fresh = set(new)
    changed = [v for v in verdicts if v.message not in fresh]
    if changed:  # what came as a declaration may count now, or no longer
        await restate(connection, [(v.message, WHOLE) for v in changed])
    for occupies in (False, True):
        moved = [
            (v.message, v.source, v.sequence, v.events, v.outcome, v.occupies, v.vouched, *_reason(v.reason))
            for v in changed
            if v.occupies is occupies
        ]
        if moved:
            await connection.execute(statement("envelopes", "change"), *transposed(moved, 10))
    rows = [
        (
            v.message, v.source, v.sequence, v.hash, v.previous, v.coordinate.arrived_at, v.key_id, v.events,
            v.outcome, v.occupies, v.vouched, *_reason(v.reason),
        )
        for v in verdicts
        if v.message in fresh
    ]  # fmt: skip
    await copy(connection, "envelopes", _ENVELOPES, rows)


async def restate(connection: Connection, places: Sequence[Place], causes: Mapping[Place, int] = NO_CAUSES) -> None:
    """Whoever follows looks at these places again, as soon as it has read the messages that are the causes."""
    if places:
        rows = [(*place, causes.get(place, place[0])) for place in sorted(set(places))]
        await connection.execute(statement("following", "restate"), *transposed(rows, 3))


async def write_events(connection: Connection, claims: Claims, falling: Sequence[int], new: AbstractSet[int]) -> None:
    """Events of fallen envelopes go, stored ones step down, new ones come in, stored ones step up.

    Whoever follows finds the events of `new` messages by their numbers; what changes about others, or of a new one
    with a later message, is restated.
    """
    restated = [*claims.saying, *(row.place for row in claims.rows.values() if row.message not in new)]
    if falling:
        removed = await connection.fetch(statement("events", "remove"), list(falling))
        restated += [(row["message"], row["index"]) for row in removed if row["said"]]
    restated += [place for place, cause in claims.causes.items() if place[0] not in new or cause > place[0]]
    await restate(connection, [*restated, *claims.outcomes, *claims.rebased], claims.causes)
    down = [
        (*place, outcome, *_reason(reason))
        for place, (outcome, reason) in claims.outcomes.items()
        if outcome is not Outcome.APPLIED
    ]
    if down:
        await connection.execute(statement("events", "step_down"), *transposed(down, 6))
    rows = [
        (
            row.message, row.index, row.plant, row.event_id, row.hash, row.type, row.event_time, row.outcome,
            row.effective, row.amended_at, row.test, *(row.target or (None, None)), *_reason(row.reason),
        )
        for row in claims.rows.values()
    ]  # fmt: skip
    await copy(connection, "events", _EVENTS, rows)
    up = [place for place, (outcome, _) in claims.outcomes.items() if outcome is Outcome.APPLIED]
    if up:
        await connection.execute(statement("events", "step_up"), *transposed(up, 2))
    if claims.saying:
        rows_saying = [(*place, *now) for place, now in claims.saying.items()]
        await connection.execute(statement("events", "set_saying"), *transposed(rows_saying, 4))


async def write_findings(connection: Connection, changes: Changes) -> None:
    """Findings that are gone are taken out before the ones that hold are stated."""
    if changes.findings_gone:
        rows = [(*place, rule) for place, rule in changes.findings_gone]
        for row in await connection.fetch(statement("findings", "remove"), *transposed(rows, 3)):
            changes.count(AlertKey(row["rule"], row["subject"], row["period"]), -1, -row["measure"])
    unique = {(place, finding.rule): finding for place, finding in changes.findings}
    for (_, rule), f in unique.items():
        changes.count(AlertKey(rule, f.subject, f.period), 1, f.measure)
    await copy(
        connection,
        "findings",
        _FINDINGS,
        [(*place, rule, f.subject, f.period, f.at, f.measure) for (place, rule), f in unique.items()],
    )


async def write_finding_sums(connection: Connection, changes: Changes) -> None:
    """How much each alert rests on now; after the locks of alerts that several plants share."""
    rows = [(k.rule, k.subject, k.period, *total) for k, total in sorted(changes.finding_sums.items()) if any(total)]
    changes.finding_sums.clear()
    if rows:
        await connection.execute(statement("findings", "post_sums"), *transposed(rows, 5))


async def write_draws(connection: Connection, changes: Changes) -> None:
    """Adds to the sums of draws."""
    rows = [
        (*key, t.drawn_g, t.original_g, t.events)
        for key, t in sorted(changes.draws.items())
        if t.drawn_g or t.original_g or t.events
    ]
    if rows:
        await connection.execute(statement("draws", "post"), *transposed(rows, 7))


async def write_caps(connection: Connection, registry: Registry, changes: Changes) -> set[Cap]:
    """Adds to the sums of caps, and locks each cap that is touched; returns those."""
    days: dict[tuple[Cap, date], list[int]] = defaultdict(lambda: [0, 0])
    for key, total in changes.draws.items():
        if counts(key.kind, key.basis, registry.settings):
            for holder in registry.holders(key.plant, key.day):
                day = days[Cap(holder, key.day.year, key.kind), key.day]
                day[0] += total.drawn_g
                day[1] += total.original_g
    return await _post_caps(connection, days)


async def _post_caps(connection: Connection, days: Mapping[tuple[Cap, date], list[int]]) -> set[Cap]:
    if not days:
        return set()
    totals: dict[Cap, list[int]] = defaultdict(lambda: [0, 0])
    for (cap, _), (drawn_g, original_g) in days.items():
        totals[cap][0] += drawn_g
        totals[cap][1] += original_g
    # The totals come first: their row locks, taken in order, serialise everything that follows about a cap.
    rows = [(cap.holder, cap.year, cap.kind, *total) for cap, total in sorted(totals.items())]
    await connection.execute(statement("caps", "post"), *transposed(rows, 5))
    moved = [(cap.holder, cap.year, cap.kind, day, *grams) for (cap, day), grams in sorted(days.items()) if any(grams)]
    if moved:
        await connection.execute(statement("caps", "post_days"), *transposed(moved, 6))
    return set(totals)


async def write_tallies(connection: Connection, changes: Changes) -> None:
    """Messages by outcome."""
    rows = [(*key, number) for key, number in sorted(changes.tallies.items()) if number]
    if rows:
        await connection.execute(statement("tallies", "post"), *transposed(rows, 5))
