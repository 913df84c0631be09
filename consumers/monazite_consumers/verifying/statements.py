"""Verifies events against the bytes that hold them, and gathers what they draw, make and are found to be."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.decisions.effects import effects_of, post_history, post_new, post_orphan
from monazite_consumers.decisions.reading import coordinate_of
from monazite_consumers.rules.entries import Settings
from monazite_consumers.rules.envelopes import FAULT
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.statements import CONFLICT, Claim, histories
from monazite_consumers.verifying.envelopes import Walked, because
from monazite_consumers.verifying.misfits import Misfit, Report, differing, place_of
from monazite_contracts.events import event_time, target_of
from monazite_contracts.months import day_of, month_of
from monazite_contracts.opening import OpenedEvent, open_value
from monazite_contracts.receipts import Outcome

Saying = Mapping[Place, datetime | None]
"""Places that say what is so now (None), or said so until an amendment arrived."""


def check_events(
    walked: Walked, rows: Mapping[int, Any], settings: Settings, report: Report, changes: Changes
) -> set[Place]:
    """Holds the event rows of a standing envelope against its bytes.

    Returns the places that are judged apart: amendments and what they amend.
    """
    apart: set[Place] = set()
    for index in sorted(rows.keys() - range(len(walked.arrival.opened.events))):
        report.add(
            Misfit("events", None, "a row", "the envelope has no such event", index=index, **place_of(walked.row))
        )
    for index, opened in enumerate(walked.arrival.opened.events):
        report.events += 1
        row = rows.get(index)
        if row is None:
            report.add(Misfit("events", "a row", None, index=index, **place_of(walked.row)))
            continue
        for column, expected, found in differing(_columns(walked, row, opened)):
            report.add(Misfit(column, expected, found, index=index, **place_of(walked.row)))
        if _is_apart(row):
            apart.add((walked.message, index))
        else:
            _post(walked, row, opened, settings, changes)
    return apart


def _is_apart(row: Any) -> bool:
    amends = row["target_id"] is not None or row["amended"]
    return amends and row["outcome"] == Outcome.APPLIED and not row["test"]


def _columns(walked: Walked, row: Any, opened: OpenedEvent) -> dict[str, tuple[Any, Any]]:
    """(expected, found) of every column that the bytes decide; what the other claims decide is looked at apart."""
    event, source = opened.event, walked.arrival.opened.source
    known: dict[str, tuple[Any, Any]] = {
        "events.plant": (source.plant if source else None, row["plant"]),
        "events.hash": (opened.hash.hex(), row["hash"].hex()),
    }
    if event is None:
        return (
            known
            | because(row, opened.refusal, "events")
            | {
                "events.outcome": (Outcome.REFUSED.value, row["outcome"]),
                "events.event_id": (None, row["event_id"]),
            }
        )
    known |= {
        "events.event_id": (event.id, str(row["event_id"])),
        "events.type": (event.type, row["type"]),
        "events.test": (event.test, row["test"]),
    }
    if row["rule"] == FAULT.rule:
        return known | because(row, FAULT, "events")  # what else it says was not worked out: our own code raised on it
    target = target_of(event)
    named = (str(row["target_id"]), row["target_hash"].hex()) if row["target_id"] is not None else None
    known |= because(row, CONFLICT if row["outcome"] == Outcome.AWAITING else None, "events")
    known |= {
        "events.event_time": (event_time(event), row["event_time"]),
        "events.target": ((str(target[0]), target[1].hex()) if target else None, named),
    }
    if event.test:
        return known | {"events.outcome": ("applied", row["outcome"]), "events.effective": (False, row["effective"])}
    if not _is_apart(row):
        known["events.effective"] = (row["outcome"] == Outcome.APPLIED, row["effective"])
        known["events.amended_at"] = (None, row["amended_at"])
    return known


def _post(walked: Walked, row: Any, opened: OpenedEvent, settings: Settings, changes: Changes) -> None:
    """What an event by itself brings about."""
    at, place = walked.row["arrived_at"], (walked.message, row["index"])
    source = walked.arrival.opened.source
    if source is None:
        return
    if row["rule"] == FAULT.rule:
        changes.find(place, Finding(FAULT.rule, "intake", f"{day_of(at)}", at))
    elif opened.event is None:
        changes.find(place, Finding("contract-refused", f"{source.plant}/{source.gateway}", f"{day_of(at)}", at))
    elif row["outcome"] == Outcome.AWAITING:
        changes.find(place, Finding(CONFLICT.rule, source.plant, month_of(at), at))
    elif row["outcome"] == Outcome.APPLIED and not opened.event.test:
        post_new(changes, place, source.plant, effects_of(opened.event, at, settings))


def post_amended(rows: Iterable[Any], values: Mapping[int, bytes], settings: Settings, changes: Changes) -> Saying:
    """What a plant's amended statements and their amendments come to; returns which say so now, or did until when."""
    claims: dict[str, Claim] = {}
    opened = {message: open_value(value) for message, value in values.items()}
    for row in rows:
        events = opened[row["message"]].events
        said = events[row["index"]] if row["index"] < len(events) else None
        if said is None or said.event is None:
            continue  # its bytes were changed, which is said of them
        target = target_of(said.event)
        claims[said.event.id] = Claim(
            row["message"], row["index"], coordinate_of(row), said.event.source, said.event.id, said.hash,
            (str(target[0]), target[1]) if target else None, applied_before=False, event=said.event, applied=True,
        )  # fmt: skip
    found, orphans = histories(claims)
    for history in found:
        post_history(changes, history, settings)
    for claim in orphans:
        post_orphan(changes, claim)
    return {place: until for history in found for place, until in history.said_until.items()}
