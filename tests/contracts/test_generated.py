"""What is committed under docs/contracts is what the models say, nothing more and nothing less."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from monazite_contracts.envelope import canonical, event_hash, value_hash
from monazite_contracts.generate.examples import chain_of_three, example_record, examples
from monazite_contracts.generate.files import GENERATED_FOLDERS, generated_files, json_text
from monazite_contracts.generate.schemas import DIALECT, schema_of, tidied
from monazite_contracts.messages import MESSAGES, Message
from monazite_contracts.opening import open_value
from monazite_contracts.seal import decode_base64url, public_key, verifies

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "contracts"
REMEDY = (
    "\nThe wire has changed, or a page is stale: {names}\n"
    "If you meant it: run `monazite contracts export docs/contracts`, review the difference, and add a line under "
    "the changelog's heading *Contracts*.\nA change that an older plant or reader cannot follow needs a new version."
)
TITLES = [message.title for message in MESSAGES]


def differing(folder: Path) -> list[str]:
    """Names of the generated files that are missing or say something else in a folder."""
    files = generated_files()
    return [
        name
        for name, text in files.items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def orphans(folder: Path) -> list[str]:
    """Files in the generated folders that no message has."""
    files = generated_files()
    found = (path.relative_to(folder).as_posix() for name in GENERATED_FOLDERS for path in (folder / name).rglob("*"))
    return sorted(set(found) - set(files))


def validator_of(message: Message) -> Draft202012Validator:
    return Draft202012Validator(schema_of(message), format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_committed_contract_is_what_the_models_say() -> None:
    changed = differing(FOLDER)
    assert not changed, REMEDY.format(names=", ".join(changed))


def test_a_changed_or_missing_file_would_be_seen(tmp_path: Path) -> None:
    for name, text in generated_files().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert differing(tmp_path) == []
    schema = tmp_path / "schemas" / "loss.v1.schema.json"
    schema.write_text(schema.read_text().replace('"lost_at"', '"lost_on"'))
    (tmp_path / "examples" / "split.v1.json").unlink()
    assert differing(tmp_path) == ["schemas/loss.v1.schema.json", "examples/split.v1.json"]
    (tmp_path / "schemas" / "theft.v1.schema.json").write_text("{}")
    assert orphans(tmp_path) == ["schemas/theft.v1.schema.json"]


def test_no_file_is_without_its_model() -> None:
    assert orphans(FOLDER) == []


def test_every_model_has_a_schema_and_an_example() -> None:
    for title in TITLES:
        assert (FOLDER / "schemas" / f"{title}.schema.json").is_file()
        assert (FOLDER / "examples" / f"{title}.json").is_file()


def test_versions_of_a_name_run_from_one_without_gaps() -> None:
    for name in {message.name for message in MESSAGES}:
        versions = sorted(message.version for message in MESSAGES if message.name == name)
        assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("message", MESSAGES, ids=TITLES)
def test_each_schema_is_valid_and_uses_only_words_that_json_schema_knows(message: Message) -> None:
    """An unknown keyword checks nothing and says so to nobody."""
    schema = schema_of(message)
    Draft202012Validator.check_schema(schema)
    assert unknown_words(schema) == set()
    assert schema["$schema"] == DIALECT


def unknown_words(schema: dict[str, Any]) -> set[str]:
    known = {
        "$schema", "$defs", "$ref", "title", "description", "examples", "default", "type", "const", "enum", "pattern",
        "format", "minLength", "maxLength", "minimum", "maximum", "items", "minItems", "maxItems", "properties",
        "required", "additionalProperties", "propertyNames", "minProperties", "anyOf", "oneOf",
    }  # fmt: skip
    return {word for word, _ in keywords(schema)} - known


def test_a_misspelled_word_of_a_schema_would_be_seen() -> None:
    part = {"type": "object", "aditionalProperties": False}
    for schema in (part, {"properties": {"a": part}}, {"anyOf": [part]}, {"items": part}, {"$defs": {"A": part}}):
        assert unknown_words(schema) == {"aditionalProperties"}


def keywords(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every keyword of a schema and its value."""
    for word, value in schema.items():
        yield word, value
        if word in {"properties", "$defs"}:
            inner = list(value.values())
        elif word in {"anyOf", "oneOf"}:
            inner = value
        else:
            inner = [value] if word in {"items", "additionalProperties", "propertyNames"} else []
        for found in inner:
            if isinstance(found, dict):
                yield from keywords(found)


@pytest.mark.parametrize("message", MESSAGES, ids=TITLES)
def test_every_object_is_closed_and_every_field_described(message: Message) -> None:
    schema = schema_of(message)
    for name, part in [(message.title, schema), *schema.get("$defs", {}).items()]:
        if part.get("type") != "object":
            continue
        assert part["additionalProperties"] is False, name
        undescribed = [field for field, is_a in part["properties"].items() if not described(is_a)]
        assert not undescribed, f"{name}: {undescribed}"


def described(field: dict[str, Any]) -> bool:
    if {"description", "const", "$ref"} & set(field):
        return True
    return any(described(part) for part in field.get("anyOf", field.get("oneOf", ())))


