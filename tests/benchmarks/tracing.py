"""How long a trace takes, up and down, in a ledger of millions of lots that are made of each other."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from time import perf_counter

import uvloop

from benchmarks.sizes import Sizes
from benchmarks.tables import Table, verdict
from monazite.commands.trace_screens import documented
from monazite.embedded import servers
from monazite_consumers import database
from monazite_consumers.app import GARBAGE_AFTER
from monazite_consumers.registry.applying import APPLYING_SESSION
from monazite_consumers.rules.sharing import WHOLE
from monazite_consumers.tracing.chain import snapshot, trace
from monazite_consumers.tracing.papers import papers
from monazite_consumers.tracing.whereabouts import whereabouts

P99_MS = 100.0
LEVELS = 12
WIDTH = 450
"""Lots at a level that are made of each other: as many as give 3,000 ancestors after twelve levels."""

ANCESTORS_MIN = 3_000
PARENTS = (2, 6)
WARM_UP = 100

LOTS = """
CREATE UNLOGGED TABLE bench_lots AS
SELECT n AS id, n / ($2 * $3) AS level, n % ($2 * $3) % $3 AS block, n % ($2 * $3) / $3 AS place,
       'plant-' || n % 97 AS plant, 'plant-' || n % 97 || '/' || upper(left(md5(n::text), 12)) AS lot,
       1000000 + abs(hashint8(n)) % 20000000 AS net_g
FROM generate_series(0, ($1 + 1) * $2 * $3 - 1) AS n
"""
"""$1: levels, $2: width, $3: blocks. Lots of one block are far apart in every table and index."""

FILL = (
    """
INSERT INTO moves (message, index, line, plant, lot, kind, step, at, net_g, product, origin, reo_g)
SELECT id + 1, 0, 0, plant, lot, 'made', CASE level WHEN 0 THEN 'mined' ELSE 'separated' END,
       '2023-01-01'::timestamptz + level * interval '20 days', net_g, 'ndpr-oxide', 'domestic', net_g / 2
FROM bench_lots ORDER BY id
""",
    """
INSERT INTO moves (message, index, line, plant, lot, kind, step, at, net_g, product, origin, reo_g, into_lot)
SELECT c.id + 1, 0, k.line, c.plant, p.lot, 'used', 'separated',
       '2023-01-01'::timestamptz + c.level * interval '20 days', 100000 + abs(hashint8(c.id * 8 + k.line)) % 900000,
       'ndpr-oxide', 'domestic', 100000, c.lot
FROM bench_lots c
CROSS JOIN LATERAL generate_series(1, 2 + abs(hashint8(c.id * 16 + 7)) % 5) AS k (line)
JOIN bench_lots p ON p.id = (c.level - 1) * $1 * $2
    + CASE k.line WHEN 1 THEN (c.place + 1) % $1 ELSE abs(hashint8(c.id * 32 + k.line)) % $1 END * $2 + c.block
WHERE c.level > 0
""",
    """
INSERT INTO moves (message, index, line, plant, lot, kind, step, at, net_g, product, shipment)
SELECT id + 1 + d.ahead * (SELECT count(*) FROM bench_lots), 0, 0, 'plant-' || (id + d.ahead) % 97, lot, d.kind, '',
       '2023-01-10'::timestamptz + level * interval '20 days', net_g, 'ndpr-oxide', plant || '/W-' || id
FROM bench_lots CROSS JOIN (VALUES (1, 'dispatched'), (2, 'received')) AS d (ahead, kind) WHERE id % 2 = 0
""",
    """
INSERT INTO shipments (shipment, consignor, waybill, consignee, state, lines)
SELECT plant || '/W-' || id, plant, 'W-' || id, 'plant-' || (id + 2) % 97, 'received', '[]'
FROM bench_lots WHERE id % 2 = 0
""",
    """
INSERT INTO stated (message, index, noun, key, plant, type, at, arrived_at, data)
SELECT m.message, 0, 'shipment', m.shipment, m.plant, 'Dispatched', m.at, m.at, jsonb_build_object(
    'waybill', split_part(m.shipment, '/', 2), 'end_use', 'smelting', 'dispatched_at', m.at,
    'lines', jsonb_build_array(jsonb_build_object('lot', m.lot, 'product', m.product, 'net_mass_kg', m.net_g / 1000.0)))
