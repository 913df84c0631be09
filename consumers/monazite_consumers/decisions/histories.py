"""Settles statements that have a past or amendments: takes back what they said, posts what they say now."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.decisions.effects import post_history, post_orphan, statement_effects, unpost_history
from monazite_consumers.rules.entries import Settings
from monazite_consumers.rules.statements import Claim, History, histories
from monazite_consumers.sql import statement
from monazite_contracts.opening import open_value

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Group:
    """All that claim one event id: new ones, stored ones, and those whose envelope stands no longer."""

    new: list[Claim] = field(default_factory=list)
    stored: list[Claim] = field(default_factory=list)
    falling: list[Claim] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Settled:
    """The result: the amendments that made our own code raise, and what says what is so.

    `said_until`: the places that say so now (None), or said so until an amendment arrived.
    `rebased`: those of them that go back to another statement than before: it arrived at another instant.
    `histories`: as they are now.
    """

    said_until: dict[Place, datetime | None]
    faulted: list[Claim]
    rebased: set[Place]
    histories: list[History]


async def settle_histories(
    connection: Connection, groups: Mapping[str, Group], settings: Settings, changes: Changes
) -> Settled:
    """Compares every history before and after, and posts the difference."""
    before: dict[str, Claim] = {}
    after: dict[str, Claim] = {}
    for event_id, group in groups.items():
        for claim in (*group.stored, *group.falling):
            if claim.applied_before:
                before[event_id] = claim
        for claim in (*group.new, *group.stored):
            if claim.applied:
                after[event_id] = claim
    await _read_events(connection, (*before.values(), *after.values()))
    old, old_orphans = histories(before)
    new, new_orphans = histories(after)
    faulted: list[Claim] = []
    while culprits := [found for history in new if (found := _culprit(history, settings)) is not None]:
        faulted += culprits
        for culprit in culprits:
            del after[culprit.event_id]
        new, new_orphans = histories(after)
    roots = {history.current.by.place: history.root.place for history in old}
    rebased = {place for h in new if (place := h.current.by.place) in roots and roots[place] != h.root.place}
    _post_differences(old, new, settings, changes)
    for claim in old_orphans:
        changes.unfind(claim.place)
    for claim in new_orphans:
        post_orphan(changes, claim)
    said_until = {place: until for history in new for place, until in history.said_until.items()}
    return Settled(said_until, faulted, rebased, new)


def _culprit(history: History, settings: Settings) -> Claim | None:
    """The first amendment whose outcome our own code cannot work out: it is parked, and the stream goes on."""
    for step in history.steps:
        try:
            if step.after is not None:
                statement_effects(history.root.plant, step.after, step.by.coordinate.arrived_at, settings)
        except Exception:  # as for new events: parked and paged, and the stream goes on
            log.exception("platform fault at message %s, event %s", *step.by.place)
            return step.by
    return None


def _post_differences(old: list[History], new: list[History], settings: Settings, changes: Changes) -> None:
    was = {history.root.event_id: history for history in old}
    for history in new:
        earlier = was.pop(history.root.event_id, None)
        if earlier is not None and _shape(earlier) == _shape(history):
            continue
        if earlier is not None:
            unpost_history(changes, earlier, settings)
        post_history(changes, history, settings)
    for history in was.values():
        unpost_history(changes, history, settings)


def _shape(history: History) -> tuple[object, ...]:
    """What makes two histories the same: the events at every place, since events never change."""
    return (
        history.root.place,
        history.current.by.place,
        tuple(step.by.place for step in history.steps),
        tuple(sorted((claim.place, rule) for claim, rule in history.idle)),
    )


async def _read_events(connection: Connection, claims: Iterable[Claim]) -> None:
    """Reads from the ledger the events of claims that are known by their row only."""
    unread = [claim for claim in claims if claim.event is None]
    if not unread:
        return
    messages = sorted({claim.message for claim in unread})
    rows = await connection.fetch(statement("ledger", "values"), messages)
    opened = {row["message"]: open_value(row["value"]) for row in rows}
    for claim in unread:
        claim.event = opened[claim.message].events[claim.index].event
