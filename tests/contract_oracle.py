"""What the contract's published page and schemas say of a message, told without the platform's own opening code.

JSON by Python's own reader, fields by `jsonschema` against the exported schemas, and the few rules across fields that
the page tells in words. Nothing of the opening is imported.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from math import isinf
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

SCHEMAS = Path(__file__).parent.parent / "docs" / "contracts" / "schemas"
NAMESPACE = UUID("6d6f6e61-7a69-5465-8000-000000000071")
SHANGHAI = timedelta(hours=8)

READABLE_DEPTH = 1_000
"""Levels that any reader of JSON follows; nothing in the corpus nests between this and ten times as deep."""
CANONICAL_DEPTH = 254

STREAMS = {
    "dispatched": {"shipments"},
    "received": {"shipments"},
    "destination-changed": {"shipments"},
    "declaration": {"declarations"},
    "stocktake": {"declarations"},
    "void": {"production", "shipments", "declarations"},
}
"""By type, without prefix and version; all others are production's."""


class Fraction:
    """A JSON number with a point or an exponent: the contract knows none."""


class Doubled(dict[str, Any]):
    """An object in which a key stands twice."""


def parsed(value: bytes | None) -> Any:
    """The JSON document. Raises ValueError where it is none."""
    if value is None or value.startswith(b"\xef\xbb\xbf"):
        raise ValueError("nothing, or a byte-order mark")
    text = value.decode("utf-8")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in _unescaped(text)):
        raise ValueError("a lone surrogate")
    try:
        return json.loads(
            text, parse_constant=_refuse, parse_float=_fraction, parse_int=_integer, object_pairs_hook=_pairs
        )
    except RecursionError:
        raise ValueError("nested beyond what can be read") from None


def _unescaped(text: str) -> str:
    """The text with its surrogate escapes as characters; rightly paired ones are one character each."""
    paired = re.sub(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", "?", text.replace("\\\\", ""))
    return "\ud800" if re.search(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", paired) else ""


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _fraction(text: str) -> Any:
    if isinf(float(text)):
        raise ValueError("a number beyond every reader")
    return Fraction()


def _integer(text: str) -> Any:
    """Beyond 64 bits most readers make a floating-point number of it; the contract ends at 2^53 - 1 anyway."""
    if len(text) > 300:
        raise ValueError("a number beyond every reader")
    return int(text) if len(text) < 20 else Fraction()


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    return members if len(members) == len(pairs) else Doubled(members)


def depth(found: Any) -> int:
    """Levels of nesting."""
    deepest, waiting = 0, [(found, 1)]
    while waiting:
        value, level = waiting.pop()
        if isinstance(value, dict | list):
            deepest = max(deepest, level)
            waiting += [(each, level + 1) for each in (value.values() if isinstance(value, dict) else value)]
    return deepest


def doubled(found: Any) -> bool:
    """Whether a key stands twice anywhere in it."""
    waiting = [found]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Doubled):
            return True
        if isinstance(value, dict | list):
            waiting += value.values() if isinstance(value, dict) else value
    return False


# --- schemas


def _pattern(_validator: Any, pattern: str, found: Any, _schema: Any) -> Iterator[ValidationError]:
    """As ECMA has it: `$` is the end, not the line feed before it."""
    if isinstance(found, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), found):
        yield ValidationError(f"{found!r} does not match")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})


@cache
def _validator(name: str) -> Any:
    path = SCHEMAS / f"{name}.schema.json"
    return _Validator(json.loads(path.read_text())) if path.exists() else None


@cache
def _frame() -> Any:
    schema = json.loads((SCHEMAS / "envelope.v1.schema.json").read_text())
    schema["properties"]["events"].pop("items")
    return _Validator(schema)


@cache
def _source() -> Any:
    schema = json.loads((SCHEMAS / "envelope.v1.schema.json").read_text())
    return _Validator({"$ref": "#/$defs/Source", "$defs": schema["$defs"]})


def _paths(errors: Any) -> set[str]:
    """Every field that a schema finds wrong, one by one and in all forms that it could have."""
    found = set()
    for error in errors:
        path = [str(part) for part in error.absolute_path]
        found.add(".".join(path))
        if error.validator in {"required", "additionalProperties", "propertyNames"}:
            names = re.findall(r"'([^']*)'", error.message)
            found |= {".".join([*path, name]) for name in names} | {".".join([*path, n, "[key]"]) for n in names}
        if error.validator in {"oneOf", "anyOf"}:
            found |= {".".join([*path, tag]) for tag in ("type", "basis", "kind")} | _paths(error.context)
    return found


# --- events


@dataclass(frozen=True)
class Judged:
    """Whether an event is in contract; else the fields that may be named: None where a rule across fields says no."""

    valid: bool
    paths: frozenset[str] | None = None


def judge_event(event: Any, source: Any) -> Judged:
    """One event of a readable envelope of this source."""
    if doubled(event):
        return Judged(valid=False, paths=frozenset({""}))
    kind = event.get("type") if isinstance(event, dict) else None
    known = re.fullmatch(r"monazite\.([a-z-]+\.v[0-9]+)", kind) if isinstance(kind, str) else None
    validator = _validator(known[1]) if known else None
    if validator is None:
        return Judged(valid=False, paths=frozenset({"", "type"}))
    errors = list(validator.iter_errors(event))
    if errors:
        return Judged(valid=False, paths=frozenset(_paths(errors)))
    try:
        return Judged(valid=_across(event, source))
    except (ValueError, OverflowError):
        return Judged(valid=False)  # no such day or hour


