"""Measures, prints the tables, and writes docs/performance.md when everything was measured at full size."""

import argparse
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import monotonic

from rich.console import Console

from benchmarks import growth, latency, machine, members, months, move, rates, report, tracing, world
from benchmarks.sizes import QUICK, RECORD, Sizes
from benchmarks.tables import Table

console = Console()
Measure = Callable[[world.World, Sizes, Callable[[str], None]], list[Table]]
SECTIONS: dict[str, Measure] = {
    "rates": rates.measure,
    "flushes": rates.with_slower_flushes,
    "latency": latency.measure,
    "growth": growth.measure,
    "members": members.measure,
    "move": lambda _, sizes, tell: move.measure(sizes, tell),
    "trace": lambda _, sizes, tell: tracing.measure(sizes, tell),
    "report": lambda _, sizes, tell: months.measure(sizes, tell),
}
BESIDE: dict[str, Measure] = {
    "memory": lambda made, _, tell: rates.memory(made, tell),
}
"""Measured when asked for, and not kept: the rates tell it."""


def main() -> None:
    """Parses and runs."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # fresh topics have no leaders for a moment: it retries
    arguments = _arguments()
    if arguments.page:
        console.print(f"written: {report.write()}")
        return
    sizes = _sizes(arguments)
    wanted = [arguments.only] if arguments.only else list(SECTIONS)
    command = " ".join(sys.argv[1:])
    began_all = monotonic()
    with _told(f"simulating {sizes.events:,} events"):
        made = world.simulated(sizes.events)
    for section in wanted:
        facts, began = machine.facts(), monotonic()
        tables = (SECTIONS | BESIDE)[section](made, sizes, partial(console.print, style="dim"))
        for table in tables:
            console.print(table.rich())
        console.print(f"{section} took {monotonic() - began:,.0f} s", style="dim")
        if sizes.for_the_record and section in SECTIONS:
            said = f'make bench ARGS="{command}"' if command else "make bench"
            report.keep(section, said, facts, monotonic() - began, tables)
            console.print(f"written: {report.write()}", style="dim")
    console.print(f"all of it took {(monotonic() - began_all) / 60:,.1f} min", style="dim")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, one round, nothing is written")
    parser.add_argument("--only", choices=[*SECTIONS, *BESIDE], help="one section")
    parser.add_argument("--rounds", type=int, help="rounds of each contender")
    parser.add_argument("--events", type=int, help="events of a run")
    parser.add_argument("--full", type=int, help="events in the grown ledger and of the plant that moves")
    parser.add_argument("--page", action="store_true", help="measure nothing, only write the page again")
    return parser.parse_args()


def _sizes(arguments: argparse.Namespace) -> Sizes:
    sizes = QUICK if arguments.quick else RECORD
    asked = {"rounds": arguments.rounds, "events": arguments.events, "full_events": arguments.full}
    return replace(sizes, **{name: number for name, number in asked.items() if number is not None})


@contextmanager
def _told(what: str) -> Iterator[None]:
    began = monotonic()
    yield
    console.print(f"{what} took {monotonic() - began:,.1f} s", style="dim")


if __name__ == "__main__":
    main()
