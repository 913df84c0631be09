"""Migrations go forward, one after another, each with its idea."""

import re
from pathlib import Path

import pytest

from monazite_consumers import database, sql


def misnumbered(names: list[str]) -> list[str]:
    """What is wrong with the names of migrations."""
    wrong = [f"{name} is not NNNN_what.sql" for name in names if not re.fullmatch(r"\d{4}_[a-z][a-z0-9_]*\.sql", name)]
    numbers = [name[:4] for name in sorted(names)]
    due = [f"{number:04}" for number in range(1, len(names) + 1)]
    return wrong + [
        f"{there} where {wanted} is due" for there, wanted in zip(numbers, due, strict=True) if there != wanted
    ]


def misread(text: str) -> list[str]:
    """What is wrong with how a migration reads."""
    lines = text.splitlines()
    wrong = []
    if not re.fullmatch(r"-- [A-Z].+\.", lines[0]) or lines[1:2] != [""]:
        wrong.append("begins with no story: one line that says its idea, and an empty line")
    if re.search(r"^\s*(BEGIN|COMMIT|ROLLBACK)\s*;", text, re.MULTILINE | re.IGNORECASE):
        wrong.append("ends the transaction in which all migrations run")
    if re.search(r"\bCONCURRENTLY\b", text, re.IGNORECASE):
        wrong.append("does what no transaction can")
    wrong += [
        f"fails on a table that has rows: {column}"
        for column in re.findall(r"\bADD COLUMN [^,;]+", text, re.IGNORECASE)
        if re.search(r"NOT NULL|PRIMARY KEY", column, re.IGNORECASE) and "DEFAULT" not in column.upper()
    ]
    return wrong


def test_migrations_are_numbered_one_after_another() -> None:
    assert misnumbered([name for name, _ in sql.migrations()]) == []


def test_the_folder_of_migrations_holds_nothing_else() -> None:
    folder = Path(sql.__file__).parent / "migrations"
    assert sorted(path.name for path in folder.iterdir()) == [name for name, _ in sql.migrations()]


@pytest.mark.parametrize(("name", "text"), sql.migrations(), ids=[name for name, _ in sql.migrations()])
def test_every_migration_begins_with_its_idea_and_runs_in_one_transaction(name: str, text: str) -> None:
    assert misread(text) == [], name


@pytest.mark.parametrize(
    ("names", "wrong"),
    [
        (["0001_one.sql", "0003_three.sql"], "0003 where 0002 is due"),
        (["0001_one.sql", "0001_other.sql"], "0001 where 0002 is due"),
        (["0002_two.sql"], "0002 where 0001 is due"),
        (["0000_none.sql"], "0000 where 0001 is due"),
        (["1_one.sql"], "1_one.sql is not NNNN_what.sql"),
        (["0001-one.sql"], "0001-one.sql is not NNNN_what.sql"),
        (["0001_One.sql"], "0001_One.sql is not NNNN_what.sql"),
    ],
)
def test_a_gap_a_twin_and_an_odd_name_are_noticed(names: list[str], wrong: str) -> None:
    assert wrong in misnumbered(names)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("CREATE TABLE a ();\n", "begins with no story"),
        ("-- Two ideas\n-- in two lines.\nCREATE TABLE a ();\n", "begins with no story"),
        ("-- An idea.\n\nCREATE TABLE a ();\nCOMMIT;\n", "ends the transaction"),
        ("-- An idea.\n\nCREATE INDEX CONCURRENTLY i ON a (b);\n", "does what no transaction can"),
        ("-- An idea.\n\nALTER TABLE a ADD COLUMN b text NOT NULL;\n", "fails on a table that has rows"),
        ("-- An idea.\n\nALTER TABLE a\n    ADD COLUMN b bigint PRIMARY KEY;\n", "fails on a table that has rows"),
    ],
)
def test_a_migration_that_does_not_read_so_is_noticed(text: str, wrong: str) -> None:
    assert any(found.startswith(wrong) for found in misread(text))


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    assert await database.migrate(database_url) == []


async def test_a_migration_takes_as_long_as_a_large_ledger_needs(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "DO $$ BEGIN ASSERT current_setting('statement_timeout') = '0'; END $$"
    monkeypatch.setattr(database, "migrations", lambda: (("9999_slow.sql", text),))
    assert await database.migrate(database_url) == ["9999_slow.sql"]
