"""The first few envelopes or statements that an alert rests on; how many there are, its count says."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.lots import REUSED
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.sql import statement

EXAMPLES_MAX: Final = 10

OF_SOURCES: Final = frozenset({"envelope-gap", "envelope-fork", "chain-broken"})
"""Rules about the envelopes of a gateway, whose alerts must say of which source."""

Examples = dict[AlertKey, list[dict[str, Any]]]


async def examples(connection: Connection, keys: Iterable[AlertKey]) -> Examples:
    """Of each alert whose subject alone does not say what to look for: the earliest, at most ten."""
    found: Examples = defaultdict(list)
    wanted = list(keys)
    if about := [key for key in wanted if key.rule in OF_SOURCES]:
        for row in await connection.fetch(statement("findings", "envelopes"), *transposed(about, 3), EXAMPLES_MAX):
            found[_key(row)].append(_of_source(row))
    if about := [key for key in wanted if key.rule == REUSED]:
        for row in await connection.fetch(statement("findings", "shared_lots"), *transposed(about, 3), EXAMPLES_MAX):
            found[_key(row)].append({"event": str(row["event_id"]), "lots": list(row["lots"])})
    return found


def _key(row: Any) -> AlertKey:
    return AlertKey(row["rule"], row["subject"], row["period"])


def _of_source(row: Any) -> dict[str, Any]:
    if row["first"] is None:
        return {"source": row["source"], "sequence": row["sequence"]}
    return {"source": row["source"], "first": row["first"], "last": row["sequence"] - 1}
