"""What is in doubt, and is to be judged anew: keys of a noun, or all of them in their order."""

from collections.abc import Iterable
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.sql import statement

Doubt = tuple[str, str]
"""A noun and a key."""

SWEPT: Final = {"lot": statement("doubts", "swept_lots"), "shipment": statement("doubts", "swept_shipments")}
"""Nouns of which there may be millions, and how to read the next ones: when all are in doubt, they are taken portion
by portion."""


async def doubt(connection: Connection, doubts: Iterable[Doubt]) -> None:
    """These are to be judged anew."""
    rows = sorted(set(doubts))
    if rows:
        await connection.execute(statement("doubts", "add"), *transposed(rows, 2))


async def doubt_all(connection: Connection) -> None:
    """Every lot and every shipment is to be judged anew, from the first one on."""
    await connection.execute(statement("doubts", "sweep"), list(SWEPT))


async def take(connection: Connection, noun: str, limit: int) -> list[str]:
    """The next keys to judge; they are in doubt no longer."""
    keys = [row["key"] for row in await connection.fetch(statement("doubts", "take"), noun, limit)]
    if noun in SWEPT and len(keys) < limit:
        swept = await connection.fetch(SWEPT[noun], limit)
        through = swept[-1]["key"] if swept else ""
        await connection.execute(statement("doubts", "swept"), noun, through, len(swept) == limit)
        keys = sorted({*keys, *(row["key"] for row in swept)})
    return keys
