"""Keeps the metrics that are read from the database: reconciliation, alerts, and the caps' ratios."""

import asyncio
import logging

from monazite_consumers import metrics
from monazite_consumers.database import ANSWER_WITHIN_S, DATABASE_ERRORS, Connection, connect
from monazite_consumers.sql import statement

log = logging.getLogger(__name__)

EVERY_S = 5.0


async def measure(database_url: str) -> None:
    """Until cancelled, every few seconds, on a connection of its own."""
    while True:
        try:
            connection = await connect(database_url, answer_within_s=ANSWER_WITHIN_S)
            try:
                while True:
                    await measure_once(connection)
                    await asyncio.sleep(EVERY_S)
            finally:
                connection.terminate()
        except DATABASE_ERRORS as error:
            log.warning("metrics wait: %s: %s", type(error).__name__, error)
            await asyncio.sleep(EVERY_S)


async def measure_once(connection: Connection) -> None:
    """One round."""
    rows = await connection.fetch(statement("tallies", "all"))
    metrics.UNRECONCILED.set(
        sum(r["received"] - r["applied"] - r["awaiting"] - r["duplicate"] - r["refused"] for r in rows)
    )
    await _measure_positions(connection)
    metrics.ALERTS.clear()
    for row in await connection.fetch(statement("alerts", "by_rule")):
        metrics.ALERTS.labels(row["rule"], row["condition"]).set(row["alerts"])
    for row in await connection.fetch(statement("caps", "all")):
        if row["granted_g"]:
            ratio = row["drawn_g"] / row["granted_g"]
            metrics.CAP_RATIO.labels(row["holder"], row["kind"], row["year"]).set(ratio)


async def _measure_positions(connection: Connection) -> None:
    rows = await connection.fetch(statement("positions", "all"))
    for topic in {row["topic"] for row in rows}:
        found = [row for row in rows if row["topic"] == topic]
        metrics.HOLES.labels(topic).set(sum(row["holes"] for row in found))
        metrics.LOST.labels(topic).set(sum(row["lost"] for row in found))
    for row in rows:  # by generation: the newest is set last
        metrics.GENERATION.labels(row["topic"], row["partition"]).set(row["log_generation"])
