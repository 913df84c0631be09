"""Which byte was changed: a hash alone cannot say, but repeats, Kafka's record and the hashes of events can."""

from collections.abc import Sequence

import orjson

from monazite_contracts.envelope import canonical, event_hash


def first_difference(was: bytes, is_now: bytes) -> int | None:
    """The first byte at which two values differ, from 0; where one ends first, its end. None: they are equal."""
    if was == is_now:
        return None
    pairs = enumerate(zip(was, is_now, strict=False))
    return next((at for at, (old, new) in pairs if old != new), min(len(was), len(is_now)))


def narrowed(value: bytes, event_hashes: Sequence[bytes]) -> tuple[int | None, str]:
    """What the value itself and the hashes of its events tell of a value that does not give its own hash.

    Returns the byte, where one can be named, and what is known of it in words.
    """
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        at = len(value[: error.pos]) if value.isascii() else None
        return at, f"no JSON any more: {error.msg}"
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list) or not event_hashes:
        return None, "nothing tells which byte: its hash is of the whole"
    if len(events) != len(event_hashes):
        return None, f"it holds {len(events)} events, {len(event_hashes)} were decided"
    for index, (event, known) in enumerate(zip(events, event_hashes, strict=True)):
        if event_hash(event) != known:
            first, last = _span(value, canonical(event))
            where = f"bytes {first} to {last}" if first is not None else "somewhere"
            return first, f"in event {index}, {where}: that event does not give its hash either"
    return None, "outside the events, which all give their hashes: in source, sequence, previous or spelling"


def _span(value: bytes, form: bytes) -> tuple[int | None, int | None]:
    at = value.find(form)
    return (at, at + len(form) - 1) if at >= 0 else (None, None)
