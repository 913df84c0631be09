"""Two members of intake against one, on the same events; and whether they ever block each other for good."""

from collections.abc import Callable
from statistics import median
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from benchmarks import arena, ours
from benchmarks.arena import Arena
from benchmarks.commits import rate
from benchmarks.sizes import Sizes
from benchmarks.tables import Table, spread, verdict
from benchmarks.waiting import Progress
from benchmarks.world import World
from monazite_consumers.database import REGISTRY_LOCK
from monazite_consumers.settings import IntakeSettings

TARGET = 0.9
PER = 50


def measure(world: World, sizes: Sizes, tell: Callable[[str], None]) -> list[Table]:
    """The table of one against two."""
    found: dict[int, list[tuple[float, int]]] = {1: [], 2: []}
    for number in range(1, sizes.rounds + 1):
        for members, runs in found.items():
            runs.append(run(world, members))
            tell(f"round {number}, {members} members: {runs[-1][0]:,.0f} events/s")
    ratios = [two / one for (one, _), (two, _) in zip(found[1], found[2], strict=True)]
    deadlocks = sum(dead for each in found.values() for _, dead in each)
    rows = [
        ("one member", f"{spread([each for each, _ in found[1]])} events/s", "", ""),
        ("two members", f"{spread([each for each, _ in found[2]])} events/s", "", ""),
        ("two / one", spread(ratios, ".2f"), f"at least {TARGET}", verdict(median(ratios), TARGET)),
        ("deadlocks", f"{deadlocks}", "never", verdict(deadlocks, 0, at_most=True)),
    ]
    note = (
        f"{len(world.said):,} events in envelopes of {PER}, intake, relay and watch, without custody, on fresh servers."
        " The members have their partitions before anything is published, and are held by the registry's lock"
        " until all is."
    )
    return [Table("Members", ("", "measured", "target", ""), rows, (note,))]


def run(world: World, members: int) -> tuple[float, int]:
    """Events a second, and deadlocks."""
    services = (*["intake"] * members, "relay", "watch")
    with arena.opened(world) as opened:
        with ours.serving(opened, services) as processes:
            _until_assigned(opened, Progress(processes), members)
            opened.rows("SELECT pg_advisory_lock($1)", REGISTRY_LOCK)
            messages = opened.publish(world.sealed(PER))
            opened.rows("SELECT pg_advisory_unlock($1)", REGISTRY_LOCK)
            ours.until_received(opened, messages, processes)
        ours.require_exact(opened, world, messages)
        counted = opened.ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        logged = (opened.servers.folder.logs / "postgres.log").read_text(errors="replace").count("deadlock detected")
        return rate(ours.commits(opened)), max(counted, logged)


def _until_assigned(opened: Arena, progress: Progress, members: int) -> None:
    """Every member of the group has its partitions."""
    while (seen := opened.runner.run(_assigned(opened.kafka))) != members:
        progress.note(seen)


async def _assigned(bootstrap: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described: Any = await admin.describe_consumer_groups([IntakeSettings().group])
        _, _, state, _, _, found, *_ = described[0].groups[0]
        return sum(bool(member[4]) for member in found) if state == "Stable" else 0
    finally:
        await admin.close()
