"""How long the registry lock is held while a plant with millions of events moves to another holder."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any

from benchmarks import filling
from benchmarks.sizes import Sizes
from benchmarks.tables import Table, verdict
from monazite.embedded import servers
from monazite_consumers import database, register
from monazite_consumers.decisions.deciding import decide_arrivals
from monazite_consumers.decisions.reading import Sealing, arrival
from monazite_consumers.decisions.redeciding import registry_changed
from monazite_consumers.registry.applying import APPLYING_SESSION, apply, plan
from monazite_consumers.rules.entries import NOUNS
from monazite_consumers.rules.envelopes import Arrival, Coordinate
from monazite_contracts import builders
from monazite_contracts.envelope import record_key, value_hash
from monazite_contracts.partitioner import partition_of
from monazite_contracts.seal import encode_base64url, pae

ENVELOPE, BATCH = 100, 20
KEY = builders.a_signing_key()
WAIT_S_MAX = 5.0
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


async def move(url: str) -> tuple[float, float]:
    """Applies the move; returns how long one that wants to decide had to wait at most, and how long the apply took."""
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
    return wait_s, monotonic() - began


def measure(sizes: Sizes, tell: Callable[[str], None]) -> list[Table]:
    """The table of one move."""
    with servers.running(kafka=False) as running:
        try:
            wait_s, apply_s = asyncio.run(_moved(running.addresses.postgres, sizes, tell))
        except Exception as error:
            error.add_note(running.postgres.log_tail())
            raise
    rows = [
        ("longest wait of a decision", f"{wait_s:.2f} s", f"at most {WAIT_S_MAX:g} s", _word(wait_s)),
        ("the whole apply", f"{apply_s:.2f} s", "", ""),
    ]
    note = (
        f"A plant with {sizes.full_events:,} events moves to another holder in the middle of the year, while a second"
        " connection asks for the decision's lock all the time. It does not grow with the events: a move sums days"
        " again and reads no event. Every gram moved with the plant."
    )
    return [Table("A registry change while decisions wait", ("", "measured", "target", ""), rows, (note,))]


def _word(wait_s: float) -> str:
    return verdict(wait_s, WAIT_S_MAX, at_most=True)


async def _moved(url: str, sizes: Sizes, tell: Callable[[str], None]) -> tuple[float, float]:
    """Fills, moves, and checks that every gram moved with the plant."""
    await database.migrate(url)
    connection = await database.connect(url, APPLYING_SESSION | {"statement_timeout": "0"})
    planned = await plan(connection, entries(moved=False))

    async def on_change(inside: Any, before: Any, after: Any, _: Any) -> None:
        await registry_changed(inside, before, after)

    await apply(connection, planned, "benchmark", datetime.now(UTC), on_change)
    await fill(connection, sizes.filled_from)
    await filling.multiply(connection, sizes.full_events // sizes.filled_from - 1, tell)
    found = await move(url)
    drawn = {row["holder"]: row["drawn_g"] for row in await connection.fetch("SELECT holder, drawn_g FROM caps")}
    total = await connection.fetchval("SELECT sum(drawn_g) FROM draw_days WHERE basis = 'output'")
    assert sum(drawn.values()) == total, "a gram was lost in the move"
    assert drawn["holder-b"] > 0
    await connection.close()
    return found
