"""How long a month of millions of events takes to close, and in how much memory."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.sizes import Sizes
from benchmarks.tables import Table
from benchmarks.usage import peak_bytes
from monazite.embedded import servers
from monazite_consumers import database
from monazite_consumers.registry.applying import APPLYING_SESSION, apply, plan
from monazite_consumers.reports.closing import close
from monazite_consumers.reports.storing import document_of
from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.sql import statement

PLANTS, ENTERPRISES, PROVINCES = 300, 60, 12
PER = 50
MONTH = "2023-05"
JUDGED_AT = datetime(2023, 6, 11, tzinfo=UTC)
FILL = (
    """
INSERT INTO ledger (message, topic, partition, log_generation, log_offset, arrived_at, value, size, hash)
SELECT n, 'plant-production', n % 6, 1, n / 6,
       '2023-05-01T00:00:00+08'::timestamptz + n * interval '31 days' / ($1 / 50),
       convert_to('{"events":[' || repeat('{"data":{}},', 50) || '{"data":{"reason":"invented"}}]}', 'UTF8'), 50,
       sha256(int8send(n))
FROM generate_series(1, $1 / 50) AS n
""",
    """
INSERT INTO events (message, index, plant, event_id, hash, type, event_time, outcome, effective, test)
SELECT 1 + n / 50, n % 50, 'plant-' || n / 50 % 300, md5(n::text)::uuid, sha256(int8send(n)), 'monazite.production.v1',
       '2023-05-01T00:00:00+08'::timestamptz + n * interval '30 days' / $1, 'applied', true, false
FROM generate_series(0, $1 - 51) AS n
""",
    """
INSERT INTO events (message, index, plant, event_id, hash, type, event_time, outcome, effective, test, target_id,
                    target_hash)
SELECT message, 50, plant, md5('amends' || message)::uuid, sha256(int8send(message)), 'monazite.correction.v1',
       event_time, 'applied', false, false, event_id, hash
FROM events WHERE index = 0 AND message % 20 = 0 AND message <= $1
""",
    """
INSERT INTO moves (message, index, line, plant, lot, kind, step, at, net_g, product, origin, reo_g, feed, lawful)
SELECT message, index, 0, plant, plant || '/' || message || '-' || index, 'made',
       CASE message % 2 WHEN 0 THEN 'mined' ELSE 'separated' END, event_time, 1000000 + index,
       'ndpr-oxide', 'domestic', 500000 + index, 'domestic:1', true
FROM events WHERE target_id IS NULL AND message <= $1
""",
    """
INSERT INTO shipments (shipment, consignor, waybill, consignee, state, actor, due_at, dispatched_at, lines)
SELECT plant || '/W-' || message || '-' || index, plant, 'W-' || message || '-' || index,
       'plant-' || (message + 7) % 300,
       CASE message % 10 WHEN 0 THEN 'under way' ELSE 'received' END,
       CASE message % 10 WHEN 0 THEN 'plant-' || (message + 7) % 300 END, at + interval '30 days', at,
       jsonb_build_array(jsonb_build_object('lot', lot, 'sent_g', net_g, 'accepted_g', net_g, 'refused_g', 0))
FROM moves WHERE index % 10 = 0 AND message <= $1
""",
    """
INSERT INTO flows (plant, month, product, kind, step, origin, moves, net_g, reo_g, claimed_g, reo_squares)
SELECT plant, '2023-05-01', product, kind, step, origin, count(*), sum(net_g)::bigint, sum(reo_g)::bigint, 0,
       sum(reo_g::numeric ^ 2)
FROM moves WHERE message <= $1 GROUP BY plant, product, kind, step, origin
""",
    """
INSERT INTO outputs (plant, month, product, step, origin, lawful, lines, net_g, reo_g)
SELECT plant, '2023-05-01', product, step, origin, lawful, count(*), sum(net_g)::bigint, sum(reo_g)::bigint
FROM moves WHERE message <= $1 GROUP BY plant, product, step, origin, lawful
""",
    """
INSERT INTO stocks (plant, product, month, moves, net_g, reo_g)
SELECT plant, product, month, moves, net_g, reo_g FROM (
    SELECT plant, product, '2023-05-01'::date AS month, sum(moves) AS moves, sum(net_g) AS net_g, sum(reo_g) AS reo_g
    FROM flows WHERE $1 > 0 GROUP BY plant, product
) AS s
""",
    "UPDATE following SET message = $1",
    "DELETE FROM sweeps WHERE $1 > 0",
    "UPDATE platform SET settled_message = $1, judged_at = '2023-06-11'",
    """
