"""Why something is refused: field, rule and remedy, in the words that plant and platform share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from monazite_contracts.events import KNOWN_TYPES
from monazite_contracts.wording import found


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason. `rule` is a row of `REMEDIES`; `field` a dotted path, empty for the whole; `remedy` a sentence.

    Whatever arrived, `field` and `remedy` are short, visible text.
    """

    rule: str
    field: str = ""
    remedy: str = ""


REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not-json": "Send one JSON document in UTF-8 without a byte-order mark.",
        "not-an-envelope": "Send an object with source, sequence, previous and events, as the envelope page describes.",
        "seal-missing": "Send the headers `key` and `seal` in ASCII, each once.",
        "seal-false": "Seal the exact bytes of the value with the gateway's registered key.",
        "misplaced": "Publish on the stream's topic under the key `plant/gateway`, with the default partitioner.",
        "too-large": "Send less at once: an envelope 512 KiB and 500 events, an event 64 KiB, lists by schema.",
        "too-deep": "Nest objects and lists no deeper than the contract's schema does.",
        "missing-field": "Add the field.",
        "unknown-field": "Remove the field, or use the contract version that has it.",
        "unknown-type": "Use one of the contract's event types, with its version.",
        "wrong-stream": "Publish this type on the stream that the contract names for it.",
        "wrong-source": "An envelope carries events of its own plant only.",
        "wrong-format": "Write the value as the contract's schema shows.",
        "not-in-list": "Use one of the values that the contract lists.",
        "duplicate-key": "Send each key of an object once.",
        "event-id": "Make the id the UUIDv5 of `source/sourcesystem/recordid` in the contract's namespace.",
        "lot-of-another-plant": "Name the lots you make `your-plant-code/NUMBER`.",
        "product-activity": "Mined lots are ore products, separated ones compounds, smelted ones metals.",
        "assay-basis": "Use the basis `metal` for metals and alloys, `dry` or `as_received` for everything else.",
        "period-straddles": "Split the period at the month's end in Asia/Shanghai.",
        "product-twice": "Send one line for each product.",
        "contradiction": "State one thing or the other.",
    }
)
"""Every rule that refuses, and what to do about it."""

SEAL_RULES: Final = frozenset({"seal-missing", "seal-false", "misplaced"})
"""The rules that are about the record around the value: whoever reads the headers decides them."""

_RULE_OF_ERROR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "missing-field",
        "extra_forbidden": "unknown-field",
        "union_tag_invalid": "not-in-list",
        "union_tag_not_found": "missing-field",
        "literal_error": "not-in-list",
        "enum": "not-in-list",
        "too_long": "too-large",
        "event_id": "event-id",
        "lot_of_another_plant": "lot-of-another-plant",
        "product_activity": "product-activity",
        "assay_basis": "assay-basis",
        "period_straddles": "period-straddles",
        "period_order": "contradiction",
        "range_order": "contradiction",
        "reason_missing": "missing-field",
        "line_reason_missing": "missing-field",
        "outcome_lines": "contradiction",
        "expected_order": "contradiction",
        "nil_or_lines": "contradiction",
        "product_twice": "product-twice",
        "assay_status": "contradiction",
    }
)

TAGS_OF_FIELD: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "assay": frozenset({"dry", "as_received", "metal"}),
        **dict.fromkeys(("consignee", "consignor", "buyer"), frozenset({"plant", "named"})),
    }
)
"""The fields that hold one of several forms: pydantic puts the form's tag into the path, where no reader finds it."""

_FIELDS_MEANT: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "event_id": ("id",),
        "lot_of_another_plant": ("data",),
        "line_reason_missing": ("reason",),
        "expected_order": ("expected_at",),
    }
)
"""What an error of a whole object is about."""

_TAG_FIELD: Final[Mapping[str, str]] = MappingProxyType({"assay": "basis", "replacement": "type", "": "type"})

_FIELD_MAX: Final = 200
_DETAIL_MAX: Final = 300

_INVISIBLE: Final = re.compile(r"[^ -~\u00a1-\u00ac\u00ae-\u0377\u4e00-\u9fff]")
"""Everything but visible ASCII, Latin, and ideographs: what a sender chose must not disturb a log, a page, a table."""


def refuse(rule: str, field: str = "", detail: str = "") -> Refusal:
    """A refusal by a row of the table; `detail` says what was found there."""
    remedy = REMEDIES[rule]
    said = visible(detail, _DETAIL_MAX).rstrip(".")
    return Refusal(rule, visible(field, _FIELD_MAX), f"{said}. {remedy}" if said else remedy)


def refusal_of(error: ValidationError) -> Refusal:
    """The first reason in a validation error."""
    return _refusal(error.errors(include_url=False, include_input=False)[0])


def refusals_of(error: ValidationError) -> tuple[Refusal, ...]:
    """Every reason in a validation error, in the order of the fields."""
    return tuple(_refusal(details) for details in error.errors(include_url=False, include_input=False))


def _refusal(details: ErrorDetails) -> Refusal:
    path, kind = _path(details["loc"]), details["type"]
    rule = _RULE_OF_ERROR.get(kind, "wrong-format")
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        last = path[-1] if path else ""
        path.append(_TAG_FIELD.get(last, "kind"))
        if path[-1] == "type" and rule == "not-in-list":
            rule = "unknown-type"
    path += _FIELDS_MEANT.get(kind, ())
    return refuse(rule, ".".join(path), found(details))


def _path(loc: tuple[int | str, ...]) -> list[str]:
    """The fields that lead to an error, without the tags of the forms between them."""
    before = ("", *loc)
    return [str(part) for part, field in zip(loc, before, strict=False) if not _is_tag(part, field)]


def _is_tag(part: int | str, field: int | str) -> bool:
    if part in KNOWN_TYPES:
        return field in {"", "replacement"} or isinstance(field, int)
    return part in TAGS_OF_FIELD.get(str(field), ())


def visible(text: str, limit: int) -> str:
    """What a sender wrote, cut to `limit` characters and with everything replaced that a reader could not see."""
    shown = _INVISIBLE.sub("\N{REPLACEMENT CHARACTER}", text[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[: limit - 1]}…"
