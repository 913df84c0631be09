"""Which rules have a test that they fire and one that they clear: said by decorators, read from the source."""

import ast
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TypeVar

from monazite_consumers.rules.catalogue import RULES

Test = TypeVar("Test", bound=Callable[..., object])


def fires(*rules: str) -> Callable[[Test], Test]:
    """The test proves that these rules fire."""
    return _says(rules)


def clears(*rules: str) -> Callable[[Test], Test]:
    """The test proves how these rules clear, or that only what the catalogue names clears them."""
    return _says(rules)


def _says(rules: tuple[str, ...]) -> Callable[[Test], Test]:
    unknown = set(rules) - RULES.keys()
    if unknown or not rules:
        raise ValueError(f"no such rules: {sorted(unknown)}")
    return lambda test: test


def said(folder: Path) -> Iterator[tuple[str, str]]:
    """(`fires` or `clears`, rule) of every test in a folder."""
    for path in sorted(folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield from _said_of(node)


def _said_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, str]]:
    for decorator in node.decorator_list:
        match decorator:
            case ast.Call(func=ast.Name(id="fires" | "clears" as verb)):
                yield from ((verb, str(ast.literal_eval(rule))) for rule in decorator.args)


def uncovered(folder: Path, rules: Collection[str]) -> list[str]:
    """What is missing: `cap-80 has no test that it clears`."""
    found = set(said(folder))
    return [
        f"{rule} has no test that it {verb}" for rule in sorted(rules) for verb in ("fires", "clears")
        if (verb, rule) not in found
    ]  # fmt: skip
