"""Checks what a person holds in a file: events, envelopes or other messages, as one JSON document or JSON Lines."""

from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from monazite_contracts.doubled import doubled_keys
from monazite_contracts.envelope import Source, canonical
from monazite_contracts.events import EVENT, KNOWN_TYPES, STREAMS_OF_TYPE, Stream
from monazite_contracts.messages import find_message
from monazite_contracts.opening import open_event, open_value
from monazite_contracts.refusals import Refusal, refusals_of, refuse, visible

_NO_INCARNATION: Final = "0" * 32


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing in the file. `where` as a reader counts: `line 3, event 2`. No problem: understood."""

    where: str
    kind: str
    problems: tuple[Refusal, ...] = ()


def check_text(text: bytes) -> list[Checked]:
    """Everything in the file, in its order; empty when there is nothing."""
    lines = [(number, line) for number, line in enumerate(text.split(b"\n"), start=1) if line.strip()]
    if _is_json(text) or not any(_is_json(line) for _, line in lines):
        return _check_document(text, "") if lines else []
    return [checked for number, line in lines for checked in _check_document(line, f"line {number}")]


def _is_json(text: bytes) -> bool:
    """Whether it is a JSON object or list."""
    try:
        return isinstance(orjson.loads(text), dict | list)
    except orjson.JSONDecodeError:
        return False


def _check_document(text: bytes, where: str) -> list[Checked]:
    try:
        document = orjson.loads(text)
        canonical(document)
        doubled = doubled_keys(text)
    except orjson.JSONDecodeError as error:
        return [Checked(where or "file", "", (refuse("not-json", detail=error.msg),))]
    except (orjson.JSONEncodeError, RecursionError):
        return [Checked(where or "file", "", (refuse("too-deep"),))]
    if isinstance(document, dict) and "events" in document:
        return _check_envelope(text, document, where)
    kind = document.get("type") if isinstance(document, dict) else None
    if doubled and isinstance(kind, str):
        return [Checked(where or "file", _kind(document), (refuse("duplicate-key", min(doubled)),))]
    if isinstance(kind, str) and kind not in KNOWN_TYPES and (message := find_message(kind)):
        return [Checked(where or "file", kind, _problems(message.model.model_validate_json, document))]
    return [_check_event(document, where or "file")]


def _check_envelope(text: bytes, document: dict[str, Any], where: str) -> list[Checked]:
    opened = open_value(text)
    if opened.refusal is not None:
        return [Checked(where or "file", "envelope", (opened.refusal,))]
    place = f"{where}, " if where else ""
    return [
        Checked(f"{place}event {number}", _kind(raw), _event_problems(raw, found.refusal) if found.refusal else ())
        for number, (raw, found) in enumerate(zip(document["events"], opened.events, strict=True), start=1)
    ]


def _check_event(raw: Any, where: str) -> Checked:
    kind = _kind(raw)
    if kind not in KNOWN_TYPES:
        why = refuse("unknown-type", "type", f"the type is {kind}") if kind else refuse("missing-field", "type")
        return Checked(where, kind, (why,))
    problems = _problems(EVENT.validate_json, raw)
    return Checked(where, kind, problems or _door_problems(raw))


def _door_problems(raw: dict[str, Any]) -> tuple[Refusal, ...]:
    """What only shows in an envelope, one of the event's own plant and stream: its size."""
    kind = raw["data"]["replacement"]["type"] if raw["type"] == "monazite.correction.v1" else raw["type"]
    stream = next(stream for stream in Stream if stream in STREAMS_OF_TYPE[kind])
    source = Source(plant=raw["source"], gateway="gw", stream=stream, incarnation=_NO_INCARNATION)
    refusal = open_event(raw, source).refusal
    return (refusal,) if refusal else ()


def _event_problems(raw: Any, first: Refusal) -> tuple[Refusal, ...]:
    """All problems of an event that was refused for the first of them, or for something only the envelope shows."""
    found = _problems(EVENT.validate_json, raw) if _kind(raw) in KNOWN_TYPES else ()
    return found if first in found else (first,)


def _problems(validate: Any, document: Any) -> tuple[Refusal, ...]:
    try:
        validate(canonical(document))
    except ValidationError as error:
        return refusals_of(error)
    return ()


def _kind(raw: Any) -> str:
    kind = raw.get("type") if isinstance(raw, dict) else None
    return visible(kind, 100) if isinstance(kind, str) else ""