FROM moves m WHERE m.kind = 'dispatched'
""",
    """
INSERT INTO holdings (lot, plant, kind, net_g, moves)
SELECT lot, plant, kind, sum(net_g)::bigint, count(*) FROM moves GROUP BY lot, plant, kind ORDER BY lot
""",
    """
INSERT INTO events (message, index, plant, event_id, hash, type, event_time, outcome, effective, test)
SELECT DISTINCT ON (message, index) message, index, plant, md5(message::text)::uuid, sha256(int8send(message)),
       'production', at, 'applied', true, false
FROM moves
""",
    """
INSERT INTO lot_states (lot, plant, product, origin, net_g, reo_g, broken, depth, used_g)
SELECT lot, plant, 'ndpr-oxide', 'domestic', b.net_g, b.net_g / 2, NULL, level, coalesce(u.net_g, 0)
FROM bench_lots b LEFT JOIN (
    SELECT into_lot AS lot, sum(net_g)::bigint AS net_g FROM moves WHERE into_lot IS NOT NULL GROUP BY into_lot
) AS u USING (lot)
""",
)
"""$1: width, $2: blocks, of the second: the first parent so that every lot goes on, the others by chance."""

INDEXES = """
SELECT indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename IN ('moves', 'events', 'stated') AND indexname NOT LIKE '%_pkey'
"""


@dataclass(frozen=True)
class Ledger:
    """How many lots: so many blocks of `levels` + 1 levels of `width` lots, each made of lots one level up."""

    lots: int
    levels: int = LEVELS
    width: int = WIDTH

    @property
    def blocks(self) -> int:
        """As many as hold that many lots."""
        return -(-self.lots // ((self.levels + 1) * self.width))


@dataclass(frozen=True)
class Timed:
    """Traces in one direction: how long each took, alone and with all that a terminal shows, in ms."""

    trace_ms: list[float]
    shown_ms: list[float]
    lots: list[int]


def measure(sizes: Sizes, tell: Callable[[str], None]) -> list[Table]:
    """The table of traces."""
    with servers.running(kafka=False) as running, _as_a_service() as runner:
        return runner.run(measured(running.addresses.postgres, Ledger(sizes.trace_lots), sizes.trace_queries, tell))


@contextmanager
def _as_a_service() -> Iterator[asyncio.Runner]:
    """The event loop of the services, and cycles looked for as rarely."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        yield runner
    gc.set_threshold(*before)
    gc.unfreeze()


async def measured(url: str, ledger: Ledger, queries: int, tell: Callable[[str], None]) -> list[Table]:
    """Fills an empty database, and times."""
    await database.migrate(url)
    filling = await database.connect(url, APPLYING_SESSION | {"statement_timeout": "0"})
    await fill(filling, ledger, tell)
    moves = await filling.fetchval("SELECT count(*) FROM moves")
    found = {down: await timed(filling, url, ledger, queries, down=down) for down in (False, True)}
    await filling.close()
    if ledger.width >= WIDTH:
        assert min(n for each in found.values() for n in each.lots) > ANCESTORS_MIN, "fewer lots than the target asks"
    return [_table(found, ledger, moves, queries)]


async def fill(connection: database.Connection, ledger: Ledger, tell: Callable[[str], None]) -> None:
    """The rows that custody would have written, in SQL, and the tables as autovacuum would leave them."""
    await connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '1GB'; SET work_mem = '256MB'")
    indexes = await connection.fetch(INDEXES)
    await connection.execute(";".join(f"DROP INDEX {row['indexname']}" for row in indexes))
    await connection.execute(_given(LOTS, ledger.levels, ledger.width, ledger.blocks))
    await connection.execute("ALTER TABLE bench_lots ADD PRIMARY KEY (id); ANALYZE bench_lots")
    for number, insert in enumerate(FILL, start=1):
        began = perf_counter()
        await connection.execute(_given(insert, ledger.width, ledger.blocks))
        tell(f"filled {number} of {len(FILL)} in {perf_counter() - began:,.0f} s")
    for row in indexes:
        await connection.execute(row["indexdef"])
    for table in ("moves", "holdings", "lot_states", "shipments", "stated", "events"):
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    await connection.execute("CHECKPOINT")
    tell("indexed, vacuumed and analysed")


