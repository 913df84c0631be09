"""What positions and adoptions say of the alerts about logs: the rows outlive every rebuild, and so do these."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.rules.alerts import AlertKey, Observed
from monazite_consumers.sql import statement

LOG_RULES = frozenset({"log-holes", "log-lost", "log-replaced"})


async def log_alerts(connection: Connection) -> set[AlertKey]:
    """Every alert that the rows call for."""
    rows = await connection.fetch(statement("positions", "alert_keys"))
    return {AlertKey(row["rule"], row["topic"], f"{row['day']}") for row in rows}


async def observe_logs(connection: Connection, keys: Sequence[AlertKey]) -> dict[AlertKey, Observed]:
    """What the rows say of alerts about logs; their subject is a topic, their period the day it was noticed."""
    if not keys:
        return {}
    wanted = sorted({(key.subject, date.fromisoformat(key.period)) for key in keys})
    columns = [topic for topic, _ in wanted], [day for _, day in wanted]
    found: dict[AlertKey, list[dict[str, Any]]] = defaultdict(list)
    for row in await connection.fetch(statement("positions", "skipped_on"), *columns):
        for what in ("holes", "lost"):
            if row[what]:
                key = AlertKey(f"log-{what}", row["topic"], f"{row['day']}")
                found[key].append({"count": row[what], **_partition(row)})
    for row in await connection.fetch(statement("positions", "adopted_on"), *columns):
        facts = {name: row[name] for name in ("reason", "read_to", "log_start", "log_end")}
        found[AlertKey("log-replaced", row["topic"], f"{row['day']}")].append({"count": 1, **_partition(row), **facts})
    return {key: _observed(found[key]) for key in keys}


def _partition(row: Any) -> dict[str, int]:
    return {"partition": row["partition"], "log_generation": row["log_generation"]}


def _observed(partitions: list[dict[str, Any]]) -> Observed:
    evidence = {"count": sum(each["count"] for each in partitions), "partitions": partitions}
    return Observed(bool(partitions), held_before=False, evidence=evidence)
