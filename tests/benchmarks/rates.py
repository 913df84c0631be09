"""How many events a second each contender makes durable, in interleaved rounds on fresh servers."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from benchmarks.contenders import CONTENDERS, OURS_1, OURS_50, SLOW, Measured, Ours, Peer
from benchmarks.sizes import Sizes
from benchmarks.tables import Table, spread, verdict
from benchmarks.world import World

Tell = Callable[[str], None]

TARGETS = (
    (OURS_50.name, "a", 60.0),
    (OURS_50.name, "b", 30.0),
    (OURS_50.name, "c", 1.2),
    (OURS_50.name, "d", 0.2),
    (OURS_1.name, "a", 30.0),
    (OURS_1.name, "b", 15.0),
)
INTAKE_BYTES_MAX = 200_000_000

LONGER_US = 2_400
"""How much longer each flush takes, so that (b) comes to about the 335 events/s that it made where the targets were
set."""

Rounds = dict[str, list[Measured]]


def measure(world: World, sizes: Sizes, tell: Tell) -> list[Table]:
    """The tables of rates, ratios and what a run takes."""
    rounds = _rounds(CONTENDERS, world, sizes, tell)
    return [_rates(rounds, (_NOTE,)), _ratios(rounds, TARGETS), *footprint(rounds)]


def with_slower_flushes(world: World, sizes: Sizes, tell: Tell) -> list[Table]:
    """The same for those whose rate hangs on the disk, where each flush takes longer than here."""
    contenders = [each for each in CONTENDERS if each.name in {*SLOW, OURS_50.name, OURS_1.name}]
    rounds = _rounds(contenders, world, sizes, tell, {"commit_delay": f"{LONGER_US}", "commit_siblings": "0"})
    targets = [target for target in TARGETS if target[1] in SLOW]
    note = f"Each flush of the log waits {LONGER_US / 1_000:g} ms first (`commit_delay`), for everybody."
    return [_rates(rounds, (note,)), _ratios(rounds, targets)]


def _rounds(
    contenders: Sequence[Peer | Ours],
    world: World,
    sizes: Sizes,
    tell: Tell,
    settings: Mapping[str, str] | None = None,
) -> Rounds:
    rounds: Rounds = defaultdict(list)
    few = world.first(sizes.slow_events)
    for number in range(1, sizes.rounds + 1):
        for contender in contenders:
            measured = contender.measure(few if contender.name in SLOW else world, settings)
            rounds[contender.name].append(measured)
            tell(f"round {number}, {contender.name}: {measured.rate:,.0f} events/s")
    return rounds


_NOTE = (
    "Interleaved rounds, each run on fresh servers; median (range). The clock runs from the commit that ends the first"
    " tenth of the events to the last commit. Every run is exact: each message and event once, each cap to the gram,"
    " the same alerts."
)


def _rates(rounds: Rounds, notes: Sequence[str]) -> Table:
    rows = [
        (
            contender.name,
            contender.title,
            f"{found[0].events:,}",
            f"{found[0].messages:,}",
            spread([each.rate for each in found]),
        )
        for contender in CONTENDERS
        if (found := rounds.get(contender.name))
    ]
    return Table("Rates", ("", "contender", "events", "messages", "events/s"), rows, notes)


def _ratios(rounds: Rounds, targets: Sequence[tuple[str, str, float]]) -> Table:
    rows = []
    for ours, peer, target in targets:
        ratios = [mine.rate / theirs.rate for mine, theirs in zip(rounds[ours], rounds[peer], strict=True)]
        word = verdict(median(ratios), target)
        rows.append((f"{ours} / {peer}", spread(ratios, ".2f"), f"at least {target:g}", word))
    return Table("Ratios, taken within each round", ("", "measured", "target", ""), rows)


def footprint(rounds: Rounds) -> list[Table]:
    """Peak memory, disk and log while catching up with the whole backlog."""
    rows = []
    for name in (OURS_50.name, OURS_1.name):
        found = rounds[name]
        for process in found[0].peak_bytes:
            peak = max(each.peak_bytes[process] for each in found)
            is_intake = process == "intake"
            word = verdict(peak, INTAKE_BYTES_MAX, at_most=True) if is_intake else ""
            rows.append((name, process, f"{peak / 1e6:,.0f} MB", "at most 200 MB" if is_intake else "", word))
    memory = Table("Peak resident memory while catching up", ("", "process", "VmHWM", "target", ""), rows)
    written = [
        (
            name,
            f"{median(each.disk_bytes / each.events for each in found):,.0f}",
            f"{median(each.wal_bytes / each.events for each in found):,.0f}",
        )
        for name, found in rounds.items()
        if name not in SLOW
    ]
    disk = Table("What an event takes in PostgreSQL", ("", "bytes on disk", "bytes of write-ahead log"), written)
    return [memory, disk]


def memory(world: World, tell: Tell) -> list[Table]:
    """One run of ours with each size of envelope, for memory and disk alone."""
    rounds: Rounds = {}
    for contender in (OURS_50, OURS_1):
        tell(f"{contender.name} catches up with {len(world.said):,} events")
        rounds[contender.name] = [contender.measure(world)]
    return footprint(rounds)
