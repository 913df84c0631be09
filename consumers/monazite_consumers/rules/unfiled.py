"""Which months a value speaks of that was not understood, or not vouched for: read loosely, for evidence only."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from monazite_contracts.months import is_month, month_before, month_of

_PLANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")

SAID_MAX: Final = 24
"""Events of one message that are noted: nobody declares more months at once."""

_OTHERS: Final = frozenset({"monazite.stocktake.v1", "monazite.void.v1"})
"""Types that travel with declarations and declare nothing."""


def months_said(value: bytes, only: int | None, arrived_at: datetime) -> tuple[str | None, Sequence[tuple[int, str]]]:
    """The plant that a value claims to be of, and the month of each event that may be a declaration, or of `only` one.

    Where no month can be read it is the one before the arrival's: the one that was due.
    """
    try:
        document: Any = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None, []
    claimed = _at(document, "source", "plant")
    events = _at(document, "events")
    plant = claimed if isinstance(claimed, str) and _PLANT.fullmatch(claimed) else None
    said = [
        (index, _month(event) or last_month(arrived_at))
        for index, event in enumerate(events if isinstance(events, list) else ())
        if (only is None or index == only) and _may_declare(event)
    ]
    return plant, said[:SAID_MAX]


def _may_declare(event: Any) -> bool:
    types = {str(_at(event, "type")), str(_at(event, "data", "replacement", "type"))}
    return not types & _OTHERS and _at(event, "test") is not True


def last_month(at: datetime) -> str:
    """The month whose record is due at an instant."""
    return month_before(month_of(at))


def _month(event: Any) -> str | None:
    for path in (("data", "month"), ("data", "replacement", "data", "month")):
        month = _at(event, *path)
        if isinstance(month, str) and is_month(month):
            return month
    return None


def _at(document: Any, *path: str) -> Any:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document
