"""How long the registry lock is held while a plant with millions of events moves to another holder.

    python tests/benchmarks/move_plant.py --events 5000000

Real PostgreSQL, the shipped deciding transaction, the shipped apply. Prints one row; docs/performance.md keeps it.
"""

import argparse
import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any

import asyncpg

from monazite.embedded import servers
from monazite_consumers import database, register
from monazite_consumers.decisions.deciding import decide_arrivals
from monazite_consumers.decisions.reading import Sealing, arrival
from monazite_consumers.decisions.redeciding import registry_changed
from monazite_consumers.registry.applying import APPLYING_SESSION, apply, plan
from monazite_consumers.rules.envelopes import Arrival, Coordinate
from monazite_consumers.rules.registry import NOUNS
from monazite_contracts import builders
from monazite_contracts.envelope import record_key, value_hash
from monazite_contracts.partitioner import partition_of
from monazite_contracts.seal import encode_base64url, pae

ENVELOPE, BATCH = 100, 20
KEY = builders.a_signing_key()
FIRST_DAY, MOVED_ON = date(2023, 1, 1), date(2023, 7, 1)


def entries(*, moved: bool) -> list[tuple[str, Any]]:
    """Two holders with caps; the plant is the first one's, or from July on the second one's."""
    operations: list[dict[str, Any]] = [{"plant": builders.MINE, "enterprise": "holder-a", "since": "2020-01-01"}]
    if moved:
        operations[0]["until"] = f"{MOVED_ON}"
        operations.append({"plant": builders.MINE, "enterprise": "holder-b", "since": f"{MOVED_ON}"})
    declared: dict[str, list[dict[str, Any]]] = {
        "enterprises": [{"code": code, "name": code} for code in ("holder-a", "holder-b")],
        "plants": [{"code": builders.MINE, "name": "mine", "province": "nei-mongol"}],
        "operations": operations,
        "gateway_keys": [
            {
                "id": builders.KEY_ID,
                "plant": builders.MINE,
                "gateway": "gw-1",
                "public": encode_base64url(bytes(KEY.verify_key)),
                "since": "2020-01-01T00:00:00Z",
            }
        ],
        "approvals": [{"enterprise": "holder-a", "activity": "mining", "since": "2020-01-01"}],
        "allocations": [
            {
                "decision": "bench",
                "batch": "1",
                "year": 2023,
                "holder": holder,
                "kind": "mining_rock",
                "issued_on": "2023-01-01",
                "tonnes_reo": 1_000_000_000,
                "evidence": "invented",
                "invented": True,
            }
            for holder in ("holder-a", "holder-b")
        ],
    }
    return [(noun, NOUNS[noun].model_validate(entry)) for noun, found in declared.items() for entry in found]


def envelopes(events: int) -> Iterator[bytes]:
    """The year's production of one plant, in chained envelopes."""
    previous = None
    for sequence, start in enumerate(range(0, events, ENVELOPE), start=1):
        made = []
        for number in range(start, min(start + ENVELOPE, events)):
            day = FIRST_DAY + timedelta(days=number * 365 // events)
            period = {"start": f"{day}T00:00:00+08:00", "end": f"{day}T12:00:00+08:00"}
            made.append(builders.a_production(record=f"N{number}", period=period))
        value = builders.an_envelope(made, sequence=sequence, previous=previous)
        previous = value_hash(value)
        yield value


async def fill(connection: database.Connection, events: int) -> None:
    """Decides them all."""
    registry = await register.load(connection)
    key = record_key(builders.MINE, "gw-1")
    partition = partition_of(key, 6)
    batch: list[tuple[Arrival, Any]] = []
    for offset, value in enumerate(envelopes(events)):
        seal = Sealing(builders.KEY_ID, KEY.sign(pae(value)).signature, None)
        at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(milliseconds=offset)
        batch.append((arrival(Coordinate(at, "plant-production", partition, 1, offset), key, seal, value), None))
        if len(batch) == BATCH:
            await decide(connection, registry, batch)
            batch = []
    if batch:
        await decide(connection, registry, batch)


async def decide(connection: database.Connection, registry: Any, batch: list[tuple[Arrival, Any]]) -> None:
    """One transaction."""
    async with connection.transaction():
        await decide_arrivals(connection, registry, batch)


async def move(url: str) -> float:
    """Applies the move; returns how long a decision would have had to wait, as one that waits sees it."""
    connection = await database.connect(url, APPLYING_SESSION)
    waiting = await database.connect(url, APPLYING_SESSION)
    wait_s = 0.0

    async def on_change(inside: Any, before: Any, after: Any, _: Any) -> None:
        await registry_changed(inside, before, after)

    planned = await plan(connection, entries(moved=True))
    began = monotonic()
    applying = asyncio.create_task(apply(connection, planned, "bench", datetime.now(UTC), on_change))
    await asyncio.sleep(0)
    while not applying.done():
        asked = monotonic()
        async with waiting.transaction():
            await waiting.execute("SELECT pg_advisory_xact_lock_shared($1)", database.REGISTRY_LOCK)
        wait_s = max(wait_s, monotonic() - asked)
        await asyncio.sleep(0.001)
    await applying
    print(f"apply took {monotonic() - began:.2f} s in all")
    return wait_s


async def bench(url: str, events: int) -> None:
    """Fills, moves, and checks that every gram moved with the plant."""
    await database.migrate(url)
    connection = await database.connect(url)
    planned = await plan(connection, entries(moved=False))

    async def on_change(inside: Any, before: Any, after: Any, _: Any) -> None:
        await registry_changed(inside, before, after)

    await apply(connection, planned, "bench", datetime.now(UTC), on_change)
    began = monotonic()
    await fill(connection, events)
    print(f"{events:,} events decided at {events / (monotonic() - began):,.0f} events/s")
    wait_s = await move(url)
    drawn = {row["holder"]: row["drawn_g"] for row in await connection.fetch("SELECT holder, drawn_g FROM caps")}
    total = await connection.fetchval("SELECT sum(drawn_g) FROM draw_days WHERE basis = 'output'")
    assert sum(drawn.values()) == total, "a gram was lost in the move"
    assert drawn["holder-b"] > 0
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    print(f"decisions waited at most {wait_s:.2f} s while a plant with {events:,} events moved")
    print(f"{size / events:,.0f} bytes an event on disk")


def main() -> None:
    """Parses and runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000_000)
    arguments = parser.parse_args()
    with servers.running(kafka=False) as running:
        try:
            asyncio.run(bench(running.addresses.postgres, arguments.events))
        except asyncpg.PostgresError:
            print(running.postgres.log_tail())
            raise


if __name__ == "__main__":
    main()
