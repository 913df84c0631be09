"""Our own contender: the services as shipped, each its own process, until everything published is durable."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.alerts import expected
from benchmarks.arena import Arena
from benchmarks.commits import Commit
from benchmarks.waiting import Progress
from benchmarks.world import YEAR, World
from monazite import stack
from monazite.embedded import children
from monazite.embedded.children import Child

RULES = ["cap-80", "cap-95", "cap-100", "cap-overrun", "cap-overrun-then", "claimed-reo"]
"""What the peers raise too."""

SERVICES = ("intake", "relay", "watch", "custody")

COMMITS = """
SELECT extract(epoch FROM pg_xact_commit_timestamp(l.xmin))::float8 AS at, sum(e.events)::integer AS events
FROM ledger l JOIN envelopes e USING (message) WHERE l.message > $1 GROUP BY l.xmin ORDER BY 1
"""


@contextmanager
def serving(arena: Arena, services: Sequence[str] = SERVICES) -> Iterator[list[Child]]:
    """Runs services with shipped settings, as `monazite up` does."""
    started = arena.servers
    programs = []
    for number, name in enumerate(services):
        port_file = started.folder.run / f"{name}-{number}.port"
        where = {"MONAZITE_DATABASE__URL": arena.dsn}
        programs.append(stack.program(name, f"{name}-{number}", started, port_file, where))
    with children.running(programs, started.folder.run) as processes:
        yield processes


def received(arena: Arena) -> int:
    """Messages that the positions account for."""
    return int(arena.ask("SELECT coalesce(sum(received), 0)::bigint FROM intake_positions"))


def until_received(arena: Arena, messages: int, processes: Sequence[Child]) -> None:
    """Waits until so many messages are decided."""
    progress = Progress(processes)
    while (seen := received(arena)) < messages:
        progress.note(seen)


def commits(arena: Arena, after: int = 0) -> list[Commit]:
    """When how many events became durable, of messages numbered above `after`."""
    return [Commit(row["at"], row["events"]) for row in arena.rows(COMMITS, after)]


def require_exact(arena: Arena, world: World, messages: int) -> None:
    """Raises AssertionError unless every message and every gram is there once, and every alert is raised."""
    kept, applied = arena.rows("SELECT (SELECT count(*) FROM ledger), count(*) FROM events WHERE outcome = 'applied'")[
        0
    ]
    assert (kept, applied) == (messages, len(world.said)), (kept, applied, messages, len(world.said))
    found = arena.rows("SELECT holder, kind, drawn_g FROM caps WHERE year = $1 AND drawn_g <> 0", YEAR)
    drawn_g = {(row["holder"], row["kind"]): row["drawn_g"] for row in found}
    assert drawn_g == world.drawn_g, {cap: (drawn_g.get(cap), grams) for cap, grams in world.drawn_g.items()}
    raised = arena.rows("SELECT rule, subject, period FROM alerts WHERE condition = 'raised' AND rule = ANY($1)", RULES)
    assert {tuple(row) for row in raised} == expected(world)
