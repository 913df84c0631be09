"""Opens what arrived without ever raising: an envelope with its events each understood or refused, or why it is none.

The same checks run at the gateway before a record is taken and at the platform when it arrives.
"""

import json
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from monazite_contracts.envelope import (
    ENVELOPE,
    ENVELOPE_BYTES_MAX,
    FRAME,
    SEQUENCE_MAX,
    SOURCE,
    Continues,
    Source,
    canonical,
    event_hash,
    value_hash,
)
from monazite_contracts.events import EVENT, EVENT_BYTES_MAX, KNOWN_TYPES, STREAMS_OF_TYPE, Event
from monazite_contracts.refusals import Refusal, refusal_of, refuse


@dataclass(frozen=True, slots=True)
class OpenedEvent:
    """One event of an envelope: understood (`event`) or refused (`refusal`). `hash` as in its RFC 8785 form."""

    hash: bytes
    event: Event | None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A value as read. `source` and `sequence` are None when it is no envelope.

    `refusal` speaks of the whole; then there are no events.
    """

    hash: bytes
    source: Source | None
    sequence: int | None
    previous: bytes | None
    continues: Continues | None
    events: tuple[OpenedEvent, ...]
    refusal: Refusal | None


def open_value(value: bytes | None) -> Opened:
    """Reads one message value, whatever it is."""
    if value is None:
        return _no_envelope(b"", refuse("not-json", detail="there is no value"))
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _no_envelope(value, refuse("not-json", detail=str(error)))
    doubled = _doubled_keys(value, document)
    head = _head(document)
    if head is None or "" in doubled or "source" in doubled:
        return _no_envelope(value, _why_no_envelope(document))
    source, sequence = head
    return _open_envelope(value, document, source, sequence, doubled)


def _open_envelope(value: bytes, document: dict[str, Any], source: Source, sequence: int, doubled: set[str]) -> Opened:
    refusal = _too_large(value)
    if refusal is None and not doubled:
        try:
            envelope = ENVELOPE.validate_json(value)
        except ValidationError:
            pass  # the events are then looked at one by one, below
        else:
            events = tuple(
                _judged(event, raw, source) for event, raw in zip(envelope.events, document["events"], strict=True)
            )
            previous = bytes.fromhex(envelope.previous) if envelope.previous else None
            return Opened(value_hash(value), source, sequence, previous, envelope.continues, events, None)
    return _open_piecewise(value, document, source, sequence, refusal, doubled)


def _open_piecewise(
    value: bytes,
    document: dict[str, Any],
    source: Source,
    sequence: int,
    refusal: Refusal | None,
    doubled: set[str],
) -> Opened:
    previous, continues, raws = None, None, ()
    try:
        frame = FRAME.validate_json(value)
    except ValidationError as error:
        refusal = refusal or refusal_of(error)
    else:
        previous = bytes.fromhex(frame.previous) if frame.previous else None
        continues, raws = frame.continues, tuple(document["events"])
    if refusal is not None:
        return Opened(value_hash(value), source, sequence, previous, continues, (), refusal)
    events = tuple(_open_event(raw, source, f"events.{index}" in doubled) for index, raw in enumerate(raws))
    return Opened(value_hash(value), source, sequence, previous, continues, events, None)


def _open_event(raw: Any, source: Source, has_doubled_keys: bool) -> OpenedEvent:
    if has_doubled_keys:
        return OpenedEvent(event_hash(raw), None, refuse("duplicate-key"))
    if isinstance(raw, dict) and raw.get("type") not in KNOWN_TYPES:
        return OpenedEvent(event_hash(raw), None, refuse("unknown-type", "type", f"the type is {raw.get('type')!r}"))
    try:
        event = EVENT.validate_json(canonical(raw))
    except ValidationError as error:
        return OpenedEvent(event_hash(raw), None, refusal_of(error))
    return _judged(event, raw, source)


def _judged(event: Event, raw: Any, source: Source) -> OpenedEvent:
    form = canonical(raw)
    refusal = None
    if event.source != source.plant:
        refusal = refuse("wrong-source", "source", f"the event is of {event.source}, the envelope of {source.plant}")
    elif source.stream not in STREAMS_OF_TYPE[event.type]:
        refusal = refuse("wrong-stream", "type", f"{event.type} does not belong on {source.stream}")
    elif len(form) > EVENT_BYTES_MAX:
        refusal = refuse("too-large", "", f"the event has {len(form)} bytes")
    return OpenedEvent(value_hash(form), None if refusal else event, refusal)


def _too_large(value: bytes) -> Refusal | None:
    if len(value) > ENVELOPE_BYTES_MAX:
        return refuse("too-large", "", f"the envelope has {len(value)} bytes")
    return None


def _no_envelope(value: bytes, refusal: Refusal) -> Opened:
    return Opened(value_hash(value), None, None, None, None, (), refusal)


def _why_no_envelope(document: Any) -> Refusal:
    if not isinstance(document, dict):
        return refuse("not-an-envelope", "", f"the value is a JSON {type(document).__name__}")
    try:
        SOURCE.validate_json(orjson.dumps(document.get("source")))
    except ValidationError as error:
        found = refusal_of(error)
        return refuse("not-an-envelope", f"source.{found.field}".rstrip("."), found.remedy)
    return refuse("not-an-envelope", "sequence", "there is no whole sequence number from 1, or a key stands twice")


def _head(document: Any) -> tuple[Source, int] | None:
    """Source and sequence, if both can be read."""
    if not isinstance(document, dict):
        return None
    sequence = document.get("sequence")
    if type(sequence) is not int or not 1 <= sequence <= SEQUENCE_MAX:
        return None
    try:
        return SOURCE.validate_json(orjson.dumps(document.get("source"))), sequence
    except ValidationError:
        return None


class _Doubled(dict[str, Any]):
    """An object in which a key stands more than once."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Doubled(members)


def _doubled_keys(value: bytes, document: Any) -> set[str]:
    """Where a key stands twice: `""` for the envelope itself, `source`, `events.3`, or another top-level field.

    Readers differ on which of two equal keys counts, so such an object cannot be understood. What is already in
    canonical form has none, which spares the second reading.
    """
    if canonical(document) == value:
        return set()
    document = json.loads(value, object_pairs_hook=_pairs)
    if not isinstance(document, dict):
        return set()
    found = {""} if isinstance(document, _Doubled) else set()
    for name, member in document.items():
        if name == "events" and isinstance(member, list):
            found |= {f"events.{index}" for index, event in enumerate(member) if _has_doubled(event)}
        elif _has_doubled(member):
            found.add(name)
    return found


def _has_doubled(value: Any) -> bool:
    if isinstance(value, _Doubled):
        return True
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_has_doubled(member) for member in members)
