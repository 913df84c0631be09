"""Where the time of our intake goes: CPU by process, hot functions, top statements.

    make profile ARGS="--events 50000 --per 1"

Runs ours only, on fresh servers. Rates here are of a sampled process; the benchmark measures without a sampler.
"""

import argparse
import logging
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from time import sleep

from rich.console import Console
from rich.table import Table

from benchmarks import arena, commits, ours, usage, world
from benchmarks.arena import Arena
from monazite.embedded.children import Child

WARM_UP = 0.1
STATEMENTS = """
SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 120) AS query, calls, total_exec_time AS ms, rows, wal_bytes
FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 25
"""
_LINE = re.compile(r":\d+\)$")
console = Console(width=180)


def main() -> None:
    """Parses and runs."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # fresh topics have no leaders for a moment: it retries
    arguments = _arguments()
    out = Path(arguments.out or mkdtemp(prefix="monazite-profile-"))
    out.mkdir(parents=True, exist_ok=True)
    made = world.simulated(arguments.events)
    settings = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "'all'"}
    if arguments.explain:
        settings = _explaining(arguments.explain)
    with arena.opened(made, settings) as opened:
        opened.execute("CREATE EXTENSION pg_stat_statements")
        messages = opened.publish(made.sealed(arguments.per))
        _profile(opened, made, messages, arguments, out)
        if arguments.explain:
            shutil.copy(opened.servers.folder.logs / "postgres.log", out / "postgres.log")
            console.print(f"plans of slow statements: {out / 'postgres.log'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--per", type=int, default=50, help="events in an envelope")
    parser.add_argument("--services", default=",".join(ours.SERVICES), help="which services run")
    parser.add_argument("--sampler", choices=("py-spy", "none"), default="py-spy")
    parser.add_argument("--native", action="store_true", help="sample C code too")
    parser.add_argument("--explain", type=int, metavar="MS", help="log the plans of statements this slow")
    parser.add_argument("--out", help="folder for the samples and logs")
    return parser.parse_args()


def _explaining(slow_ms: int) -> dict[str, str]:
    return {
        "shared_preload_libraries": "pg_stat_statements, auto_explain",
        "auto_explain.log_min_duration": f"'{slow_ms}ms'",
        "auto_explain.log_analyze": "on",
        "auto_explain.log_buffers": "on",
    }


def _profile(opened: Arena, made: world.World, messages: int, arguments: argparse.Namespace, out: Path) -> None:
    with ours.serving(opened, arguments.services.split(",")) as processes:
        while ours.received(opened) < messages * WARM_UP:
            sleep(0.01)
        opened.execute("SELECT pg_stat_statements_reset()")
        begun, before = _events(opened), _usage(opened, processes)
        with sampled(arguments, processes[0].pid, out / "samples.txt"):
            ours.until_received(opened, messages, processes)
            used = _usage(opened, processes).since(before)
        events = max(1, _events(opened) - begun)
        peaks = {child.name: usage.peak_bytes(child.pid) for child in processes}
    ours.require_exact(opened, made, messages)
    console.print(
        f"{len(made.said):,} events in {messages:,} envelopes: {commits.rate(ours.commits(opened)):,.0f} events/s"
        f" with the sampler {arguments.sampler}; peak memory "
        + ", ".join(f"{name} {peak / 1e6:,.0f} MB" for name, peak in peaks.items())
    )
    _show_usage(used, events)
    _show_statements(opened, events)
    if arguments.sampler != "none":
        _show_samples(out / "samples.txt")


def _events(opened: Arena) -> int:
    return int(opened.ask("SELECT count(*) FROM events"))


def _usage(opened: Arena, processes: Sequence[Child]) -> usage.Usage:
    services = {child.name: child.pid for child in processes}
    return usage.usage(services, opened.servers.kafka.pid, opened.servers.postgres.pid)


@contextmanager
def sampled(arguments: argparse.Namespace, pid: int, path: Path) -> Iterator[None]:
    """Samples a process while the block runs."""
    if arguments.sampler == "none":
        yield
        return
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--rate", "200"]
    command += ["--format", "raw", "--output", str(path), "--duration", "3600", *(["--native"] * arguments.native)]
    sampler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        sampler.send_signal(2)  # it writes what it has
        sampler.wait(60)


def _show_usage(used: dict[str, float], events: int) -> None:
    table = Table("process", "CPU s", "CPU ms per 1,000 events", title="CPU")
    for name, seconds in used.items():
        if seconds >= 0.005:
            table.add_row(name, f"{seconds:.2f}", f"{seconds / events * 1e6:.1f}")
    table.add_row("all", f"{sum(used.values()):.2f}", f"{sum(used.values()) / events * 1e6:.1f}")
    console.print(table)


def _show_statements(opened: Arena, events: int) -> None:
    table = Table(title="Statements")
    for heading in ("statement", "calls", "ms", "us an event", "rows", "WAL B an event"):
        table.add_column(heading, no_wrap=True)
    for row in opened.rows(STATEMENTS):
        per_event = row["ms"] * 1_000 / events
        wal = float(row["wal_bytes"]) / events
        table.add_row(
            row["query"], f"{row['calls']:,}", f"{row['ms']:,.0f}", f"{per_event:.1f}", f"{row['rows']:,}", f"{wal:.0f}"
        )
    console.print(table)


def _show_samples(path: Path) -> None:
    """The functions on the processor most: alone, and with what they call."""
    alone, whole, total = Counter[str](), Counter[str](), 0
    for line in path.read_text().splitlines():
        stack, _, number = line.rpartition(" ")
        frames = [_LINE.sub(")", frame) for frame in stack.split(";")]
        alone[frames[-1]] += int(number)
        whole.update(dict.fromkeys(frames, int(number)))
        total += int(number)
    table = Table(title=f"{total} samples of intake; by line in {path}")
    for heading in ("alone", "function", "with callees", "function"):
        table.add_column(heading, no_wrap=True)
    for (mine, own), (name, all_of_it) in zip(alone.most_common(45), whole.most_common(45), strict=False):
        table.add_row(f"{own / total:.1%}", mine, f"{all_of_it / total:.1%}", name)
    console.print(table)


if __name__ == "__main__":
    main()