@pytest.mark.parametrize("message", MESSAGES, ids=TITLES)
def test_each_example_is_valid_by_schema_and_by_model(message: Message) -> None:
    text = (FOLDER / "examples" / f"{message.title}.json").read_bytes()
    validator_of(message).validate(json.loads(text))
    message.model.model_validate_json(text)


@pytest.mark.parametrize("message", MESSAGES, ids=TITLES)
def test_schema_and_model_refuse_the_same(message: Message) -> None:
    """Of what JSON Schema can say: further fields, missing ones, wrong types, formats and words."""
    validator, example = validator_of(message), examples()[message.title]
    tried = 0
    for mutant in mutants(example):
        by_schema, by_model = validator.is_valid(mutant), is_valid(message, mutant)
        # Some rules no schema can say (the id, whose lot it is), so the model may refuse more; never less.
        assert by_schema or not by_model, mutant
        tried += not by_schema
    assert tried > 5


def is_valid(message: Message, document: Any) -> bool:
    try:
        message.model.model_validate_json(canonical(document))
    except ValidationError:
        return False
    return True


def mutants(example: Any) -> Iterator[Any]:
    """The example with one thing wrong, for every place and every way."""
    for path in paths(example):
        value = at(example, path)
        if isinstance(value, dict):
            yield changed(example, (*path, "unknown"), 1)
        wrong: list[Any] = [None, [], {}, "", "§", 1.5, True, -1, f"{value} ", f" {value}"]
        if isinstance(value, str) and value.replace(".", "", 1).isdigit():
            wrong += [float(value), value.rstrip("0"), f"-{value}", value.replace(".", ","), f"0{value}"]
        for other in wrong if path else ():
            if other != value:
                yield changed(example, path, other)
        if path and isinstance(path[-1], str):
            without = copy.deepcopy(example)
            del at(without, path[:-1])[path[-1]]
            yield without


def paths(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in inner:
        yield from paths(value, (*path, key))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    copied = copy.deepcopy(document)
    at(copied, path[:-1])[path[-1]] = value
    return copied


@pytest.mark.parametrize("message", MESSAGES, ids=TITLES)
def test_what_the_schema_refuses_of_a_field_the_model_refuses_too_and_the_other_way_round(message: Message) -> None:
    """Where a mutant touches neither identity nor a rule across fields, both answers are the same."""
    validator, example = validator_of(message), examples()[message.title]
    across = {"id", "source", "sourcesystem", "recordid", "lot", "product", "period", "start", "end", "status"}
    across |= {"basis", "activity", "nil", "lines", "outcome", "reason", "refused_kg", "accepted_kg", "month", "type"}
    for path in paths(example):
        if not path or across & set(map(str, path)):
            continue
        for other in ("§", 1.5, None, f"{at(example, path)}0", "2023-05-04T08:00:00Z", "2023-05-04 08:00:00"):
            mutant = changed(example, path, other)
            assert validator.is_valid(mutant) == is_valid(message, mutant), (path, other)


def test_the_example_envelope_opens_and_its_seal_verifies() -> None:
    record = json.loads((FOLDER / "examples" / "envelope.v1.record.json").read_text())
    key = public_key(json.loads((FOLDER / "vectors.json").read_text())["signing_key"]["public_key"])
    value = record["value"].encode()
    signature = decode_base64url(record["headers"]["seal"], 64)
    assert signature is not None
    assert verifies(value, signature, key)
    assert not verifies(value + b" ", signature, key)
    opened = open_value(value)
    assert opened.source is not None
    assert all(event.event for event in opened.events)
    assert record["key"] == f"{opened.source.plant}/{opened.source.gateway}"
    assert record == example_record()


def test_the_examples_tell_one_story() -> None:
    shown = examples()
    production, envelope, receipt = shown["production.v1"], shown["envelope.v1"], shown["receipt.v1"]
    assert envelope["events"][0] == production
    assert shown["correction.v1"]["data"]["target"] == {"id": production["id"], "hash": event_hash(production).hex()}
    assert shown["assay-finalised.v1"]["data"]["lot"] == production["data"]["lot"]
    lot = production["data"]["lot"]
    assert shown["dispatched.v1"]["data"]["lines"][0]["lot"] == lot
    assert shown["received.v1"]["data"]["lines"][0]["lot"] == lot
    assert shown["received.v1"]["data"]["waybill"] == shown["dispatched.v1"]["data"]["waybill"]
    third = chain_of_three()[2]
    assert receipt["decided_hash"] == receipt["entries"][0]["envelope_hash"] == value_hash(third).hex()
    assert receipt["entries"][0]["event_id"] == orjson.loads(third)["events"][0]["id"]
    assert shown["alert-acknowledged.v1"]["alert"] == shown["alert.v1"]["id"]


def test_json_for_people_says_the_same() -> None:
    for document in [*examples().values(), *(schema_of(message) for message in MESSAGES)]:
        assert json.loads(json_text(document)) == document


def test_tidying_a_schema_keeps_fields_that_are_called_like_keywords() -> None:
    schema = {
        "title": "X",
        "properties": {"title": {"title": "T", "type": "string", "$comment": "f"}},
        "enum": ["title"],
    }
    assert tidied(schema) == {"properties": {"title": {"type": "string", "description": "f"}}, "enum": ["title"]}
