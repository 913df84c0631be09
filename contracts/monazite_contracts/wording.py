"""Says what is wrong with a field in words that a plant engineer can act on, not in the validator's own."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, Final, get_args

from pydantic import StringConstraints
from pydantic_core import ErrorDetails

from monazite_contracts import identifiers, material, quantities, times
from monazite_contracts.model import Form


def _forms(*modules: ModuleType) -> dict[str, str]:
    """What each pattern of the contract asks for, as the schema says it beside the pattern."""
    found: dict[str, str] = {}
    for named in (alias for module in modules for alias in vars(module).values()):
        parts = get_args(named)
        patterns = [part.pattern for part in parts if isinstance(part, StringConstraints) and part.pattern]
        texts = [part.text for part in parts if isinstance(part, Form)]
        found |= {str(pattern): texts[0] for pattern in patterns if texts}
    return found


_FORM_OF_PATTERN: Final = MappingProxyType(_forms(identifiers, material, quantities, times))
_INSTANT: Final = next(part.text for part in get_args(times.Instant) if isinstance(part, Form))


def _of_pattern(context: Mapping[str, Any]) -> str:
    return f"what is asked for: {_FORM_OF_PATTERN.get(str(context['pattern']), _INSTANT)}"


def _of_length(context: Mapping[str, Any]) -> str:
    bound = f"at most {context['max_length']}" if "max_length" in context else f"at least {context['min_length']}"
    return f"{bound} are asked for, here are {context['actual_length']}"


_SAID: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = MappingProxyType(
    {
        "missing": lambda _: "the field is missing",
        "extra_forbidden": lambda _: "the contract knows no such field here",
        "string_pattern_mismatch": _of_pattern,
        "string_type": lambda _: "a text in quotes is asked for, even where it says a number",
        "string_too_long": lambda c: f"the text has more than {c['max_length']} characters",
        "string_too_short": lambda _: "the text is empty",
        "model_type": lambda _: "an object is asked for",
        "model_attributes_type": lambda _: "an object is asked for",
        "dict_type": lambda _: "an object is asked for",
        "tuple_type": lambda _: "a list is asked for",
        "bool_type": lambda _: "true or false is asked for",
        "int_type": lambda _: "a whole number is asked for",
        "too_long": _of_length,
        "too_short": _of_length,
        "literal_error": lambda c: f"one of these is asked for: {c['expected']}",
        "enum": lambda c: f"one of these is asked for: {c['expected']}",
        "union_tag_invalid": lambda c: f"one of these is asked for: {c['expected_tags']}",
        "union_tag_not_found": lambda _: "the field is missing",
        "datetime_from_date_parsing": lambda c: f"there is no such instant, {c['error']}",
        "datetime_parsing": lambda c: f"there is no such instant, {c['error']}",
        "greater_than_equal": lambda _: "what is stated lies before 2000, or below what is asked for",
        "less_than": lambda _: "what is stated lies after 2099, or above what is asked for",
        "timezone_aware": lambda _: "the offset from UTC is missing",
    }
)


def found(details: ErrorDetails) -> str:
    """What is wrong, without the validator's own words."""
    said = _SAID.get(details["type"])
    text = said(details.get("ctx", {})) if said else details["msg"]
    return re.sub(r"\s+", " ", text).rstrip(".")
