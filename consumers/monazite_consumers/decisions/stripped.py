"""What was not kept for want of room repeats what is kept, as soon as the same value is: nothing of it awaits then."""

from collections.abc import Iterable

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.reading import coordinate_of
from monazite_consumers.decisions.sequences import Verdict
from monazite_consumers.rules.envelopes import Arrival
from monazite_consumers.sql import statement
from monazite_contracts.receipts import Outcome


async def kept_whole(connection: Connection, stripped: Iterable[Arrival]) -> set[bytes]:
    """Hashes of values that are kept, among those of messages that find no room.

    One without its bytes comes from the ledger, to be decided again: then the ledger says whether its value is kept.
    """
    fresh: set[bytes] = set()
    again: set[bytes] = set()
    for arrival in stripped:
        (again if arrival.is_stripped else fresh).add(arrival.opened.hash)
    rows = await connection.fetch(statement("envelopes", "kept_whole"), list(fresh)) if fresh else []
    rows += await connection.fetch(statement("ledger", "kept_whole"), list(again)) if again else []
    return {row["hash"] for row in rows}


async def settle_stripped(connection: Connection, kept: Iterable[Arrival], changes: Changes) -> dict[int, Verdict]:
    """Stored messages whose bytes were not kept, and whose values are kept from now on: duplicates."""
    hashes = [arrival.opened.hash for arrival in kept]
    rows = await connection.fetch(statement("envelopes", "stripped"), hashes) if hashes else []
    for row in rows:
        changes.unfind((row["message"], WHOLE))
    return {
        row["message"]: Verdict(row["message"], coordinate_of(row), row["hash"], row["key_id"], Outcome.DUPLICATE)
        for row in rows
    }
