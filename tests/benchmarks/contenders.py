"""Who is measured, each on fresh servers with everything published before it starts, and checked to the gram."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import alerts, arena, ours, usage, waiting
from benchmarks.arena import Arena
from benchmarks.commits import Commit, rate
from benchmarks.world import YEAR, World, holders_of
from monazite.embedded import children
from monazite.embedded.children import Child, Program

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Measured:
    """One run. `peak_bytes` by process; `disk_bytes` and `wal_bytes` are what the run added."""

    events: int
    messages: int
    rate: float
    peak_bytes: Mapping[str, int]
    disk_bytes: int
    wal_bytes: int


@dataclass(frozen=True)
class Peer:
    """One of the usual ways."""

    name: str
    title: str
    module: str
    schema: str = "schema.sql"
    decides: bool = True

    @property
    def place(self) -> str:
        """The schema of its tables, and its consumer group."""
        return f"peer_{self.name}"

    def measure(self, world: World, settings: Mapping[str, str] | None = None) -> Measured:
        """One run on fresh servers; `settings` are further ones of PostgreSQL."""
        with arena.opened(world, settings) as opened:
            return self.run(opened, world, opened.publish(world.bare()))

    def run(self, opened: Arena, world: World, messages: int) -> Measured:
        """Works through what is published, on tables of its own."""
        self._prepare(opened, world)
        with _weighed(opened) as weighed, self._running(opened) as child:
            self._until_kept(opened, messages, child)
            peaks = {self.name: usage.peak_bytes(child.pid)}
        self.require_exact(opened, world)
        return Measured(len(world.said), messages, rate(self._commits(opened)), peaks, *weighed())

    def _prepare(self, opened: Arena, world: World) -> None:
        opened.execute(f"CREATE SCHEMA {self.place}; SET search_path = {self.place}")
        opened.execute((PEERS / self.schema).read_text())
        opened.execute("CREATE TABLE plants (plant text PRIMARY KEY, holders text[] NOT NULL)")
        for plant, holders in holders_of(world.registry).items():
            opened.rows("INSERT INTO plants VALUES ($1, $2)", plant, list(holders))
        if self.decides:
            for (holder, kind), issued in alerts.grants(world).items():
                granted_g, first_g = sum(grams for _, grams in issued), issued[0][1]
                opened.rows("INSERT INTO caps VALUES ($1, $2, $3, $4, $5)", holder, YEAR, kind, granted_g, first_g)
                for day, grams in issued:
                    opened.rows("INSERT INTO grants VALUES ($1, $2, $3, $4, $5)", holder, YEAR, kind, day, grams)
        opened.execute("RESET search_path")

    def _until_kept(self, opened: Arena, messages: int, child: Child) -> None:
        # The sequence tells cheaply how far it is; the rows are counted when they should all be there.
        numbered = f"SELECT coalesce(pg_sequence_last_value('{self.place}.ledger_message_seq'), 0)"
        kept = f"SELECT count(*) FROM {self.place}.ledger"
        progress = waiting.Progress([child])
        while (seen := opened.ask(numbered)) < messages or opened.ask(kept) < messages:
            progress.note(seen)

    def _commits(self, opened: Arena) -> list[Commit]:
        rows = opened.rows(
            "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 AS at, count(*)::integer AS events"
            f" FROM {self.place}.ledger GROUP BY xmin"
        )
        return [Commit(row["at"], row["events"]) for row in rows]

    @contextmanager
    def _running(self, opened: Arena) -> Iterator[Child]:
        folder = opened.servers.folder
        dsn = f"{opened.dsn}?options=-csearch_path%3D{self.place}"
        program = Program(
            name=self.name,
            argv=(sys.executable, "-m", f"benchmarks.peers.{self.module}", opened.kafka, dsn, self.place),
            log=folder.logs / f"{self.name}.log",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        with children.running([program], folder.run) as (child,):
            yield child

    def require_exact(self, opened: Arena, world: World) -> None:
        """Raises AssertionError unless every event and every gram is there once, and every alert is raised."""
        counts = opened.rows(f"SELECT (SELECT count(*) FROM {self.place}.ledger), count(*) FROM {self.place}.events")[0]
        assert tuple(counts) == (len(world.said), len(world.said)), (*counts, len(world.said))
        if self.decides:
            found = opened.rows(f"SELECT holder, kind, drawn_g FROM {self.place}.caps WHERE drawn_g <> 0")
            assert {(row["holder"], row["kind"]): row["drawn_g"] for row in found} == world.drawn_g
            raised = opened.rows(f"SELECT rule, subject, period FROM {self.place}.alerts")
            assert {tuple(row) for row in raised} == alerts.expected(world)


@dataclass(frozen=True)
class Ours:
    """The services as shipped."""

    name: str
    title: str
    per: int
    services: Sequence[str] = ours.SERVICES

    def measure(self, world: World, settings: Mapping[str, str] | None = None) -> Measured:
        """One run on fresh servers; `settings` are further ones of PostgreSQL."""
        with arena.opened(world, settings) as opened:
            return self.run(opened, world, opened.publish(world.sealed(self.per)))

    def run(self, opened: Arena, world: World, messages: int) -> Measured:
        """Works through what is published."""
        with _weighed(opened) as weighed, ours.serving(opened, self.services) as processes:
            ours.until_received(opened, messages, processes)
            peaks = {child.name.partition("-")[0]: usage.peak_bytes(child.pid) for child in processes}
        ours.require_exact(opened, world, messages)
        return Measured(len(world.said), messages, rate(ours.commits(opened)), peaks, *weighed())


TUTORIAL = Peer("a", "FastStream as in its tutorial, a transaction an event", "tutorial")
PLAIN = Peer("b", "aiokafka, a transaction an event", "plain")
BATCHED = Peer("c", "FastStream in batches, decoded models, set-based SQL", "batched")
RAW = Peer("d", "the limit: raw records, COPY of the same rows", "raw", "limit.sql", decides=False)
OURS_50 = Ours("ours-50", "monazite, envelopes of 50", 50)
OURS_1 = Ours("ours-1", "monazite, envelopes of 1", 1)
CONTENDERS: tuple[Peer | Ours, ...] = (TUTORIAL, PLAIN, BATCHED, RAW, OURS_50, OURS_1)

SLOW = frozenset({"a", "b"})
"""They reach hundreds of events a second: fewer events tell their rate as well."""


@contextmanager
def _weighed(opened: Arena) -> Iterator[Callable[[], tuple[int, int]]]:
    """What a run adds to the database's files and to the write-ahead log."""
    size = "SELECT pg_database_size(current_database()), pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"
    disk, wal = opened.rows(size)[0]

    def added() -> tuple[int, int]:
        disk_now, wal_now = opened.rows(size)[0]
        return disk_now - disk, wal_now - wal

    yield added
