"""Why something is refused: field, rule and remedy, in the words that plant and platform share."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason. `rule` is a row of `REMEDIES`; `field` a dotted path, empty for the whole; `remedy` a sentence."""

    rule: str
    field: str = ""
    remedy: str = ""


REMEDIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not-json": "Send one JSON document in UTF-8 without a byte-order mark.",
        "not-an-envelope": "Send an object with source, sequence, previous and events, as the envelope page describes.",
        "seal-missing": "Send the headers `key` and `seal` in ASCII, each once.",
        "seal-false": "Seal the exact bytes of the value with the gateway's registered key.",
        "misplaced": "Publish on the stream's topic under the record key `plant/gateway`, with the default partitioner.",
        "too-large": "Close the envelope earlier: at most 512 KiB and 500 events; an event at most 64 KiB.",
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
        "contradiction": "State one thing or the other.",
    }
)
"""Every rule that refuses, and what to do about it."""

_RULE_OF_ERROR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "missing-field",
        "extra_forbidden": "unknown-field",
        "union_tag_invalid": "unknown-type",
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
        "reason_missing": "missing-field",
        "nil_or_lines": "contradiction",
        "assay_status": "contradiction",
    }
)


def refuse(rule: str, field: str = "", detail: str = "") -> Refusal:
    """A refusal by a row of the table; `detail` says what was found there."""
    remedy = REMEDIES[rule]
    return Refusal(rule, field, f"{detail.rstrip('.')}. {remedy}" if detail else remedy)


def refusal_of(error: ValidationError) -> Refusal:
    """The first reason in a validation error; the rest would only repeat it in the order of the fields."""
    first = error.errors(include_url=False, include_input=False, include_context=True)[0]
    rule = _RULE_OF_ERROR.get(first["type"], "wrong-format")
    # A discriminated union puts the tag into the path; a reader looks for the field, not for the tag.
    field = ".".join(str(part) for part in first["loc"] if not str(part).startswith("monazite."))
    if rule == "unknown-type":
        field = f"{field}.type".lstrip(".")
    return refuse(rule, field, first["msg"])
