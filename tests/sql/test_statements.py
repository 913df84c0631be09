"""Every named statement is right, used and explained."""

import ast
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import asyncpg
import pytest

from monazite_consumers import database, sql

ROOT = Path(__file__).parents[2]
NAMED = [(noun, name) for noun in sql.nouns() for name in sql.statements(noun)]
FILES = {noun: files(sql).joinpath(f"{noun}.sql").read_text(encoding="utf-8") for noun in sql.nouns()}


async def prepare(connection: database.Connection, text: str) -> None:
    if "shadow." in text:
        await connection.execute(sql.statement("rebuild", "open"))  # only then is there anything to compare
    await connection.prepare(text)


@pytest.mark.parametrize(("noun", "name"), NAMED, ids=[f"{noun}.{name}" for noun, name in NAMED])
async def test_every_statement_fits_the_migrated_schema(connection: database.Connection, noun: str, name: str) -> None:
    await prepare(connection, sql.statement(noun, name))


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("SELECT no_such_column FROM lots", asyncpg.UndefinedColumnError),
        ("SELECT lot FROM no_such_table", asyncpg.UndefinedTableError),
        ("SELECT lot FROM lots WHERE net_g = ANY($1::text[])", asyncpg.UndefinedFunctionError),
        ("SELEKT lot FROM lots", asyncpg.PostgresSyntaxError),
        ("SELECT lot FROM lots; DELETE FROM lots", asyncpg.PostgresSyntaxError),
        ("SELECT no_such_column FROM shadow.lots", asyncpg.UndefinedColumnError),
    ],
)
async def test_a_broken_statement_is_noticed(
    connection: database.Connection, text: str, error: type[asyncpg.PostgresError]
) -> None:
    with pytest.raises(error):
        await prepare(connection, text)


@pytest.mark.parametrize(
    ("noun", "name"), [("findings", "shared_lots"), ("events", "set_saying"), ("rebuild", "differences")]
)
async def test_a_statement_that_a_migration_breaks_is_noticed(
    connection: database.Connection, noun: str, name: str
) -> None:
    await connection.execute("ALTER TABLE events RENAME message TO said")
    if noun == "rebuild":
        await connection.execute("ALTER TABLE alerts RENAME condition TO state")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await prepare(connection, sql.statement(noun, name))


# Who uses what.


def used(module: ast.Module) -> Iterator[tuple[str, str] | str]:
    """The statements that a module asks for by name; a sentence for each use that cannot be read off the text."""
    calls = {id(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == "monazite_consumers.sql":
            for alias in node.names:
                if alias.name in {"statement", "statements"} and alias.asname:
                    yield f"line {node.lineno}: {alias.name} goes by another name"
        if isinstance(node, ast.Call) and _called(node.func) == "statement":
            match node.args, node.keywords:
                case [ast.Constant(value=str(noun)), ast.Constant(value=str(name))], []:
                    yield noun, name
                case _:
                    yield f"line {node.lineno}: statement() is not given two literal names"
        elif isinstance(node, ast.Call) and _called(node.func) == "statements":
            yield f"line {node.lineno}: statements() hides which one is used"
        elif isinstance(node, ast.expr) and id(node) not in calls and _called(node) == "statement":
            yield f"line {node.lineno}: statement is handed on, not called"


def _called(function: ast.expr) -> str | None:
    match function:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id="sql"), attr=name):
            return name
        case _:
            return None


def unused(modules: list[ast.Module]) -> set[tuple[str, str]]:
    return set(NAMED) - {use for module in modules for use in used(module) if isinstance(use, tuple)}


@pytest.fixture(scope="session")
def modules() -> dict[str, ast.Module]:
    """Everything that is installed and that imports named statements."""
    paths = [path for part in ("consumers", "deploy") for path in sorted((ROOT / part).rglob("*.py"))]
    parsed = {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in paths}
    return {path: module for path, module in parsed.items() if _imports_statements(module)}


def _imports_statements(module: ast.Module) -> bool:
    return any(
        (isinstance(node, ast.ImportFrom) and node.module == "monazite_consumers.sql")
        or (
            isinstance(node, ast.ImportFrom)
            and node.module == "monazite_consumers"
            and any(alias.name == "sql" for alias in node.names)
        )
        or (isinstance(node, ast.Import) and any(alias.name == "monazite_consumers.sql" for alias in node.names))
        for node in ast.walk(module)
    )


def test_every_statement_is_used(modules: dict[str, ast.Module]) -> None:
    idle = sorted(f"{noun}.{name}" for noun, name in unused(list(modules.values())))
    assert not idle, f"nobody uses {', '.join(idle)}: delete them, or use them"


def test_every_use_names_a_statement_that_there_is_and_names_it_literally(modules: dict[str, ast.Module]) -> None:
    wrong = [
        f"{path}: {use if isinstance(use, str) else f'no statement {use[0]}.{use[1]}'}"
        for path, module in modules.items()
        for use in used(module)
        if use not in NAMED
    ]
    assert not wrong, "\n".join(wrong)


