"""Makes a ledger of millions of events out of one that intake has written: the same rows under other names, in SQL."""

from collections.abc import Callable

from monazite_consumers.database import Connection

COPIED = "0"
"""The log generation of the copies: an earlier log, whose positions are closed."""

RENAMED: dict[str, dict[str, str]] = {
    "ledger": {
        "message": "t.message + c.copy * $1",
        "log_generation": COPIED,
        "log_offset": "t.log_offset + (c.copy - 1) * o.length",
        "hash": "sha256(t.hash || c.copy::text::bytea)",
    },
    "envelopes": {
        "message": "t.message + c.copy * $1",
        "sequence": "t.sequence + c.copy * s.length",
        "hash": "sha256(t.hash || c.copy::text::bytea)",
        "previous": "sha256(t.previous || c.copy::text::bytea)",
    },
    "events": {
        "message": "t.message + c.copy * $1",
        "event_id": "gen_random_uuid()",
        "hash": "sha256(t.hash || c.copy::text::bytea)",
    },
    "lots": {
        "message": "t.message + c.copy * $1",
        "lot": "replace(t.lot, '/', '/' || to_char(c.copy, 'FM000') || '-')",
    },
    "findings": {"message": "t.message + c.copy * $1"},
}
"""What of each table's row is another in each copy; every other column is the same."""

JOINED = {
    "ledger": "JOIN bench_logs o USING (topic, partition)",
    "envelopes": "JOIN bench_chains s USING (source)",
}

LENGTHS = """
CREATE TEMP TABLE bench_logs AS SELECT topic, partition, max(log_offset) + 1 AS length FROM ledger GROUP BY 1, 2;
CREATE TEMP TABLE bench_chains AS SELECT source, max(sequence) AS length FROM envelopes GROUP BY 1;
"""

SUMS = """
UPDATE draw_days SET drawn_g = drawn_g * ($1 + 1), original_g = original_g * ($1 + 1), events = events * ($1 + 1);
UPDATE cap_days SET drawn_g = drawn_g * ($1 + 1), original_g = original_g * ($1 + 1);
UPDATE caps SET drawn_g = drawn_g * ($1 + 1), original_g = original_g * ($1 + 1);
UPDATE source_states SET decided = int8multirange(int8range(1, (upper(decided) - 1) * ($1 + 1) + 1));
UPDATE finding_sums SET findings = findings * ($1 + 1), measure = measure * ($1 + 1);
INSERT INTO tallies (topic, partition, log_generation, outcome, messages)
SELECT topic, partition, 0, outcome, messages * $1 FROM tallies;
INSERT INTO intake_positions (topic, partition, log_generation, start_offset, next_offset, received)
SELECT topic, partition, 0, 0, length * $1, length * $1 FROM bench_logs;
SELECT setval('message_numbers', (SELECT max(message) FROM ledger));
"""


async def multiply(connection: Connection, copies: int, tell: Callable[[str], None]) -> None:
    """Adds so many copies of all that is there, keeps the sums in step, and leaves the tables as autovacuum would."""
    newest = await connection.fetchval("SELECT max(message) FROM ledger")
    await connection.execute("SET synchronous_commit = off")
    await connection.execute(LENGTHS)
    for table in RENAMED:
        insert = await _insert(connection, table)
        for copy in range(1, copies + 1):
            await connection.execute(insert, newest, copy)
        tell(f"{table} has {await connection.fetchval(f'SELECT count(*) FROM {table}'):,} rows")
    for sum_up in SUMS.replace("$1", str(copies)).strip().split(";\n"):
        await connection.execute(sum_up)
    await connection.execute("RESET synchronous_commit")
    await connection.execute("VACUUM (ANALYZE)")
    await connection.execute("CHECKPOINT")


async def _insert(connection: Connection, table: str) -> str:
    """One copy of a table's rows, in their order; columns that are not renamed are taken as they are."""
    rows = await connection.fetch(
        "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum",
        table,
    )
    columns = [row["attname"] for row in rows]
    values = [RENAMED[table].get(column, f"t.{column}") for column in columns]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"
        f" FROM {table} t {JOINED.get(table, '')} CROSS JOIN (SELECT $2::integer AS copy) c"
        " WHERE t.message <= $1::bigint ORDER BY t.message"
    )
