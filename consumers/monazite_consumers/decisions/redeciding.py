"""What a registry change touches is decided again: keys, registrations, holders, allocations, lists, settings."""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from monazite_consumers.database import WORLD_IS_BAD, Connection
from monazite_consumers.decisions import answers, posting
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.deciding import Platform, Touched, decide, read_platform, tell
from monazite_consumers.decisions.doubting import doubt, doubt_all
from monazite_consumers.decisions.holders import all_caps, resum, same_mapping
from monazite_consumers.decisions.reading import read_row
from monazite_consumers.decisions.rebuilding import rebuild
from monazite_consumers.decisions.reported import doubt_amended, restate
from monazite_consumers.decisions.sequences import Joining, SequenceKey, Verdict
from monazite_consumers.decisions.unvouched import Identity, find, identity_of
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.entries import GatewayKey
from monazite_consumers.rules.envelopes import FAULT, Arrival, Vouching, not_vouched, vouch
from monazite_consumers.rules.keys import month_key
from monazite_consumers.rules.obligations import owed_months
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of
from monazite_contracts.receipts import Outcome

log = logging.getLogger(__name__)

CHUNK = 500

OF_CUSTODY = (
    "plants", "operations", "memberships", "successions", "approvals", "duties", "excuses", "deadlines", "holidays",
    "licences", "recoveries", "tolerances", "settings",
)  # fmt: skip
"""Nouns that judgements of lots, shipments, licences and months rest on."""

OF_CAPS = ("allocations", "breakdowns")
"""Nouns that only what is granted rests on: no plant's month is judged anew for them, and reports state them."""

EVENT_SETTINGS = ("claim_tolerance_ppm", "future_tolerance_minutes", "long_past_days")
"""Settings that rules on single events use: changing one restates every finding, by a rebuild."""


async def registry_changed(connection: Connection, before: Registry, after: Registry) -> None:
    """Decides again, in the transaction that applies the registry and under its exclusive lock."""
    now = (await read_platform(connection)).instant or datetime.now(UTC)
    await connection.execute(statement("platform", "begin"), now)
    platform = await read_platform(connection)
    keys = _changed_keys(before, after)
    plants = before.plants.keys() ^ after.plants.keys() | {key.plant for found in keys.values() for key in found}
    if plants:
        await _vouch_again(connection, after, platform, sorted(plants), sorted(keys))
    if any(getattr(before.settings, name) != getattr(after.settings, name) for name in EVENT_SETTINGS):
        await rebuild(connection, after, keep=True)
    changes = Changes(at=now)
    if not same_mapping(before, after):
        await resum(connection, after)
    if any(before.entries.get(noun, ()) != after.entries.get(noun, ()) for noun in OF_CUSTODY):
        await _doubt_custody(connection, before, after, platform.judged_at)
    if (since := _granted_since(before, after)) is not None:
        await restate(connection, [month_key(plant, f"{since:%Y-%m}") for plant in after.plants])
    caps = await all_caps(connection, after)
    changes.touched |= await _touched_alerts(connection, before, after)
    await tell(connection, after, platform, changes, caps)


async def _doubt_custody(connection: Connection, before: Registry, after: Registry, judged_at: datetime) -> None:
    """Whatever somebody answers for is judged anew; how lots and shipments are, portion by portion."""
    await doubt_all(connection)
    months = {row["key"] for row in await connection.fetch(statement("months", "all"))}
    months.update(owed_months(after, datetime.min.replace(tzinfo=UTC), judged_at))
    licences = before.licences.keys() | after.licences.keys()
    await doubt(connection, [*(("month", key) for key in months), *(("licence", number) for number in licences)])


def _granted_since(before: Registry, after: Registry) -> date | None:
    """The first day from which on somebody was granted more or less than before; later months rest on it."""
    days = []
    for noun in OF_CAPS:
        was, now = before.entries.get(noun, ()), after.entries.get(noun, ())
        changed = [entry for entry in was if entry not in now] + [entry for entry in now if entry not in was]
        days += [Registry.day_within(entry.year, entry.issued_on) for entry in changed]
    return min(days, default=None)


def _changed_keys(before: Registry, after: Registry) -> dict[str, list[GatewayKey]]:
    """Keys that came, went or changed: as they were, and as they are."""
    pairs = {key_id: (before.keys.get(key_id), after.keys.get(key_id)) for key_id in {*before.keys, *after.keys}}
    return {key_id: [key for key in pair if key is not None] for key_id, pair in pairs.items() if pair[0] != pair[1]}


async def _vouch_again(
    connection: Connection, registry: Registry, platform: Platform, plants: list[str], keys: list[str]
) -> None:
    """Both ways: a late registration applies what awaited, a backdated revocation takes back what was sealed."""
    await doubt_amended(connection)
    rows = await connection.fetch(statement("envelopes", "of_registrations"), plants, keys)
    doubtful = [row for row in rows if not row["vouched"] or _why_not(row, registry) is not None]
    kept: set[Identity] = set()
    for start in range(0, len(doubtful), CHUNK):
        await _decide_chunk(connection, registry, platform, doubtful[start : start + CHUNK], kept)
    await doubt_amended(connection)


@dataclass(frozen=True, slots=True)
class _Again:
    """Stored messages to decide again, and who was met before; `parked`: whatever they are, they only await."""

    rows: list[Any]
    kept: set[Identity]
    parked: bool = False


