"""Finds keys that stand twice in one object: readers differ on which of them counts, so none can be trusted."""

import json
from typing import Any, Final

DOUBLED_DOCUMENT: Final = ""
"""A key stands twice in the document's own object."""


class _Doubled(dict[str, Any]):
    """An object in which a key stands more than once."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else _Doubled(members)


def doubled_keys(value: bytes) -> frozenset[str]:
    """Where a key stands twice in valid JSON: `""` for the document itself, `events.3`, or another top-level field.

    Raises:
        RecursionError: it is nested too deep to be read.
    """
    # Numbers stay text: Python refuses to convert very long ones, and none of them matters here.
    document = json.loads(value.decode(), object_pairs_hook=_pairs, parse_int=str, parse_float=str)
    if not isinstance(document, dict):
        return frozenset()
    found = {DOUBLED_DOCUMENT} if isinstance(document, _Doubled) else set()
    for name, member in document.items():
        if name == "events" and isinstance(member, list):
            found |= {f"events.{index}" for index, event in enumerate(member) if _has_doubled(event)}
        elif _has_doubled(member):
            found.add(name)
    return frozenset(found)


def _has_doubled(value: Any) -> bool:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, _Doubled):
            return True
        if isinstance(found, dict):
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)
    return False
