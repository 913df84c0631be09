"""Runs the demo from the first day to the verdict."""

import asyncio
import signal
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from time import monotonic

from rich.console import Console
from rich.live import Live

from monazite import stack
from monazite.demo import december
from monazite.demo.driver import Driver, driver
from monazite.demo.screen import NOTICE, Screen
from monazite.demo.verdict import verdict
from monazite.embedded.servers import Addresses
from monazite_consumers import queries
from monazite_contracts.months import day_start
from monazite_contracts.reports import TraceabilityReport
from monazite_producers.simulator import Simulation, SimulationPlan, simulate

REFRESH_S = 0.5


def run(plan: SimulationPlan, console: Console, reports: Path, *, keep: bool = False) -> bool:
    """The whole demo; returns whether the year was proven. `keep` leaves everything up until Ctrl-C."""
    simulation = simulate(plan)
    start = day_start(date(plan.year, 1, 1)) - timedelta(days=1)
    console.print(NOTICE, style="yellow")
    with stack.running(instant=start, on_progress=lambda text: console.print(text, style="dim")) as running:
        console.print(f"Kafka {running.addresses.kafka}, PostgreSQL {running.addresses.postgres.rpartition('@')[2]}")
        proven, report = asyncio.run(_play(simulation, running.addresses, console))
        december.write(report, running.servers.folder.path, reports, console)
        if keep:
            _stay(running, console)
    return proven


def _stay(running: stack.Stack, console: Console) -> None:
    console.print("Everything stays up. In another terminal:")
    console.print(f"  export MONAZITE_DATA={running.servers.folder.path}", soft_wrap=True)
    console.print("  monazite caps; monazite alerts; monazite watch alerts")
    for name, service in running.services.items():
        console.print(f"  {name:<8} {service.url}/metrics")
    console.print("Ctrl-C ends it.")
    with suppress(KeyboardInterrupt):
        signal.pause()


async def _play(simulation: Simulation, addresses: Addresses, console: Console) -> tuple[bool, TraceabilityReport]:
    screen = Screen(console, simulation)
    began = monotonic()
    async with driver(addresses) as driving:
        if console.is_terminal:
            await _live(simulation, driving, screen)
        else:
            await _lines(simulation, driving, screen)
        await driving.finish(simulation)
        ended = await verdict(driving.connection, simulation.account)
        report = await december.december(driving.connection, simulation.plan.year)
    screen.end(ended, monotonic() - began)
    return ended.proven, report


async def _live(simulation: Simulation, driving: Driver, screen: Screen) -> None:
    drawn_at = 0.0
    with Live(console=screen.console, auto_refresh=False) as live:
        for day in simulation.days:
            screen.tell(day.day)
            await driving.step(day)
            if monotonic() - drawn_at > REFRESH_S:
                caps = await queries.caps(driving.connection)
                live.update(screen.frame(driving.progress, caps, await _raised(driving)), refresh=True)
                drawn_at = monotonic()


async def _lines(simulation: Simulation, driving: Driver, screen: Screen) -> None:
    for day in simulation.days:
        for chapter in screen.tell(day.day):
            screen.narrate(chapter)
        await driving.step(day)
        if (day.day + timedelta(days=1)).day == 1:
            screen.month(driving.progress, await _raised(driving))


async def _raised(driving: Driver) -> int:
    return len(await queries.alerts(driving.connection, ["raised"], None))
