"""Books many events in one transaction: COPY into temporary tables, then one statement for each table."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.reading import EVENTS, LEDGER, AlertKey, CapKey, Holders, event_row, ledger_row, read
from monazite_contracts.events import Event

STAGING = """
CREATE TEMP TABLE new_ledger (LIKE ledger) ON COMMIT DELETE ROWS;
ALTER TABLE new_ledger DROP COLUMN message;
CREATE TEMP TABLE new_events (LIKE events) ON COMMIT DELETE ROWS;
"""
KEEP = """
INSERT INTO ledger (topic, partition, log_offset, arrived_at, record_key, value, hash)
SELECT topic, partition, log_offset, arrived_at, record_key, value, hash FROM new_ledger ON CONFLICT DO NOTHING
"""
STATE = """
INSERT INTO events (event_id, plant, hash, type, event_time)
SELECT event_id, plant, hash, type, event_time FROM new_events ON CONFLICT DO NOTHING RETURNING event_id
"""
DRAW = """
INSERT INTO caps AS c (holder, year, kind, drawn_g)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::bigint[])
ON CONFLICT (holder, year, kind) DO UPDATE SET drawn_g = c.drawn_g + excluded.drawn_g
"""
ALERT = """
INSERT INTO alerts AS a (rule, subject, period, count)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (rule, subject, period) DO UPDATE SET count = a.count + excluded.count
"""
CAP_ALERTS = """
INSERT INTO alerts (rule, subject, period)
SELECT r.rule, c.holder || '/' || c.kind, c.year::text
FROM unnest($1::text[], $2::smallint[], $3::text[]) AS k (holder, year, kind)
JOIN caps c USING (holder, year, kind)
JOIN (VALUES ('cap-80', 80), ('cap-95', 95), ('cap-100', 100)) AS r (rule, percent)
  ON c.drawn_g * 100 >= c.granted_g * r.percent
UNION ALL
SELECT 'cap-overrun', c.holder || '/' || c.kind, c.year::text
FROM unnest($1::text[], $2::smallint[], $3::text[]) AS k (holder, year, kind)
JOIN caps c USING (holder, year, kind)
WHERE c.drawn_g > c.granted_g
ON CONFLICT DO NOTHING
"""


async def book_all(connection: Any, records: Sequence[Any], events: Sequence[Event], holders: Holders) -> None:
    """Within the caller's transaction; events that are there already draw nothing."""
    kept = [ledger_row(record) for record in records]
    stated = [read(event, holders) for event in events]
    await connection.copy_records_to_table("new_ledger", records=kept, columns=LEDGER)
    await connection.copy_records_to_table(
        "new_events",
        records=[event_row(each, row[-1]) for each, row in zip(stated, kept, strict=True)],
        columns=EVENTS,
    )
    await connection.execute(KEEP)
    fresh = {str(row["event_id"]) for row in await connection.fetch(STATE)}
    drawn, alerts, seen = Counter[CapKey](), Counter[AlertKey](), set[str]()
    for each in stated:
        event_id = str(each.event.id)
        if event_id not in fresh or event_id in seen:
            continue
        seen.add(event_id)
        for cap, grams in each.drawn:
            drawn[cap] += grams
        if each.alert is not None:
            alerts[each.alert] += 1
    if drawn:
        keys = sorted(drawn)
        columns = [list(column) for column in zip(*keys, strict=True)]
        await connection.execute(DRAW, *columns, [drawn[key] for key in keys])
        await connection.execute(CAP_ALERTS, *columns)
    if alerts:
        found = sorted(alerts)
        await connection.execute(ALERT, *map(list, zip(*found, strict=True)), [alerts[key] for key in found])