INSERT INTO intake_positions (topic, partition, start_offset, next_offset, received)
SELECT topic, partition, 0, max(log_offset) + 1, max(log_offset) + 1 FROM ledger WHERE message <= $1 GROUP BY 1, 2
""",
)
"""$1: of the first three events, of the others the newest message."""


def measure(sizes: Sizes, tell: Callable[[str], None]) -> list[Table]:
    """The table of one month."""
    with servers.running(kafka=False) as running:
        return measured(running.addresses.postgres, sizes.full_events, tell)


def measured(url: str, events: int, tell: Callable[[str], None]) -> list[Table]:
    """Fills an empty database, and closes its month in a process of its own."""
    facts = asyncio.run(_filled(url, events, tell))
    command = [sys.executable, "-m", "benchmarks.months", url]
    where = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    closed = subprocess.run(command, env=where, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(closed.stdout)
    facts |= asyncio.run(_stored(url))
    rows = [
        ("time", f"{found['seconds']:.1f} s", "", ""),
        ("peak memory of the process", f"{found['peak'] / 2**20:,.0f} MiB", "", ""),
        ("before it began", f"{found['before'] / 2**20:,.0f} MiB", "", ""),
        ("reports stored", f"{facts['reports']:,}", "", ""),
        ("the nation's, canonical", f"{facts['bytes'] / 2**10:,.0f} KiB", "", ""),
    ]
    note = (
        f"One month of {facts['events']:,} events in {facts['messages']:,} messages of {PLANTS} plants with"
        f" {facts['shipments']:,} shipments, written as rows by SQL. Closing reads sums, shipments and amendments and"
        " stores a report for every plant, enterprise and province and the nation; no event but those amended is read."
    )
    return [Table("Closing a month", ("", "measured", "target", ""), rows, (note,))]


def _entries() -> list[tuple[str, Any]]:
    since = "2020-01-01"
    declared: dict[str, list[dict[str, Any]]] = {
        "enterprises": [{"code": f"holder-{n}", "name": f"holder {n}"} for n in range(ENTERPRISES)],
        "plants": [
            {"code": f"plant-{n}", "name": f"plant {n}", "province": f"province-{n % PROVINCES}"} for n in range(PLANTS)
        ],
        "operations": [
            {"plant": f"plant-{n}", "enterprise": f"holder-{n % ENTERPRISES}", "since": since} for n in range(PLANTS)
        ],
        "duties": [{"enterprise": f"holder-{n}", "since": "2023-05-01", "basis": "R2"} for n in range(ENTERPRISES)],
    }
    return [(noun, NOUNS[noun].model_validate(entry)) for noun, found in declared.items() for entry in found]


async def _filled(url: str, events: int, tell: Callable[[str], None]) -> dict[str, int]:
    """Fills an empty database; how many rows there are."""
    await database.migrate(url)
    connection = await database.connect(url, APPLYING_SESSION | {"statement_timeout": "0"})

    async def nothing_to_decide(*_: Any) -> None:
        pass

    await apply(connection, await plan(connection, _entries()), "benchmark", JUDGED_AT, nothing_to_decide)
    await connection.execute("SET synchronous_commit = off")
    newest = events // PER
    for number, text in enumerate(FILL):
        await connection.execute(text, events if number < 2 else newest)
    await connection.execute("VACUUM (ANALYZE)")
    facts = {
        table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in ("events", "ledger", "shipments")
    }
    tell(f"{facts['events']:,} events, {facts['shipments']:,} shipments")
    await connection.close()
    return {"events": facts["events"], "messages": facts["ledger"], "shipments": facts["shipments"]}


async def _stored(url: str) -> dict[str, int]:
    connection = await database.connect(url)
    reports = await connection.fetchval("SELECT count(*) FROM reports")
    first = datetime.fromisoformat(f"{MONTH}-01").date()
    nation = await connection.fetchrow(statement("reports", "newest_of"), "nation", "nation", first)
    await connection.close()
    return {"reports": reports, "bytes": len(document_of(nation))}


async def _closed(url: str) -> dict[str, float]:
    """Closes the month as the service does; seconds, and bytes resident at most."""
    connection = await database.connect(url)
    before, began = peak_bytes(os.getpid()), perf_counter()
    await close(connection, MONTH)
    return {"seconds": perf_counter() - began, "before": before, "peak": peak_bytes(os.getpid())}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(_closed(sys.argv[1]))))
