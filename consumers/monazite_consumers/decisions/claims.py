"""Decides the events of envelopes that come to stand or fall: which is applied, and what each statement says now."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.decisions.effects import Effects, effects_of, post_current, post_original
from monazite_consumers.decisions.histories import Group, settle_histories
from monazite_consumers.decisions.reading import coordinate_of
from monazite_consumers.decisions.sequences import Standing
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.statements import CONFLICT, Claim, outcomes_of
from monazite_consumers.sql import statement
from monazite_contracts.events import event_time, target_of
from monazite_contracts.months import day_of
from monazite_contracts.opening import OpenedEvent
from monazite_contracts.receipts import Outcome
from monazite_contracts.refusals import Refusal

log = logging.getLogger(__name__)

FAULT = Refusal("platform-fault", "", "Nothing for you to do: the platform could not decide this event and will again.")


_Named = tuple[str, str]
"""Event id and the plant that claims it."""


@dataclass(slots=True)
class EventRow:
    """One event of a standing envelope; the columns of its row."""

    message: int
    index: int
    plant: str
    event_id: str | None
    hash: bytes
    type: str
    event_time: datetime | None
    outcome: Outcome
    effective: bool = False
    test: bool = False
    target: tuple[str, bytes] | None = None
    reason: Refusal | None = None

    @property
    def place(self) -> Place:
        """Message and index."""
        return self.message, self.index


@dataclass(slots=True)
class Claims:
    """The result: rows to write, and what changes of stored ones."""

    rows: dict[Place, EventRow] = field(default_factory=dict)
    outcomes: dict[Place, tuple[Outcome, Refusal | None]] = field(default_factory=dict)
    effective: dict[Place, bool] = field(default_factory=dict)


async def settle_claims(
    connection: Connection, standing: Sequence[Standing], falling: Sequence[int], registry: Registry, changes: Changes
) -> Claims:
    """Settles every event id that is touched, posting effects into `changes`."""
    result = Claims()
    groups: dict[str, Group] = defaultdict(Group)
    ready: dict[Place, Effects] = {}
    for envelope in standing:
        for index, opened in enumerate(envelope.opened.events):
            row = _new_row(envelope, index, opened, registry, ready)
            result.rows[row.place] = row
            if row.reason is not None:
                _find_refused(envelope, row, changes)
            elif not row.test:
                groups[row.event_id or ""].new.append(_new_claim(envelope, row, opened))
    await _gather_falling(connection, falling, groups, changes)
    effective_before = await _complete(connection, groups, set(falling))
    complex_groups = _settle_simple(result, groups, ready, changes)
    settled = await settle_histories(connection, complex_groups, registry.settings, changes)
    for claim in settled.faulted:
        _park(result, claim, changes)
    _note_effective(result, complex_groups, settled.effective, effective_before)
    return result


def _park(result: Claims, claim: Claim, changes: Changes) -> None:
    """An amendment that made our own code raise awaits a release that does not."""
    arrived_at = claim.coordinate.arrived_at
    if claim.place in result.rows:
        row = result.rows[claim.place]
        row.outcome, row.reason = Outcome.AWAITING, FAULT
    else:
        changes.unfind(claim.place)
        result.outcomes[claim.place] = Outcome.AWAITING, FAULT
    changes.find(claim.place, Finding("platform-fault", "intake", f"{day_of(arrived_at)}", arrived_at))


def _new_row(
    envelope: Standing, index: int, opened: OpenedEvent, registry: Registry, ready: dict[Place, Effects]
) -> EventRow:
    plant = envelope.opened.source.plant if envelope.opened.source else ""
    event = opened.event
    if event is None:
        reason = opened.refusal
        return EventRow(envelope.message, index, plant, None, opened.hash, "", None, Outcome.REFUSED, reason=reason)
    row = EventRow(
        envelope.message, index, plant, event.id, opened.hash, event.type, None, Outcome.APPLIED, test=event.test
    )
    try:
        row.event_time = event_time(event)
        ready[row.place] = effects_of(event, envelope.coordinate.arrived_at, registry.settings)
    except Exception:  # an event that makes our own code raise is parked and paged; the stream goes on
        log.exception("platform fault at message %s, event %s", envelope.message, index)
        row.outcome, row.reason = Outcome.AWAITING, FAULT
        return row
    named = target_of(event)
    row.target = (str(named[0]), named[1]) if named else None
    return row


def _new_claim(envelope: Standing, row: EventRow, opened: OpenedEvent) -> Claim:
    return Claim(
        row.message,
        row.index,
        envelope.coordinate,
        row.plant,
        row.event_id or "",
        row.hash,
        row.target,
        applied_before=False,
        event=opened.event,
    )


def _find_refused(envelope: Standing, row: EventRow, changes: Changes) -> None:
    source, arrived_at = envelope.opened.source, envelope.coordinate.arrived_at
    assert source is not None  # noqa: S101 - a standing envelope has a source
    day = f"{day_of(arrived_at)}"
    if row.reason is FAULT:
        changes.find(row.place, Finding("platform-fault", "intake", day, arrived_at))
    else:
        changes.find(row.place, Finding("contract-refused", f"{source.plant}/{source.gateway}", day, arrived_at))


async def _gather_falling(
    connection: Connection, falling: Sequence[int], groups: dict[str, Group], changes: Changes
) -> None:
    if not falling:
        return
    for row in await connection.fetch(statement("events", "of_messages"), list(falling)):
        changes.unfind((row["message"], row["index"]))
        if row["event_id"] is not None and not row["test"] and row["rule"] != FAULT.rule:
            groups[str(row["event_id"])].falling.append(_stored_claim(row))


def _stored_claim(row: Any) -> Claim:
    return Claim(
        row["message"],
        row["index"],
        coordinate_of(row),
        row["plant"],
        str(row["event_id"]),
        row["hash"],
        (str(row["target_id"]), row["target_hash"]) if row["target_id"] is not None else None,
        applied_before=row["outcome"] == Outcome.APPLIED,
    )


async def _complete(connection: Connection, groups: dict[str, Group], falling: set[int]) -> dict[Place, bool]:
    """Adds the stored claims of all touched ids, and of every id that these amend or are amended by.

    Only within a plant: what another plant's statement says is not this lock's to decide, whoever names it.
    Returns whether each stored claim was effective.
    """
    effective: dict[Place, bool] = {}
    asked: set[_Named] = set()
    asking = {(claim.event_id, claim.plant) for group in groups.values() for claim in (*group.new, *group.falling)}
    while asking:
        asked |= asking
        event_ids = sorted({event_id for event_id, _ in asking})
        for row in await connection.fetch(statement("events", "with_ids"), event_ids):
            if (str(row["event_id"]), row["plant"]) in asking:
                effective[row["message"], row["index"]] = row["effective"]
                if row["message"] not in falling:
                    groups[str(row["event_id"])].stored.append(_stored_claim(row))
        amending = await connection.fetch(statement("events", "amending"), event_ids)
        reached = {
            (str(row["event_id"]), row["plant"]) for row in amending if (str(row["target_id"]), row["plant"]) in asking
        }
        for event_id in event_ids:
            group = groups[event_id]
            claims = (*group.new, *group.stored, *group.falling)
            reached |= {(claim.target[0], claim.plant) for claim in claims if claim.target}
        asking = reached - asked
    return effective


def _settle_simple(
    result: Claims, groups: dict[str, Group], ready: dict[Place, Effects], changes: Changes
) -> dict[str, Group]:
    """Decides the outcomes of every id, and posts what has no past and no amendments; returns the other groups."""
    targeted = {
        claim.target[0]
        for group in groups.values()
        for claim in (*group.new, *group.stored, *group.falling)
        if claim.target
    }
    others: dict[str, Group] = {}
    for event_id, group in groups.items():
        if len(group.new) == 1 and not group.stored and not group.falling and event_id not in targeted:
            claim = group.new[0]
            if claim.target is None:
                post_original(changes, claim, ready[claim.place].draws, 1)
                post_current(changes, claim, ready[claim.place])
                result.rows[claim.place].effective = True
                continue
        others[event_id] = group
    for group in others.values():
        _settle_outcomes(result, group, changes)
    return others


def _settle_outcomes(result: Claims, group: Group, changes: Changes) -> None:
    claims = [*group.new, *group.stored]
    if not claims:
        return
    outcomes = outcomes_of(claims)
    for claim in claims:
        outcome = outcomes[claim.place]
        claim.applied = outcome is Outcome.APPLIED
        reason = CONFLICT if outcome is Outcome.AWAITING else None
        if claim.place in result.rows:
            row = result.rows[claim.place]
            row.outcome, row.reason = outcome, reason
        else:
            changes.unfind(claim.place, CONFLICT.rule)
            result.outcomes[claim.place] = outcome, reason
        if reason is not None:
            arrived_at = claim.coordinate.arrived_at
            changes.find(claim.place, Finding(CONFLICT.rule, claim.plant, f"{day_of(arrived_at):%Y-%m}", arrived_at))


def _note_effective(
    result: Claims, groups: dict[str, Group], effective: set[Place], effective_before: dict[Place, bool]
) -> None:
    for group in groups.values():
        for claim in (*group.new, *group.stored):
            now = claim.place in effective
            if claim.place in result.rows:
                result.rows[claim.place].effective = now
            elif effective_before.get(claim.place, False) != now:
                result.effective[claim.place] = now
