"""Decides the events of envelopes that come to stand or fall: which is applied, and what each statement says now."""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.decisions.effects import NOTHING, Effects, effects_of, post_new
from monazite_consumers.decisions.histories import Group, settle_histories
from monazite_consumers.decisions.reading import coordinate_of
from monazite_consumers.decisions.sequences import Standing
from monazite_consumers.rules.envelopes import FAULT
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.statements import CONFLICT, Claim, History, outcomes_of
from monazite_consumers.sql import statement
from monazite_contracts.events import event_time, target_of
from monazite_contracts.months import day_of, month_of
from monazite_contracts.opening import OpenedEvent
from monazite_contracts.receipts import Outcome
from monazite_contracts.refusals import Refusal

log = logging.getLogger(__name__)

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
    amended_at: datetime | None = None
    test: bool = False
    target: tuple[str, bytes] | None = None
    reason: Refusal | None = None

    @property
    def place(self) -> Place:
        """Message and index."""
        return self.message, self.index


class Saying(NamedTuple):
    """Whether an event says what is so now; or until when it did, where an amendment arrived."""

    effective: bool
    amended_at: datetime | None


_NOTHING_SAID = Saying(effective=False, amended_at=None)


class _Fresh(NamedTuple):
    """A new event that is to be applied, unless its id has a past."""

    envelope: Standing
    row: EventRow
    opened: OpenedEvent
    effects: Effects


@dataclass(slots=True)
class Claims:
    """The result: rows to write, and what changes of stored ones."""

    rows: dict[Place, EventRow] = field(default_factory=dict)
    outcomes: dict[Place, tuple[Outcome, Refusal | None]] = field(default_factory=dict)
    saying: dict[Place, Saying] = field(default_factory=dict)
    causes: dict[Place, int] = field(default_factory=dict)
    """The message that says what is so now, of every place of a history in which that is another one than before."""
    rebased: set[Place] = field(default_factory=set)
    """Events that say what is so now, as before, but go back to an earlier or later statement than before."""


async def settle_claims(
    connection: Connection, standing: Sequence[Standing], falling: Sequence[int], registry: Registry, changes: Changes
) -> Claims:
    """Settles every event id that is touched, posting effects into `changes`."""
    result = Claims()
    fresh: list[_Fresh] = []
    for envelope in standing:
        for index, opened in enumerate(envelope.opened.events):
            row, effects = _new_row(envelope, index, opened, registry)
            result.rows[row.place] = row
            if row.reason is not None:
                _find_refused(envelope, row, changes)
            elif not row.test:
                fresh.append(_Fresh(envelope, row, opened, effects))
    groups = await _gather(connection, fresh, falling, changes)
    said_before = await _complete(connection, groups, set(falling))
    for group in groups.values():
        _settle_outcomes(result, group, changes)
    settled = await settle_histories(connection, groups, registry.settings, changes)
    for claim in settled.faulted:
        _park(result, claim, changes)
    _note_saying(result, groups, settled.said_until, said_before)
    _note_causes(result, groups, settled.histories, said_before)
    result.rebased = settled.rebased
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


def _new_row(envelope: Standing, index: int, opened: OpenedEvent, registry: Registry) -> tuple[EventRow, Effects]:
    plant = envelope.opened.source.plant if envelope.opened.source else ""
    event = opened.event
    if event is None:
        reason = opened.refusal
        row = EventRow(envelope.message, index, plant, None, opened.hash, "", None, Outcome.REFUSED, reason=reason)
        return row, NOTHING
    row = EventRow(
        envelope.message, index, plant, event.id, opened.hash, event.type, None, Outcome.APPLIED, test=event.test
    )
    try:
        row.event_time = event_time(event)
        effects = effects_of(event, envelope.coordinate.arrived_at, registry.settings)
    except Exception:  # an event that makes our own code raise is parked and paged; the stream goes on
        log.exception("platform fault at message %s, event %s", envelope.message, index)
        row.outcome, row.reason = Outcome.AWAITING, FAULT
        return row, NOTHING
    named = target_of(event)
    row.target = (str(named[0]), named[1]) if named else None
    return row, effects


def _new_claim(new: _Fresh) -> Claim:
    row = new.row
    return Claim(
        row.message,
        row.index,
        new.envelope.coordinate,
        row.plant,
        row.event_id or "",
        row.hash,
        row.target,
        applied_before=False,
        event=new.opened.event,
    )


