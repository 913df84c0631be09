"""Reads a directory of YAML files into entries; of what is wrong it names place, rule and remedy."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, Node, SequenceNode

from monazite_consumers.registry.checks import require
from monazite_consumers.registry.problems import Declared, Problem, RegistryRefused, did_you_mean
from monazite_consumers.registry.strict_yaml import Document, line_of
from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.rules.facts import Entry

_RULE_OF_ERROR: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "missing-field",
        "extra_forbidden": "unknown-field",
        "literal_error": "not-in-list",
        "enum": "not-in-list",
        "int_type": "whole-number",
        "date_type": "day",
        "written_day": "day",
        "datetime_type": "instant",
        "written_instant": "instant",
        "timezone_aware": "instant",
        "until_order": "until-order",
        "sign": "sign",
        "too_short": "empty",
        "less_than_equal": "out-of-range",
        "greater_than_equal": "out-of-range",
        "visible_text": "visible-text",
    }
)

_SHOWN_MAX: Final = 100
"""Of what was found instead, at most."""

_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
_QUOTED = re.compile(r"'([^']*)'")


def entries(directory: Path) -> tuple[tuple[str, Entry], ...]:
    """(noun, entry) of everything that a directory's files declare, checked that it fits together.

    Raises:
        RegistryRefused: with all problems that were found.
    """
    declared = read(directory)
    require(declared)
    return tuple((each.noun, each.entry) for each in declared)


def read(directory: Path) -> tuple[Declared, ...]:
    """Everything that the `.yaml` and `.yml` files in and under a directory declare, each entry right by itself.

    Raises:
        RegistryRefused: with all problems that were found in all files.
    """
    paths = sorted(path for pattern in ("*.yaml", "*.yml") for path in directory.rglob(pattern))
    if not paths:
        raise RegistryRefused([Problem("no-files", "there is nothing to read", str(directory))])
    found = [each for path in paths for each in _read_file(path, path.relative_to(directory).as_posix())]
    problems = [each for each in found if isinstance(each, Problem)]
    if problems:
        raise RegistryRefused(problems)
    if not found:
        raise RegistryRefused([Problem("nothing-declared", "the files declare nothing at all", str(directory))])
    return tuple(each for each in found if isinstance(each, Declared))


def _read_file(path: Path, name: str) -> Sequence[Declared | Problem]:
    if not path.is_file():
        return [Problem("not-a-file", "there is no file behind the name", name)]
    try:
        document = Document(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return [Problem("not-a-file", error.strerror or str(error), name)]
    except UnicodeDecodeError as error:
        return [Problem("not-utf-8", str(error), name)]
    except yaml.YAMLError as error:
        return [_not_yaml(error, name)]
    root = document.root
    if isinstance(root, MappingNode):
        return list(_File(name, document).read(root))
    return [Problem("not-a-mapping", "the file is not a mapping of nouns", name, line_of(root))] if root else []


def _not_yaml(error: yaml.YAMLError, name: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    return Problem("not-yaml", str(getattr(error, "problem", None) or error), name, mark.line + 1 if mark else 0)


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    document: Document

    def read(self, root: MappingNode) -> Iterator[Declared | Problem]:
        seen = set()
        for noun, node, line in self.document.fields(root):
            if noun in seen:
                yield Problem("repeated-key", f"{noun} stands twice", self.name, line, noun)
            elif noun not in NOUNS:
                detail = f"{noun} is no noun of the registry{did_you_mean(noun, NOUNS)}"
                yield Problem("unknown-noun", detail, self.name, line, noun)
            else:
                yield from self._noun(noun, node)
            seen.add(noun)

    def _noun(self, noun: str, node: Node) -> Iterator[Declared | Problem]:
        if noun == "settings" and isinstance(node, MappingNode):
            yield from self._entry(noun, node, noun)
        elif noun != "settings" and isinstance(node, SequenceNode):
            for number, each in enumerate(node.value, start=1):
                yield from self._entry(noun, each, f"entry {number}")
        else:
            yield Problem("not-a-list", f"{noun} is not what was expected", self.name, line_of(node), noun)

    def _entry(self, noun: str, node: Node, label: str) -> Iterator[Declared | Problem]:
        line = line_of(node)
        if not isinstance(node, MappingNode):
            yield Problem("not-a-mapping", "the entry is not a mapping of fields", self.name, line, noun, label)
            return
        try:
            fields = [(key, self.document.value(value), at) for key, value, at in self.document.fields(node)]
            written: dict[str, Any] = {key: value for key, value, _ in fields}
            text = json.dumps(written, default=str, ensure_ascii=False)
        except yaml.YAMLError as error:
            yield _not_yaml(error, self.name)
            return
        except (ValueError, TypeError, RecursionError) as error:  # a number of 5000 digits, an impossible !!timestamp
            yield Problem("wrong-value", f"no plain value: {error}", self.name, line, noun, label)
            return
        label = f"{label}: {written.get('code') or written.get('id')}" if {"code", "id"} & written.keys() else label
        if _HALF_A_CHARACTER.search(text):  # which no JSON can hold
            yield Problem("visible-text", "it holds half a character", self.name, line, noun, label)
            return
        lines = {key: at for key, _, at in reversed(fields)}
        if twice := [key for key, count in Counter(key for key, _, _ in fields).items() if count > 1]:
            yield Problem("repeated-key", f"{', '.join(twice)} stands twice", self.name, line, noun, label, twice[0])
            return
        try:
            # The strict JSON mode refuses floats and texts as numbers, and numbers as days, but takes days as text.
            entry = NOUNS[noun].model_validate_json(text, strict=True)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                field, rule, detail = _explain(NOUNS[noun], each)
                yield Problem(rule, detail, self.name, lines.get(field.split(".")[0], line), noun, label, field)
        else:
            yield Declared(noun, entry, self.name, line)


def _explain(model: type[Entry], error: ErrorDetails) -> tuple[str, str, str]:
    """(field, rule, detail) of one validation error."""
    context = error.get("ctx", {})
    field = ".".join(map(str, error["loc"])) or str(context.get("field", ""))
    rule = _RULE_OF_ERROR.get(error["type"], "wrong-value")
    if rule == "missing-field":
        return field, rule, f"{field} is missing"
    if rule == "unknown-field":
        return field, rule, f"{field} is no field here{did_you_mean(field, model.model_fields)}"
    detail = error["msg"].removeprefix("Value error, ")
    if rule in {"until-order", "sign"}:
        return field, rule, detail
    hint = did_you_mean(str(error["input"]), _QUOTED.findall(str(context.get("expected", ""))))
    found = repr(error["input"])
    found = found if len(found) <= _SHOWN_MAX else f"{found[:_SHOWN_MAX]}…"
    return field, rule, f"found {found}; {detail}{hint}"
