"""Opens what arrived without ever raising: an envelope with its events each understood or refused, or why it is none.

The same checks run at the gateway before a record is taken and at the platform when it arrives.
"""

from typing import Any, Final, NamedTuple

import orjson
from pydantic import ValidationError

from monazite_contracts.doubled import DOUBLED_DOCUMENT, doubled_keys
from monazite_contracts.envelope import (
    ENVELOPE,
    ENVELOPE_BYTES_MAX,
    FRAME,
    SEQUENCE_MAX,
    SOURCE,
    Continues,
    Frame,
    Source,
    canonical,
    value_hash,
)
from monazite_contracts.events import EVENT, EVENT_BYTES_MAX, KNOWN_TYPES, Event, streams_of
from monazite_contracts.refusals import Refusal, refusal_of, refuse

VALUE_BYTES_MAX: Final = 1024 * 1024
"""Nothing larger is read at all: what one small compressed batch expands to must not cost a hundred times as much."""


class OpenedEvent(NamedTuple):
    """One event of an envelope: understood (`event`) or refused (`refusal`). `hash` as in its RFC 8785 form."""

    hash: bytes
    event: Event | None
    refusal: Refusal | None = None


class Opened(NamedTuple):
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
    if len(value) > VALUE_BYTES_MAX:
        return _no_envelope(value, refuse("too-large", "", f"the value has {len(value)} bytes"))
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _no_envelope(value, refuse("not-json", detail=error.msg))
    return _open_whole(value, document) or _open_piecewise(value, document)


def open_event(raw: Any, source: Source) -> OpenedEvent:
    """Judges one event, as decoded JSON, as it would be in an envelope of this source. For a gateway's door."""
    try:
        canonical(raw)
    except orjson.JSONEncodeError:
        return OpenedEvent(value_hash(b""), None, refuse("too-deep"))
    return _open_event(raw, source)


def _open_whole(value: bytes, document: Any) -> Opened | None:
    """The usual case in one validation; None when anything at all is odd, and then somebody looks closer.

    That no key stands twice mostly follows from the length, which spares a second reading: no form of what was read
    is shorter than the canonical one (a valid envelope holds no fractions), so a value of the same length cannot hold
    anything more.
    """
    if len(value) > ENVELOPE_BYTES_MAX:
        return None
    try:
        envelope = ENVELOPE.validate_json(value)
    except ValidationError:
        return None
    forms = [canonical(raw) for raw in document["events"]]
    whole = canonical(document | {"events": [orjson.Fragment(form) for form in forms]})
    if len(whole) != len(value) and _may_be_doubled(value):
        return None
    source = envelope.source
    events = tuple([_judged(event, form, source) for event, form in zip(envelope.events, forms, strict=True)])
    return _opened(value, envelope, events)


def _may_be_doubled(value: bytes) -> bool:
    try:
        return bool(doubled_keys(value))
    except RecursionError:
        return True


def _open_piecewise(value: bytes, document: Any) -> Opened:
    try:
        canonical(document)  # what can be written whole can be written in parts, below
        doubled = doubled_keys(value)
    except (orjson.JSONEncodeError, RecursionError):
        return _too_deep(value, document)
    head = _head(document)
    if head is None or doubled & {DOUBLED_DOCUMENT, "source"}:
        return _no_envelope(value, _why_no_envelope(document, doubled))
    frame, refusal = _frame(value, document, doubled)
    if frame is None or refusal is not None:
        source, sequence = head
        previous, continues = (_previous(frame), frame.continues) if frame else (None, None)
        return Opened(value_hash(value), source, sequence, previous, continues, (), refusal)
    raws = enumerate(document["events"])
    events = [_open_event(raw, frame.source, doubled=f"events.{index}" in doubled) for index, raw in raws]
    return _opened(value, frame, tuple(events))


def _opened(value: bytes, frame: Frame, events: tuple[OpenedEvent, ...]) -> Opened:
    return Opened(value_hash(value), frame.source, frame.sequence, _previous(frame), frame.continues, events, None)


def _previous(frame: Frame) -> bytes | None:
    return bytes.fromhex(frame.previous) if frame.previous else None


def _frame(value: bytes, document: dict[str, Any], doubled: frozenset[str]) -> tuple[Frame | None, Refusal | None]:
    """All but the events, which are counted only; and what is wrong with the whole."""
    hollow = document | {"events": [None] * len(document["events"])} if _events_of(document) else document
    try:
        frame = FRAME.validate_json(canonical(hollow))
    except ValidationError as error:
        return None, refusal_of(error)
    twice = sorted(name for name in doubled if not name.startswith("events."))
    if twice:
        return frame, refuse("duplicate-key", twice[0])
    if len(value) > ENVELOPE_BYTES_MAX:
        return frame, refuse("too-large", "", f"the envelope has {len(value)} bytes")
    return frame, None


def _events_of(document: Any) -> list[Any]:
    events = document.get("events") if isinstance(document, dict) else None
    return events if isinstance(events, list) else []


def _open_event(raw: Any, source: Source, *, doubled: bool = False) -> OpenedEvent:
    form = canonical(raw)
    if doubled:
        return OpenedEvent(value_hash(form), None, refuse("duplicate-key"))
    kind = raw.get("type") if isinstance(raw, dict) else None
    if isinstance(kind, str) and kind not in KNOWN_TYPES:
        return OpenedEvent(value_hash(form), None, refuse("unknown-type", "type", f"the type is {kind}"))
    try:
        event = EVENT.validate_json(form)
    except ValidationError as error:
        return OpenedEvent(value_hash(form), None, refusal_of(error))
    return _judged(event, form, source)


def _judged(event: Event, form: bytes, source: Source) -> OpenedEvent:
    refusal = None
    if event.source != source.plant:
        refusal = refuse("wrong-source", "source", f"the event is of {event.source}, the envelope of {source.plant}")
    elif source.stream not in streams_of(event):
        refusal = refuse("wrong-stream", "type", f"{event.type} does not belong on {source.stream}")
    elif len(form) > EVENT_BYTES_MAX:
        refusal = refuse("too-large", "", f"the event has {len(form)} bytes")
    return OpenedEvent(value_hash(form), None if refusal else event, refusal)


def _no_envelope(value: bytes, refusal: Refusal) -> Opened:
    return Opened(value_hash(value), None, None, None, None, (), refusal)


def _too_deep(value: bytes, document: Any) -> Opened:
    """Nested beyond what readers can follow; it still occupies its number when source and sequence can be read."""
    refusal = refuse("too-deep")
    try:
        head = _head(document)
    except orjson.JSONEncodeError:
        head = None
    if head is None:
        return _no_envelope(value, refusal)
    return Opened(value_hash(value), *head, None, None, (), refusal)


_KINDS: Final = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


def _why_no_envelope(document: Any, doubled: frozenset[str]) -> Refusal:
    if not isinstance(document, dict):
        return refuse("not-an-envelope", "", f"the value is {_KINDS[type(document)]}")
    if doubled & {DOUBLED_DOCUMENT, "source"}:
        return refuse("not-an-envelope", "", "a key stands twice in the envelope or its source")
    try:
        SOURCE.validate_json(orjson.dumps(document.get("source")))
    except ValidationError as error:
        found = refusal_of(error)
        return refuse("not-an-envelope", f"source.{found.field}".rstrip("."), found.remedy)
    return refuse("not-an-envelope", "sequence", "there is no whole sequence number from 1")


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
