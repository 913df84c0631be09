"""Settings from a TOML file and the environment: frozen, nested, and a typo is an error with a hint."""

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from monazite.errors import ConfigurationError

PREFIX = "MONAZITE_"
FILE_VARIABLE = "MONAZITE_CONFIG"
DATABASE_VARIABLE = "MONAZITE_DATABASE_URL"
"""The short form of MONAZITE_DATABASE__URL, which goes before it."""

NOT_SETTINGS = {FILE_VARIABLE, "MONAZITE_CACHE", "MONAZITE_DATA", DATABASE_VARIABLE}
"""Variables of this name space that are no settings."""

Model = TypeVar("Model", bound=BaseModel)


def load(model: type[Model], environment: Mapping[str, str] = os.environ) -> Model:
    """The settings: `MONAZITE_SECTION__KEY` over the file that MONAZITE_CONFIG names over the defaults.

    Raises:
        ConfigurationError: an unknown key, a value out of range, or a file that cannot be read.
    """
    values = _file(environment.get(FILE_VARIABLE))
    if DATABASE_VARIABLE in environment:
        _put(values, ["database", "url"], environment[DATABASE_VARIABLE], DATABASE_VARIABLE)
    for name, text in sorted(environment.items()):
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            _put(values, name.removeprefix(PREFIX).lower().split("__"), text, name)
    _refuse_unknown(model, values, "")
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _file(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    try:
        return tomllib.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{FILE_VARIABLE} names {name}, which cannot be read: {error}") from error


def _put(values: dict[str, Any], path: list[str], text: str, name: str) -> None:
    for part in path[:-1]:
        values = values.setdefault(part, {})
        if not isinstance(values, dict):
            raise ConfigurationError(f"{name}: {part} is a value, not a section")
    values[path[-1]] = text


def _refuse_unknown(model: type[BaseModel], values: Mapping[str, Any], path: str) -> None:
    for key, value in values.items():
        if key not in model.model_fields:
            near = get_close_matches(key, model.model_fields, n=1)
            hint = f"; did you mean {path}{near[0]}?" if near else f"; known: {', '.join(model.model_fields)}"
            raise ConfigurationError(f"unknown setting {path}{key}{hint}")
        inner = model.model_fields[key].annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            if not isinstance(value, Mapping):
                raise ConfigurationError(f"{path}{key} is a section, not a value")
            _refuse_unknown(inner, value, f"{path}{key}.")