def test_a_statement_that_loses_its_last_user_is_noticed(modules: dict[str, ast.Module]) -> None:
    others = [module for module in modules.values() if ("platform", "drive") not in set(used(module))]
    assert ("platform", "drive") in unused(others)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('statement("lots", "makers")', ("lots", "makers")),
        ('sql.statement(\n    "lots",\n    "makers",\n)', ("lots", "makers")),
        ('statement("lots", name)', "line 1: statement() is not given two literal names"),
        ('statement(noun="lots", name="makers")', "line 1: statement() is not given two literal names"),
        ('statement(*("lots", "makers"))', "line 1: statement() is not given two literal names"),
        ('statements("lots")["makers"]', "line 1: statements() hides which one is used"),
        ('map(statement, ["lots"], ["makers"])', "line 1: statement is handed on, not called"),
        ("ask = sql.statement", "line 1: statement is handed on, not called"),
        ("from monazite_consumers.sql import statement as ask", "line 1: statement goes by another name"),
    ],
)
def test_a_use_is_read_off_the_code_and_a_hidden_one_is_told(code: str, found: tuple[str, str] | str) -> None:
    assert list(used(ast.parse(code))) == [found]


def test_what_only_looks_like_a_use_is_none() -> None:
    assert list(used(ast.parse('claim.statement; _statement(root); "statement(1, 2)"'))) == []


# How they read.


def misread(text: str) -> list[str]:
    """What is wrong with how a file of statements reads."""
    lines = text.splitlines()
    wrong = []
    if not re.fullmatch(r"-- (?!name:)[A-Z].+\.", lines[0]) or lines[1:2] != [""]:
        wrong.append("begins with no story: one line, and an empty one")
    names = [line.removeprefix("-- name: ") for line in lines if re.fullmatch(r"-- name: \w+", line)]
    if not names:
        wrong.append("names no statement")
    wrong += [f"two statements are named {name}" for name in sorted(set(names)) if names.count(name) > 1]
    for number, line in enumerate(lines):
        if re.match(r"\s*--\s*name\b", line, re.IGNORECASE) and not re.fullmatch(r"-- name: [a-z][a-z0-9_]*", line):
            wrong.append(f"line {number + 1}: not the form of a name: {line!r}")
        elif line.startswith("-- name: "):
            if not re.fullmatch(r"-- (?!name:)[A-Z].*[.]", "".join(lines[number + 1 : number + 2])):
                wrong.append(f"line {number + 1}: no line of intent after {line.removeprefix('-- name: ')}")
            if lines[number - 1 : number] != [""]:
                wrong.append(f"line {number + 1}: no empty line before {line.removeprefix('-- name: ')}")
    body = re.sub(r"--.*", "", text.partition("-- name: ")[2])
    if body.count(";") != len(names):
        wrong.append(f"{len(names)} statements have {body.count(';')} ends")
    return wrong


@pytest.mark.parametrize("noun", sql.nouns())
def test_every_file_begins_with_its_story_and_every_statement_with_its_intent(noun: str) -> None:
    assert misread(FILES[noun]) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("-- name: all\n-- Every lot.\nSELECT 1;", "begins with no story"),
        ("-- Lots: what was made.\n-- name: all\n-- Every lot.\nSELECT 1;", "begins with no story"),
        ("-- Lots: what was made.\n\n-- name: all\nSELECT 1;", "no line of intent after all"),
        (
            "-- Lots: what was made.\n\n-- name: all\n-- name: none\n-- No lot.\nSELECT 1;",
            "no line of intent after all",
        ),
        (
            "-- Lots: what was made.\n\n-- name: all\n-- Every lot.\nSELECT 1;\n-- name: no\n-- No.\nSELECT 0;",
            "no empty line",
        ),
        (
            "-- Lots: what was made.\n\n-- name: all\n-- A.\nSELECT 1;\n\n-- name: all\n-- A.\nSELECT 1;",
            "two statements are",
        ),
        ("-- Lots: what was made.\n\n-- name: all-lots\n-- Every lot.\nSELECT 1;", "not the form of a name"),
        ("-- Lots: what was made.\n\n-- Name: all\n-- Every lot.\nSELECT 1;", "not the form of a name"),
        ("-- Lots: what was made.\n\n-- name: all \n-- Every lot.\nSELECT 1;", "not the form of a name"),
        ("-- Lots: what was made.\n\n-- name: all\n-- Every lot.\nSELECT 1; SELECT 2;", "1 statements have 2 ends"),
        ("-- Lots: what was made.\n", "names no statement"),
    ],
)
def test_a_file_that_does_not_read_so_is_noticed(text: str, wrong: str) -> None:
    assert any(wrong in found for found in misread(text))
