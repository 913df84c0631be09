"""Named SQL statements, read from the `.sql` files beside this one: one file per noun."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def statements(noun: str) -> Mapping[str, str]:
    """The statements of one noun by name.

    Raises:
        FileNotFoundError: no such noun.
    """
    text = files(__name__).joinpath(f"{noun}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    return MappingProxyType({name: body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)})


def statement(noun: str, name: str) -> str:
    """One statement. Raises KeyError when the noun's file has none of that name."""
    return statements(noun)[name]


@cache
def nouns() -> tuple[str, ...]:
    """Every noun that has statements."""
    return tuple(
        sorted(file.name.removesuffix(".sql") for file in files(__name__).iterdir() if file.name.endswith(".sql"))
    )


@cache
def migrations() -> tuple[tuple[str, str], ...]:
    """(file name, text) of every migration, in order."""
    folder = files(__name__).joinpath("migrations")
    return tuple(
        sorted((file.name, file.read_text(encoding="utf-8")) for file in folder.iterdir() if file.name.endswith(".sql"))
    )
