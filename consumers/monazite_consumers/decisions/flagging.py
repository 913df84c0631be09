"""Tells plants, after their receipts, what was noticed about events of theirs, and when it is noticed no longer."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from monazite_consumers.database import PLANT_LOCKS, Connection
from monazite_consumers.decisions import answers
from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.decisions.deciding import Platform, lock_names
from monazite_consumers.decisions.gaps import follow
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.decisions.sequences import Sequences
from monazite_consumers.delivery import put
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement

PLANTS: Final = 50
"""That are told at once."""

QUIET: Final = [rule.id for rule in RULES.values() if rule.quiet]


class Flag(NamedTuple):
    """What a plant is told of one of its events, beside that it is applied. `key`: the month that it is about."""

    key: str
    place: Place
    rule: str
    field: str
    remedy: str


async def flag(connection: Connection, keys: Sequence[str], found: Iterable[Flag]) -> None:
    """Puts what is to be told about these months in the place of what was; it is told later, by `tell_flags`."""
    rows = await connection.fetch(statement("flagged", "of_keys"), list(keys))
    before = {(row["message"], row["index"]): (row["rule"], row["field"], row["remedy"]) for row in rows}
    keys_of = {(row["message"], row["index"]): row["key"] for row in rows}
    after = {each.place: each for each in found}
    changed: list[tuple[Any, ...]] = [
        (*place, each.key, each.rule, each.field, each.remedy)
        for place, each in sorted(after.items())
        if before.get(place) != each[2:]
    ]
    changed += [
        (*place, keys_of[place], None, None, None)
        for place, said in sorted(before.items())
        if place not in after and said[0] is not None
    ]
    if changed:
        await connection.execute(statement("flagged", "put"), *transposed(changed, 6))


async def tell_flags(connection: Connection, registry: Registry, platform: Platform) -> int:
    """Receipts for what has changed, of some plants; of how many. First in its transaction.

    What intake decides of these plants meanwhile waits: the receipt with the greater number must say the newer state.
    """
    rows = await connection.fetch(statement("flagged", "waiting"), PLANTS)
    plants = [row["plant"] for row in rows]
    if not plants:
        return 0
    await lock_names(connection, PLANT_LOCKS, plants)
    untold = await connection.fetch(statement("flagged", "untold"), QUIET, plants)
    changes = Changes(at=platform.instant or datetime.now(UTC))
    answers.note_again([_entry(row) for row in untold], changes)
    await connection.execute(statement("flagged", "tell"), plants)
    await answer(connection, registry, platform, changes)
    return len(plants)


def _entry(row: Any) -> dict[str, Any]:
    """A row as receipts name it: of a correction, the field lies in what it puts in place."""
    told = dict(row)
    if row["rule"] is not None:
        told["flag"] = None
        if row["type"] == "monazite.correction.v1":
            told["field"] = row["field"].replace("data.", "data.replacement.data.", 1)
    return told


async def answer(connection: Connection, registry: Registry, platform: Platform, changes: Changes) -> None:
    """Receipts to the sources of the entries, beside a decision."""
    nothing = Sequences(touched=set(), leaving=set(), fresh=set())
    decided = await follow(connection, nothing, set(changes.entries), changes)
    await put(connection, await answers.receipts(connection, registry, decided, changes, platform.epoch))