def _across(event: Any, source: Any) -> bool:
    named = str(uuid5(NAMESPACE, f"{event['source']}/{event['sourcesystem']}/{event['recordid']}"))
    size = len(json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode())
    kind, data = event["type"].split(".")[1], event["data"]
    stated = data["replacement"] if kind == "correction" else event
    stated_kind = stated["type"].split(".")[1]
    in_time = all(_instant(text) for text in _instants(event))
    return (
        in_time
        and event["id"] == named
        and event["source"] == source["plant"]
        and source["stream"] in STREAMS.get(stated_kind, {"production"})
        and size <= 64 * 1024
        and all(lot.startswith(f"{event['source']}/") for lot in _made(stated_kind, stated["data"]))
        and _fits(stated_kind, stated["data"])
    )


def _instants(found: Any, name: str = "") -> Iterator[str]:
    if isinstance(found, dict):
        for key, value in found.items():
            yield from _instants(value, key)
    elif isinstance(found, list):
        for value in found:
            yield from _instants(value, name)
    elif isinstance(found, str) and (name in {"time", "start", "end"} or name.endswith("_at")):
        yield found


def _instant(text: str) -> datetime:
    """Raises where the calendar or the clock has none such; the years are the schema's pattern's."""
    offset = re.search(r"([+-])(\d\d):(\d\d)$", text)
    if offset and (int(offset[2]) > 23 or int(offset[3]) > 59):
        raise ValueError(text)
    found = datetime.fromisoformat(text)
    if not datetime(2000, 1, 1, tzinfo=UTC) <= found < datetime(2100, 1, 1, tzinfo=UTC):
        raise ValueError(text)
    return found


def _made(kind: str, data: Any) -> list[str]:
    if kind == "split":
        return [child["lot"] for child in data["children"]]
    return [data["lot"]] if kind in {"production", "import", "scrap-intake", "opening-inventory", "blend"} else []


_METALS = re.compile(r".*-metal|dysprosium-iron|re-magnesium|re-ferrosilicon|ndfeb-(alloy|magnet)")
_SECONDARY = re.compile(r"magnet-(sludge|scrap)|smelting-slag|end-of-life-magnet")


def _stage(product: str) -> str:
    if product.endswith("-concentrate"):
        return "ore"
    if _METALS.fullmatch(product):
        return "metal"
    return "secondary" if _SECONDARY.fullmatch(product) else "compound"


def _fits(kind: str, data: Any) -> bool:
    for lot in (data, *data.get("inputs", ())):
        if (
            "assay" in lot
            and "product" in lot
            and (_stage(lot["product"]) == "metal") != (lot["assay"]["basis"] == "metal")
        ):
            return False
    if kind == "production":
        stages = {"mined": {"ore"}, "separated": {"compound"}, "smelted": {"metal"}, "recovered": {"compound", "metal"}}
        return _stage(data["product"]) in stages[data["activity"]] and _within_a_month(data["period"])
    if kind in {"declaration", "stocktake"}:
        return data.get("nil") in {None, not data.get("lines")} and _one_for_each(data.get("lines", data.get("counts")))
    if kind == "assay-finalised":
        return bool(data["assay"]["status"] == "final")
    if kind == "dispatched":
        return data.get("expected_at") is None or _instant(data["expected_at"]) > _instant(data["dispatched_at"])
    return kind != "received" or _received_fits(data)


def _one_for_each(lines: Any) -> bool:
    lines = lines or ()
    return len({line["product"] for line in lines}) == len(lines)


def _within_a_month(period: Any) -> bool:
    start, end = _instant(period["start"]), _instant(period["end"])
    first, last = (at.astimezone(UTC) + SHANGHAI for at in (start, end - timedelta(microseconds=1)))
    return start < end and (first.year, first.month) == (last.year, last.month)


def _received_fits(data: Any) -> bool:
    lines, outcome = data["lines"], data["outcome"]
    refuses = [float(line["refused_kg"]) > 0 for line in lines]
    accepts = any(float(line["accepted_kg"]) > 0 for line in lines)
    reasons = [line.get("reason") is not None for line in lines]
    if any(refused and not reason for refused, reason in zip(refuses, reasons, strict=True)):
        return False
    if outcome != "accepted" and not any(reasons):
        return False
    return any(refuses) == (outcome in {"partly_refused", "refused"}) and not (accepts and outcome == "refused")


# --- envelopes


@dataclass(frozen=True)
class Opened:
    """A value as the contract has it. `source` None: it names nobody; `events` None: as a whole out of contract."""

    source: Any = None
    sequence: int = 0
    events: tuple[Judged, ...] | None = None
    paths: frozenset[str] = frozenset()


def judge_value(value: bytes | None) -> Opened:
    """Any value of a message."""
    try:
        document = parsed(value)
    except ValueError:
        return Opened()
    levels = depth(document)
    if levels > READABLE_DEPTH or len(value or b"") > 1024 * 1024 or not _names_somebody(document):
        return Opened()
    source, sequence = document["source"], document["sequence"]
    if levels > CANONICAL_DEPTH:
        return Opened(source, sequence)
    if isinstance(document, Doubled) or doubled(source):
        return Opened()
    errors = list(_frame().iter_errors(document))
    others = {name: found for name, found in document.items() if name not in {"source", "events"}}
    if errors or doubled(others) or len(value or b"") > 512 * 1024:
        return Opened(source, sequence, None, frozenset(_paths(errors) | {"", *others}))
    return Opened(source, sequence, tuple(judge_event(event, source) for event in document["events"]))


def _names_somebody(document: Any) -> bool:
    if not isinstance(document, dict) or not _source().is_valid(document.get("source")):
        return False
    sequence = document.get("sequence")
    return type(sequence) is int and 1 <= sequence <= 2**53 - 1
