"""The rate with millions of events in the ledger against the rate when it is empty, on the same events in turns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from benchmarks import arena, filling, ours
from benchmarks.arena import Arena
from benchmarks.commits import rate
from benchmarks.sizes import Sizes
from benchmarks.tables import Table, spread, verdict
from benchmarks.world import YEAR, World

TARGET = 0.8
PER = 50
SERVICES = ("intake",)
"""Alone: the relay and the watch do the same whether the ledger is empty or full."""

AMPLE_T = 900_000_000
"""Grants that nothing here reaches, so that the empty and the full ledger have the same alerts to tell."""

SIZES = """
SELECT c.relname, pg_total_relation_size(c.oid) AS bytes FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY 2 DESC LIMIT 5
"""
AT_ENDS = """
INSERT INTO intake_positions (topic, partition, start_offset, next_offset)
SELECT topic, partition, next_offset, next_offset FROM unnest($1::text[], $2::integer[], $3::bigint[])
  AS k (topic, partition, next_offset)
"""


@dataclass(frozen=True)
class Round:
    """One round's rates."""

    empty: float
    full: float


def measure(world: World, sizes: Sizes, tell: Callable[[str], None]) -> list[Table]:
    """The table of empty against full, and where the bytes are."""
    ample = replace(world, registry=_ample(world.registry))
    with arena.opened(ample) as full:
        per_event = _fill(full, ample.part(sizes.filled_from), sizes, tell)
        rounds = []
        for number in range(1, sizes.rounds + 1):
            rounds.append(_round(full, ample.renamed(f"C{number}-"), number))
            tell(f"round {number}: {rounds[-1].empty:,.0f} events/s when empty, {rounds[-1].full:,.0f} when full")
    return [_table(rounds, sizes, len(world.said)), *per_event]


def _ample(registry: Mapping[str, Any]) -> dict[str, Any]:
    return dict(registry) | {
        "allocations": [entry | {"tonnes_reo": AMPLE_T} for entry in registry["allocations"]],
    }


def _fill(full: Arena, base: World, sizes: Sizes, tell: Callable[[str], None]) -> list[Table]:
    empty_bytes = full.ask("SELECT pg_database_size(current_database())")
    messages = full.publish(base.renamed("B").sealed(PER, "base"))
    with ours.serving(full, SERVICES) as processes:
        ours.until_received(full, messages, processes)
    full.execute("TRUNCATE outbox")  # what was to be told has been told long ago
    full.runner.run(filling.multiply(full.connection, sizes.full_events // len(base.said) - 1, tell))
    events = full.ask("SELECT count(*) FROM events")
    size = full.ask("SELECT pg_database_size(current_database())")
    rows = [(row["relname"], f"{row['bytes'] / events:,.0f}") for row in full.rows(SIZES)]
    rows = [("everything", f"{(size - empty_bytes) / events:,.0f}"), *rows]
    return [Table(f"Bytes an event on disk, with {events:,} events", ("table with its indexes", "bytes"), rows)]


def _round(full: Arena, world: World, number: int) -> Round:
    """The same published events, into a fresh database and into the full one; who is first changes each round."""
    ends = full.rows("SELECT topic, partition, next_offset FROM intake_positions WHERE log_generation = 1")
    messages = full.publish(world.sealed(PER, f"round-{number}"))
    if number % 2:
        empty = _rate_empty(full, world, messages, ends)
        return Round(empty, _rate_full(full, world, messages))
    filled = _rate_full(full, world, messages)
    return Round(_rate_empty(full, world, messages, ends), filled)


def _rate_empty(full: Arena, world: World, messages: int, ends: list[Any]) -> float:
    with arena.another(full, "empty", world.registry) as empty:
        empty.rows(AT_ENDS, *map(list, zip(*[tuple(row) for row in ends], strict=True)))
        with ours.serving(empty, SERVICES) as processes:
            ours.until_received(empty, messages, processes)
        ours.require_exact(empty, world, messages)
        return rate(ours.commits(empty))


def _rate_full(full: Arena, world: World, messages: int) -> float:
    newest, received = full.ask("SELECT max(message) FROM ledger"), ours.received(full)
    before = _drawn(full)
    with ours.serving(full, SERVICES) as processes:
        ours.until_received(full, received + messages, processes)
    after = _drawn(full)
    assert {cap: after[cap] - before.get(cap, 0) for cap in world.drawn_g} == world.drawn_g
    return rate(ours.commits(full, newest))


def _drawn(full: Arena) -> dict[tuple[str, str], int]:
    rows = full.rows("SELECT holder, kind, drawn_g FROM caps WHERE year = $1", YEAR)
    return {(row["holder"], row["kind"]): row["drawn_g"] for row in rows}


def _table(rounds: list[Round], sizes: Sizes, events: int) -> Table:
    ratios = [each.full / each.empty for each in rounds]
    rows = [
        ("empty", f"{spread([each.empty for each in rounds])} events/s", "", ""),
        (f"{sizes.full_events:,} events", f"{spread([each.full for each in rounds])} events/s", "", ""),
        ("full / empty", spread(ratios, ".2f"), f"at least {TARGET}", verdict(median(ratios), TARGET)),
    ]
    decided = min(sizes.filled_from, events)
    note = (
        f"{events:,} events in envelopes of {PER} a round, intake alone, both databases on one PostgreSQL, in turns."
        f" {decided:,} of the full ledger's events were decided by intake; the others are the same rows under other"
        " ids, hashes and lots, multiplied in SQL, then vacuumed, analysed and checkpointed."
    )
    return Table("A grown ledger", ("ledger", "measured", "target", ""), rows, (note,))
