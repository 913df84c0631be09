"""Books many events in one transaction: COPY into temporary tables, then one statement for each table."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.peers.reading import EVENTS, LEDGER, AlertKey, CapKey, DayKey, Holders, event_row, ledger_row, read
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
DRAW_DAYS = """
INSERT INTO cap_days AS c (holder, year, kind, day, drawn_g)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::date[], $5::bigint[])
ON CONFLICT (holder, year, kind, day) DO UPDATE SET drawn_g = c.drawn_g + excluded.drawn_g
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
UNION ALL
SELECT DISTINCT 'cap-overrun-then', d.holder || '/' || d.kind, d.year::text
FROM (SELECT holder, year, kind, day,
             sum(d.drawn_g) OVER (PARTITION BY holder, year, kind ORDER BY day) AS drawn_g
      FROM unnest($1::text[], $2::smallint[], $3::text[]) AS k (holder, year, kind)
      JOIN caps c USING (holder, year, kind) JOIN cap_days d USING (holder, year, kind)
      WHERE c.drawn_g > c.first_granted_g) d
WHERE d.drawn_g > (SELECT sum(g.granted_g) FROM grants g
                   WHERE (g.holder, g.year, g.kind) = (d.holder, d.year, d.kind) AND g.day <= d.day)
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
    days, alerts, seen = Counter[DayKey](), Counter[AlertKey](), set[str]()
    for each in stated:
        event_id = str(each.event.id)
        if event_id not in fresh or event_id in seen:
            continue
        seen.add(event_id)
        for day, grams in each.drawn:
            days[day] += grams
        if each.alert is not None:
            alerts[each.alert] += 1
    if days:
        await _draw(connection, days)
    if alerts:
        await connection.execute(ALERT, *_columns(alerts))


async def _draw(connection: Any, days: Counter[DayKey]) -> None:
    caps = Counter[CapKey]()
    for (*cap, _), grams in days.items():
        caps[tuple(cap)] += grams
    columns = _columns(caps)
    await connection.execute(DRAW, *columns)
    await connection.execute(DRAW_DAYS, *_columns(days))
    await connection.execute(CAP_ALERTS, *columns[:-1])


def _columns(counted: Counter[Any]) -> list[list[Any]]:
    return [list(column) for column in zip(*((*key, counted[key]) for key in sorted(counted)), strict=True)]
