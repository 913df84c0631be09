"""Reads the registry in force out of the database as one immutable value, and names its content by a digest."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

import orjson

from monazite_consumers.database import Connection
from monazite_consumers.errors import SchemaError
from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.rules.facts import Entry
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement


async def load(connection: Connection) -> Registry:
    """Everything that is declared, with its revision: one statement, hence one snapshot, in or out of a transaction.

    Raises:
        SchemaError: an entry is of a noun that this release does not know.
    """
    rows = await connection.fetch(statement("registry", "entries"))
    found = [(row, entry(row["noun"], row["document"])) for row in rows if row["noun"] is not None]
    declared = [(row["noun"], one) for row, one in found if not row["is_former"]]
    former = {row["key"]: one for row, one in found if row["is_former"]}
    return replace(Registry.of(rows[0]["revision"], declared), former_keys=former)


async def load_at(connection: Connection, revision: int) -> Registry:
    """Everything that was declared at a revision, from the record of changes.

    Raises:
        SchemaError: an entry is of a noun that this release does not know.
    """
    rows = await connection.fetch(statement("registry", "at_revision"), revision)
    declared = [(row["noun"], entry(row["noun"], row["after"])) for row in rows if row["after"] is not None]
    former = {
        row["key"]: entry(row["noun"], row["before"])
        for row in rows
        if row["after"] is None and row["noun"] == "gateway_keys"
    }
    return replace(Registry.of(revision, declared), former_keys=former)


async def revision(connection: Connection) -> int:
    """The revision in force; 0 before the first apply."""
    found = await connection.fetchval(statement("registry", "revision"))
    return 0 if found is None else int(found)


def entry(noun: str, document: object) -> Entry:
    """What a stored document declares.

    Raises:
        SchemaError: it is of a noun that this release does not know.
    """
    model = NOUNS.get(noun)
    if model is None:
        raise SchemaError(f"the registry declares {noun}, which this release does not know: run a newer release")
    return model.model_validate(document)


def digest(entries: Iterable[tuple[str, Entry]]) -> bytes:
    """SHA-256 of all entries as canonical JSON, sorted by noun and key.

    Fields at their default are left out, so that a release that adds a field does not change what is declared.
    """
    rows = sorted((noun, entry.key, entry.model_dump(mode="json", exclude_defaults=True)) for noun, entry in entries)
    return sha256(orjson.dumps(rows, option=orjson.OPT_SORT_KEYS)).digest()
