"""JSON Schema 2020-12 of every message, from the models."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from monazite_contracts.messages import MESSAGES, Message

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_NAMED: Final = frozenset({"properties", "$defs", "patternProperties"})
"""Keywords whose members are names of our own; everywhere else a member is a keyword."""


def schema_of(message: Message) -> dict[str, Any]:
    """One message's schema by itself."""
    found = message.model.model_json_schema(schema_generator=GenerateJsonSchema, mode="validation")
    head = {"$schema": DIALECT, "title": message.title, "description": _described(message.model)}
    return head | {name: member for name, member in tidied(found).items() if name not in head}


def shared_schemas(ref_template: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Every message's schema name, and all schemas by name; references as in `ref_template` with `{model}`."""
    models = [(message.model, "validation") for message in MESSAGES]
    names, found = models_json_schema(models, ref_template=ref_template)  # type: ignore[arg-type] # a list of literals
    schemas = tidied(found)["$defs"]
    by_title = {m.title: names[m.model, "validation"]["$ref"].rpartition("/")[2] for m in MESSAGES}
    return by_title, schemas


def _described(model: type[BaseModel]) -> str:
    return " ".join((model.__doc__ or "").split())


def tidied(schema: Any) -> Any:
    """Without what only repeats a name, and with the form of a value beside what its field means."""
    if isinstance(schema, list):
        return [tidied(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    members = {name: _tidied_member(name, member) for name, member in schema.items()}
    members.pop("title", None)
    # OpenAPI's word, not JSON Schema's: the `const` of each form tells them apart.
    members.pop("discriminator", None)
    form = members.pop("$comment", None)
    if form:
        members["description"] = f"{members['description']} {form}" if "description" in members else form
    if "description" in members:
        members["description"] = " ".join(members["description"].split())
    return members


def _tidied_member(name: str, member: Any) -> Any:
    if name in {"const", "enum", "default", "examples", "required"}:
        return member
    if name in _NAMED:
        return {own: tidied(schema) for own, schema in member.items()}
    return tidied(member)