def _given(text: str, *values: int) -> str:
    """With numbers in their places: a statement whose parameters have no types to be known by."""
    for number, value in enumerate(values, start=1):
        text = text.replace(f"${number}", f"{value}")
    return text


async def timed(connection: database.Connection, url: str, ledger: Ledger, queries: int, *, down: bool) -> Timed:
    """Traces of lots at the last level upwards, or of those at the first downwards, on a session of their own.

    Traces alone first, one after another; then each again with what a terminal shows of it.
    """
    rows = await connection.fetch(
        "SELECT lot FROM bench_lots WHERE level = $1 ORDER BY id", 0 if down else ledger.levels
    )
    chance = Random(2023)  # noqa: S311 - the same lots each time, and no secret
    wanted = chance.choices([row["lot"] for row in rows], k=WARM_UP + queries)
    asking = await database.connect(url)
    found = [await _traced(asking, lot, ledger, down=down) for lot in wanted][WARM_UP:]
    shown_ms = [await _shown(asking, lot, down=down) for lot in wanted][WARM_UP:]
    await asking.close()
    return Timed(sorted(trace_ms for trace_ms, _ in found), sorted(shown_ms), [lots for _, lots in found])


async def _traced(connection: database.Connection, lot: str, ledger: Ledger, *, down: bool) -> tuple[float, int]:
    """How long a trace took, in ms, and how many lots it found."""
    began = perf_counter()
    async with snapshot(connection):
        found = await trace(connection, lot, down=down)
        took_ms = (perf_counter() - began) * 1_000
    assert sum(each.ends for each in found.lots) == WHOLE
    assert not found.breaks
    assert down or found.lots[-1].level == ledger.levels
    return took_ms, len(found.lots) - 1


async def _shown(connection: database.Connection, lot: str, *, down: bool) -> float:
    """How long a trace took with its papers, and downwards where everything is, in ms."""
    began = perf_counter()
    async with snapshot(connection):
        found = await trace(connection, lot, down=down)
        told = await papers(connection, documented(found))
        stays = await whereabouts(connection, found) if down else []
    took_ms = (perf_counter() - began) * 1_000
    assert told
    assert not down or sum(stay.units for stay in stays) == WHOLE
    return took_ms


def _table(found: dict[bool, Timed], ledger: Ledger, moves: int, queries: int) -> Table:
    lots = ledger.blocks * (ledger.levels + 1) * ledger.width
    note = (
        f"{queries} random lots each way, in a ledger of {lots:,} lots with {PARENTS[0]} to {PARENTS[1]} parents each"
        f" over {ledger.levels} levels. Its {moves:,} moves were written straight into the tables in SQL, as custody"
        " would leave them, then vacuumed and analysed; lots of one chain are far apart in all tables. One session of a"
        f" process that runs as services do, after {WARM_UP} traces that are not timed. From the call to the shares of"
        " every lot, exact to the unit, one trace after another. As shown, in a second round: also makers and waybills"
        " of the lots that a terminal shows, without the bytes of their statements, and downwards where each is now."
    )
    return Table("A trace", ("", "lots in it", "p50", "p99", "target", ""), list(_rows(found)), (note,))


def _rows(found: dict[bool, Timed]) -> Iterator[tuple[str, ...]]:
    for down, each in found.items():
        lots = f"{min(each.lots):,} to {max(each.lots):,}"
        for name, times in (("", each.trace_ms), (", as shown", each.shown_ms)):
            p50, p99 = (times[min(len(times) - 1, len(times) * share // 100)] for share in (50, 99))
            target = (f"at most {P99_MS:g} ms", verdict(p99, P99_MS, at_most=True)) if not name else ("", "")
            yield f"{'down' if down else 'up'}{name}", lots, f"{p50:.1f} ms", f"{p99:.1f} ms", *target
