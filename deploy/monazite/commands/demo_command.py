"""`monazite demo`: the year 2023 of rare-earth volume control, on real servers."""

from pathlib import Path
from typing import Annotated

import typer

from monazite.commands.platform_options import console

# The demo needs every extra; a plant's installation has none.
# ruff: noqa: PLC0415


def demo(
    events: Annotated[int, typer.Option(min=2_000, help="About how many events the year has.")] = 100_000,
    seed: Annotated[int, typer.Option(help="Another seed is another year.")] = 71,
    reports: Annotated[Path, typer.Option(help="Folder for the nation's report of December.", file_okay=False)] = Path(
        "demo-reports"
    ),
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the servers up at the end, until Ctrl-C.")] = False,
) -> None:
    """Replay 2023: real caps, simulated plants, invented misconduct; exit with 1 unless every gram is accounted for."""
    from monazite import shipped
    from monazite.demo.show import run
    from monazite_producers.simulator import SimulationPlan

    plan = SimulationPlan(allocations=shipped.registry(), events=events, seed=seed)
    proven = run(plan, console, reports, keep=keep)
    if not proven:
        raise typer.Exit(1)