async def _decide_chunk(
    connection: Connection, registry: Registry, platform: Platform, rows: list[Any], kept: set[Identity]
) -> None:
    """As intake does: what makes our own code raise is halved until one message is left, and holds up nothing else."""
    now_kept = set(kept)
    try:
        async with connection.transaction():
            await _decide_again(connection, registry, platform, _Again(rows, now_kept))
    except WORLD_IS_BAD:
        raise
    except Exception:
        if len(rows) == 1:
            log.exception("platform fault at message %s", rows[0]["message"])
            await _park(connection, registry, platform, rows[0])
            return
        for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
            await _decide_chunk(connection, registry, platform, half, kept)
    else:
        kept |= now_kept


async def _park(connection: Connection, registry: Registry, platform: Platform, row: Any) -> None:
    """Parks one stored message; where even that raises it is left as it was, and somebody is paged all the same."""
    try:
        async with connection.transaction():
            await _decide_again(connection, registry, platform, _Again([row], set(), parked=True))
    except WORLD_IS_BAD:
        raise
    except Exception:
        log.exception("message %s stays as it was", row["message"])
        changes, place = Changes(at=platform.instant or datetime.now(UTC)), (row["message"], WHOLE)
        changes.unfind(place, FAULT.rule)
        changes.find(place, Finding(FAULT.rule, "intake", f"{day_of(row['arrived_at'])}", row["arrived_at"]))
        await posting.write_findings(connection, changes)
        await tell(connection, registry, platform, changes, ())


def _why_not(row: Any, registry: Registry) -> str | None:
    key = registry.keys.get(row["key_id"]) if row["key_id"] is not None else None
    return not_vouched((row["plant"], row["gateway"]), key, row["arrived_at"], registry)


async def _decide_again(connection: Connection, registry: Registry, platform: Platform, again: _Again) -> None:
    changes = Changes(at=platform.instant or datetime.now(UTC))
    chunk = {row["message"]: row for row in again.rows}
    verdicts: dict[int, Verdict] = {}
    joining: list[Joining] = []
    leaving: dict[int, SequenceKey] = {}
    for found in await connection.fetch(statement("ledger", "arrivals"), list(chunk)):
        message, row = found["message"], chunk[found["message"]]
        arrival = read_row(found)
        arrival = arrival._replace(is_parked=arrival.is_parked or again.parked)
        vouching = vouch(arrival, registry)
        changes.unfind((message, WHOLE))
        if vouching.vouched:
            joining.append(Joining(message, row["source"], arrival))
            continue
        if row["vouched"]:
            leaving[message] = (row["source"], row["sequence"])
        find(message, arrival, vouching, registry, changes)
        verdict = _unvouched(row, arrival, vouching, again.kept)
        if verdict.reason is not None and verdict.outcome is Outcome.REFUSED and verdict.source is None:
            changes.dead_letters.append(answers.dead_letter(arrival, verdict.reason))
        rule = verdict.reason.rule if verdict.reason is not None else None
        if row["vouched"] or (row["outcome"], row["rule"]) != (verdict.outcome, rule):
            verdicts[message] = verdict
    before = {message: Outcome(row["outcome"]) for message, row in chunk.items()}
    touched = Touched(joining, leaving, verdicts, new=set(), before=before)
    await decide(connection, registry, platform, changes, touched)


def _unvouched(row: Any, arrival: Arrival, vouching: Vouching, kept: set[Identity]) -> Verdict:
    assert vouching.outcome is not None  # noqa: S101 - unvouched messages have one
    opened, identity = arrival.opened, identity_of(arrival, vouching)
    repeats = identity in kept
    kept.add(identity)
    # What it repeats may have been refused before, and is then not decided again.
    repeats |= vouching.outcome is Outcome.REFUSED and row["outcome"] == Outcome.DUPLICATE and not row["vouched"]
    # What a forger claimed is not the plant's: no receipt may tell it that its sequence is refused.
    named = vouching.outcome is Outcome.AWAITING or vouching.is_proven
    source, sequence = (row["source"], row["sequence"]) if named else (None, None)
    return Verdict(
        row["message"], arrival.coordinate, opened.hash, arrival.key_id,
        Outcome.DUPLICATE if repeats else vouching.outcome, source, sequence, opened.previous,
        reason=None if repeats else vouching.reason,
    )  # fmt: skip


async def _touched_alerts(connection: Connection, before: Registry, after: Registry) -> set[AlertKey]:
    """Alerts about lists, provinces and settling that the change may touch."""
    keys: set[AlertKey] = set()
    nouns = ("approvals", "operations", "memberships", "successions")
    if any(before.entries.get(noun, ()) != after.entries.get(noun, ()) for noun in nouns):
        years = [row["year"] for row in await connection.fetch(statement("caps", "drawn_years"))]
        plants = [row["plant"] for row in await connection.fetch(statement("draws", "plants"))]
        keys |= {AlertKey("unlisted-producer", plant, f"{year}") for plant in plants for year in years}
    rules = [rule.id for rule in RULES.values() if rule.subject in {"plant", "gateway", "source", "lot"}]
    moved = {p for p in before.plants.keys() | after.plants.keys() if before.plants.get(p) != after.plants.get(p)}
    for row in await connection.fetch(statement("alerts", "of_rules"), rules):
        if row["subject"].partition("/")[0] in moved:
            keys.add(AlertKey(row["rule"], row["subject"], row["period"]))
    if before.settings.settle_minutes != after.settings.settle_minutes:
        absences = [rule.id for rule in RULES.values() if rule.fires_on == "absence"]
        keys |= {AlertKey(*row) for row in await connection.fetch(statement("findings", "of_rules"), absences)}
        keys |= {AlertKey(*row) for row in await connection.fetch(statement("alerts", "of_rules"), absences)}
    return keys