def _find_refused(envelope: Standing, row: EventRow, changes: Changes) -> None:
    source, arrived_at = envelope.opened.source, envelope.coordinate.arrived_at
    assert source is not None  # noqa: S101 - a standing envelope has a source
    day = f"{day_of(arrived_at)}"
    if row.reason is FAULT:
        changes.find(row.place, Finding("platform-fault", "intake", day, arrived_at))
    else:
        changes.find(row.place, Finding("contract-refused", f"{source.plant}/{source.gateway}", day, arrived_at))


async def _gather(
    connection: Connection, fresh: Sequence[_Fresh], falling: Sequence[int], changes: Changes
) -> dict[str, Group]:
    """Posts the statements that have no past and no amendments, which are most; groups what claims the other ids."""
    groups: dict[str, Group] = defaultdict(Group)
    if falling:
        for row in await connection.fetch(statement("events", "of_messages"), list(falling)):
            changes.unfind((row["message"], row["index"]))
            if row["event_id"] is not None and not row["test"] and row["rule"] != FAULT.rule:
                groups[str(row["event_id"])].falling.append(_stored_claim(row))
    others = await _with_a_past(connection, fresh) | groups.keys()
    others |= {claim.target[0] for group in groups.values() for claim in group.falling if claim.target}
    for new in fresh:
        if new.row.event_id in others:
            groups[new.row.event_id].new.append(_new_claim(new))
        else:
            post_new(changes, new.row.place, new.row.plant, new.effects)
            new.row.effective = True
    return groups


async def _with_a_past(connection: Connection, fresh: Sequence[_Fresh]) -> set[str]:
    """The ids among new events that are claimed twice, are claimed already, amend, or are amended."""
    claimed = Counter(new.row.event_id for new in fresh)
    amending = [new.row for new in fresh if new.row.target is not None]
    found = {event_id for event_id, number in claimed.items() if event_id is not None and number > 1}
    found |= {row.event_id for row in amending if row.event_id is not None}
    found |= {row.target[0] for row in amending if row.target is not None}
    if claimed:
        found |= {str(row["event_id"]) for row in await connection.fetch(statement("events", "past"), list(claimed))}
    return found


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


async def _complete(connection: Connection, groups: dict[str, Group], falling: set[int]) -> dict[Place, Saying]:
    """Adds the stored claims of all touched ids, and of every id that these amend or are amended by.

    Only within a plant: what another plant's statement says is not this lock's to decide, whoever names it.
    Returns what each stored claim said.
    """
    said: dict[Place, Saying] = {}
    asked: set[_Named] = set()
    asking = {(claim.event_id, claim.plant) for group in groups.values() for claim in (*group.new, *group.falling)}
    while asking:
        asked |= asking
        event_ids = sorted({event_id for event_id, _ in asking})
        for row in await connection.fetch(statement("events", "with_ids"), event_ids):
            if (str(row["event_id"]), row["plant"]) in asking:
                said[row["message"], row["index"]] = Saying(row["effective"], row["amended_at"])
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
    return said


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
            if not (claim.applied_before and claim.applied):  # which is no news
                result.outcomes[claim.place] = outcome, reason
        if reason is not None:
            arrived_at = claim.coordinate.arrived_at
            changes.find(claim.place, Finding(CONFLICT.rule, claim.plant, month_of(arrived_at), arrived_at))


def _note_saying(
    result: Claims,
    groups: dict[str, Group],
    said_until: Mapping[Place, datetime | None],
    said_before: Mapping[Place, Saying],
) -> None:
    for group in groups.values():
        for claim in (*group.new, *group.stored):
            until = said_until.get(claim.place)
            now = Saying(effective=claim.place in said_until and until is None, amended_at=until)
            if claim.place in result.rows:
                row = result.rows[claim.place]
                row.effective, row.amended_at = now
            elif said_before.get(claim.place, _NOTHING_SAID) != now:
                result.saying[claim.place] = now


def _note_causes(
    result: Claims, groups: dict[str, Group], histories: Sequence[History], said_before: Mapping[Place, Saying]
) -> None:
    for history in histories:
        current = history.current.by
        if said_before.get(current.place, _NOTHING_SAID).effective:
            continue
        amended_with = history.amended_with
        for group in (groups[event_id] for event_id in history.event_ids & groups.keys()):
            for claim in (*group.new, *group.stored, *group.falling):
                if claim.place not in amended_with or said_before.get(claim.place, _NOTHING_SAID).amended_at is None:
                    result.causes[claim.place] = amended_with.get(claim.place, current.message)
