"""What a simulation is asked for, and what it gives."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from monazite_producers.publisher import Outgoing
from monazite_producers.simulator.account import Account
from monazite_producers.simulator.register import Entries, Entry

EVENTS_MIN = 2_000
"""Fewer events leave no room for every chapter."""


@dataclass(frozen=True)
class SimulationPlan:
    """A year to simulate.

    `allocations`: the real registry, as a folder of YAML files or as its nouns and entries. `events`: about how many
    events all messages carry, 2,000 or more. Equal plans give equal bytes, on any machine.
    """

    allocations: Path | Entries
    year: int = 2023
    events: int = 100_000
    seed: int = 71


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """One day. Apply `registry` first, then publish `messages` in their order, then let the clock pass to the next day.

    `registry` is everything in force from this day on, noun by noun; None when nothing changed.
    """

    day: date
    registry: dict[str, list[Entry]] | None
    messages: tuple[Outgoing, ...]


@dataclass(frozen=True, slots=True, order=True)
class Chapter:
    """A day on which something is to be seen: one sentence, and where to look."""

    day: date
    headline: str
    look_for: str


@dataclass(frozen=True)
class Simulation:
    """A simulated year, and a day of the January after it, on which December is declared.

    `days` is read once and builds each day when it is asked for; `account` grows with it.
    """

    plan: SimulationPlan
    days: Iterator[SimulatedDay]
    account: Account
    chapters: tuple[Chapter, ...]

    @property
    def ends_on(self) -> date:
        """A day by which every deadline of December has passed, and whatever was missing has been missed."""
        return date(self.plan.year + 1, 1, 17)
