"""Books one event in one transaction: what both peers do that handle event by event."""

from typing import Any

from benchmarks.peers.reading import Holders, event_row, ledger_row, read
from monazite_contracts.events import Event

LEDGER = """
INSERT INTO ledger (topic, partition, log_offset, arrived_at, record_key, value, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
"""
EVENT = """
INSERT INTO events (event_id, plant, hash, type, event_time) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING event_id
"""
DRAW = """
INSERT INTO caps AS c (holder, year, kind, drawn_g) VALUES ($1, $2, $3, $4)
ON CONFLICT (holder, year, kind) DO UPDATE SET drawn_g = c.drawn_g + excluded.drawn_g
RETURNING drawn_g, granted_g, first_granted_g
"""
DRAW_DAY = """
INSERT INTO cap_days AS c (holder, year, kind, day, drawn_g) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (holder, year, kind, day) DO UPDATE SET drawn_g = c.drawn_g + excluded.drawn_g
"""
OVERRUN_THEN = """
SELECT EXISTS (
    SELECT FROM (SELECT day, sum(drawn_g) OVER (ORDER BY day) AS drawn_g FROM cap_days
                 WHERE (holder, year, kind) = ($1, $2, $3)) d
    WHERE d.drawn_g > (SELECT sum(granted_g) FROM grants
                       WHERE (holder, year, kind) = ($1, $2, $3) AND grants.day <= d.day)
)
"""
ALERT = """
INSERT INTO alerts AS a (rule, subject, period) VALUES ($1, $2, $3)
ON CONFLICT (rule, subject, period) DO UPDATE SET count = a.count + 1
"""
THRESHOLDS = (("cap-80", 80), ("cap-95", 95), ("cap-100", 100))


async def book(connection: Any, record: Any, event: Event, holders: Holders) -> None:
    """One transaction: ledger, event, caps, alerts; a redelivery changes nothing."""
    async with connection.transaction():
        row = ledger_row(record)
        await connection.execute(LEDGER, *row)
        stated = read(event, holders)
        if await connection.fetchval(EVENT, *event_row(stated, row[-1])) is None:
            return
        for (holder, year, kind, day), grams in stated.drawn:
            cap = await connection.fetchrow(DRAW, holder, year, kind, grams)
            await connection.execute(DRAW_DAY, holder, year, kind, day, grams)
            rules = crossed(cap["drawn_g"] - grams, cap["drawn_g"], cap["granted_g"])
            # Below the first issue no day can have been above what was issued.
            may_have_overrun = cap["first_granted_g"] is not None and cap["drawn_g"] > cap["first_granted_g"]
            if may_have_overrun and await connection.fetchval(OVERRUN_THEN, holder, year, kind):
                rules.append("cap-overrun-then")
            for rule in rules:
                await connection.execute(ALERT, rule, f"{holder}/{kind}", f"{year}")
        if stated.alert is not None:
            await connection.execute(ALERT, *stated.alert)


def crossed(before_g: int, after_g: int, granted_g: int | None) -> list[str]:
    """The rules that a draw makes true."""
    if granted_g is None:
        return []
    found = [rule for rule, percent in THRESHOLDS if before_g * 100 < granted_g * percent <= after_g * 100]
    return [*found, "cap-overrun"] if before_g <= granted_g < after_g else found
