"""Writes the lots that statements make, and finds the numbers that were used more than once."""

from collections import defaultdict
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes, Place
from monazite_consumers.decisions.posting import copy, transposed
from monazite_consumers.rules.production import Finding
from monazite_consumers.sql import statement
from monazite_contracts.months import month_of

REUSED: Final = "lot-reused"

_LOTS = ("message", "index", "plant", "lot", "product", "origin", "net_g", "reo_g", "made_at")


async def write_lots(connection: Connection, changes: Changes) -> None:
    """Lots that are unmade go first; then it is stated anew who shares a number, where that may have changed."""
    gone = []
    if changes.lots_unmade:
        gone = await connection.fetch(statement("lots", "remove"), *transposed(changes.lots_unmade, 2))
        for place in changes.lots_unmade:
            changes.unfind(place, REUSED)
    made: dict[str, list[Place]] = defaultdict(list)
    for place, _, lot in changes.lots_made:
        made[lot.lot].append(place)
    named = {row["lot"] for row in gone} | made.keys()
    if not named:
        return
    standing: dict[str, list[Place]] = defaultdict(list)
    for row in await connection.fetch(statement("lots", "makers"), list(named)):
        standing[row["lot"]].append((row["message"], row["index"]))
    rows = [
        (*place, plant, lot.lot, lot.product, lot.origin, lot.net_g, lot.reo_g, lot.made_at)
        for place, plant, lot in changes.lots_made
    ]
    await copy(connection, "lots", _LOTS, rows)
    sharing: set[Place] = set()
    for lot_named in named:
        others, now = standing[lot_named], made.get(lot_named, [])
        if len(others) + len(now) > 1:
            sharing.update(now)
        if len(others) == 1:  # it was alone until now, or is from now on; two share the number whatever happens here
            sharing.update(others)
    await _state_reuse(connection, sharing, changes)


async def _state_reuse(connection: Connection, places: set[Place], changes: Changes) -> None:
    """Each of the statements that share a number is a finding: which of them is right, somebody has to say."""
    if not places:
        return
    for place in places:
        changes.unfind(place, REUSED)
    for row in await connection.fetch(statement("lots", "shared"), *transposed(sorted(places), 2)):
        at = row["arrived_at"]
        finding = Finding(REUSED, row["plant"], month_of(at), at, row["lots"])
        changes.find((row["message"], row["index"]), finding)
