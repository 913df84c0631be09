"""The hot statements find their rows by index, whatever the plan: they run for every batch, over years of rows."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from monazite_consumers import database, sql

ROWS = """
INSERT INTO ledger (message, topic, partition, log_generation, log_offset, arrived_at, size, hash)
SELECT n, 'plant-shipments', n % 6, 1, n, '2024-01-01', 200, sha256(n::text::bytea)
FROM generate_series(1, 20000) AS n;

INSERT INTO envelopes (message, source, sequence, hash, arrived_at, outcome, occupies, vouched, rule)
SELECT n, n % 40, n / 40, sha256(n::text::bytea), '2024-01-01',
       CASE WHEN n % 10 > 1 THEN 'applied' WHEN n % 10 = 1 THEN 'duplicate' ELSE 'refused' END,
       n % 10 > 1, n % 10 > 0, CASE WHEN n % 10 = 0 THEN 'seal-unknown' END
FROM generate_series(1, 20000) AS n;

INSERT INTO events (message, index, plant, event_id, hash, type, outcome, effective, test, target_id)
SELECT n, 0, 'p' || n % 40, lpad(to_hex(n), 32, '0')::uuid, sha256(n::text::bytea), 'shipment',
       CASE WHEN n % 10 > 1 THEN 'applied' ELSE 'duplicate' END, n % 10 > 1, false,
       CASE WHEN n % 20 = 7 THEN lpad(to_hex(n - 1), 32, '0')::uuid END
FROM generate_series(1, 20000) AS n;

INSERT INTO lots (lot, message, index, plant, product, origin, net_g, made_at)
SELECT 'lot-' || n, n, 0, 'p' || n % 40, 'cerium-oxide', 'domestic', 1000, '2024-01-01'
FROM generate_series(1, 20000) AS n;

INSERT INTO findings (message, index, rule, subject, period, at)
SELECT n, 0, 'rule-' || n % 5, 'p' || n % 400, '2024-' || n % 12, '2024-01-01'
FROM generate_series(1, 20000) AS n;

INSERT INTO outbox (topic, key, value, published_at)
SELECT 'alerts', '', '', CASE WHEN n <= 19900 THEN now() END FROM generate_series(1, 20000) AS n;

ANALYZE;
"""
BIG = frozenset({"ledger", "envelopes", "events", "lots", "findings", "outbox"})

KEYS = range(101, 117)
IDS = [UUID(int=n) for n in KEYS]

HOT: dict[tuple[str, str], list[Any]] = {
    ("envelopes", "at_sequences"): [[n % 40 for n in KEYS], list(KEYS)],
    ("events", "with_ids"): [IDS],
    ("events", "amending"): [IDS],
    ("lots", "makers"): [[f"lot-{n}" for n in KEYS]],
    ("findings", "totals"): [
        [f"rule-{n % 5}" for n in KEYS],
        [f"p{n}" for n in KEYS],
        [f"2024-{n % 12}" for n in KEYS],
    ],
    ("findings", "envelopes"): [
        [f"rule-{n % 5}" for n in KEYS],
        [f"p{n}" for n in KEYS],
        [f"2024-{n % 12}" for n in KEYS],
        10,
    ],
    ("findings", "shared_lots"): [
        [f"rule-{n % 5}" for n in KEYS],
        [f"p{n}" for n in KEYS],
        [f"2024-{n % 12}" for n in KEYS],
        10,
    ],
    ("envelopes", "followers"): [[n % 40 for n in KEYS], list(KEYS)],
    ("lots", "shared"): [list(KEYS), [0 for _ in KEYS]],
    ("lots", "remove"): [list(KEYS), [0 for _ in KEYS]],
    ("outbox", "unpublished"): [500, 4_000_000],
}

NO_INDEX = "DROP INDEX findings_of_alert; DROP INDEX findings_by_time"

WHOLE = frozenset({"outbox_unpublished"})
"""Indexes that hold no more than what is asked for, and so may be read from end to end."""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def filled(kept: database.Connection) -> AsyncIterator[database.Connection]:
    """Some thousands of rows in each big table, counted by the planner."""
    transaction = kept.transaction()
    await transaction.start()
    await kept.execute(ROWS)
    yield kept
    await transaction.rollback()


@pytest_asyncio.fixture(loop_scope="session")
async def planned(filled: database.Connection) -> AsyncIterator[database.Connection]:
    """The same, for a test that changes something."""
    transaction = filled.transaction()
    await transaction.start()
    yield filled
    await transaction.rollback()


async def read_through(connection: database.Connection, text: str, values: list[Any], *, generic: bool) -> list[str]:
    """The big tables, and indexes of them, that a statement's plan reads from end to end."""
    options = "FORMAT JSON, GENERIC_PLAN" if generic else "FORMAT JSON"
    plan = json.loads(await connection.fetchval(f"EXPLAIN ({options}) {text}", *values))
    found = []
    for node in _nodes(plan[0]["Plan"]):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG:
            found.append(node["Relation Name"])
        elif "Index Name" in node and "Index Cond" not in node and node["Index Name"] not in WHOLE:
            found.append(node["Index Name"])
    return found


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", []):
        yield from _nodes(below)


@pytest.mark.parametrize("generic", [False, True], ids=["for these values", "for any values"])
@pytest.mark.parametrize(("noun", "name"), HOT, ids=[f"{noun}.{name}" for noun, name in HOT])
async def test_a_hot_statement_reads_no_big_table_through(
    planned: database.Connection, noun: str, name: str, *, generic: bool
) -> None:
    assert await read_through(planned, sql.statement(noun, name), HOT[noun, name], generic=generic) == []


@pytest.mark.parametrize("generic", [False, True], ids=["for these values", "for any values"])
@pytest.mark.parametrize(
    ("noun", "name", "change", "through"),
    [
        ("envelopes", "at_sequences", "DROP INDEX envelopes_occupants", "envelopes"),
        ("envelopes", "at_sequences", "DROP INDEX envelopes_others", "envelopes"),
        ("envelopes", "at_sequences", "ALTER TABLE ledger DROP CONSTRAINT ledger_pkey", "ledger"),
        ("events", "with_ids", "DROP INDEX events_applied", "events"),
        ("events", "with_ids", "DROP INDEX events_others", "events"),
        ("events", "amending", "DROP INDEX events_targets", "events"),
        ("lots", "makers", "ALTER TABLE lots DROP CONSTRAINT lots_pkey", "lots"),
        ("lots", "shared", "DROP INDEX lots_of_statement", "lots"),
        ("lots", "remove", "DROP INDEX lots_of_statement", "lots"),
        ("envelopes", "followers", "DROP INDEX envelopes_occupants", "envelopes"),
        ("findings", "totals", f"{NO_INDEX}; ALTER TABLE findings DROP CONSTRAINT findings_pkey", "findings"),
        ("findings", "envelopes", f"{NO_INDEX}; ALTER TABLE findings DROP CONSTRAINT findings_pkey", "findings"),
        ("findings", "shared_lots", f"{NO_INDEX}; ALTER TABLE findings DROP CONSTRAINT findings_pkey", "findings"),
        ("outbox", "unpublished", "DROP INDEX outbox_unpublished", "outbox"),
    ],
)
async def test_a_lost_index_is_noticed(  # noqa: PLR0913 - what is planned, how, and what it comes to
    planned: database.Connection, noun: str, name: str, change: str, through: str, *, generic: bool
) -> None:
    await planned.execute(change)
    found = await read_through(planned, sql.statement(noun, name), HOT[noun, name], generic=generic)
    assert any(reading.startswith(through) for reading in found)
