"""Simulated years, played once and kept: every test reads the same ones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from monazite_producers.publisher import Outgoing
from monazite_producers.simulator import Account, SimulatedDay, Simulation, SimulationPlan, simulate

REGISTRY = Path(__file__).parents[2] / "deploy" / "registry"


@dataclass(frozen=True, repr=False)
class PlayedYear:
    """A year that has passed."""

    simulation: Simulation
    days: tuple[SimulatedDay, ...]

    @property
    def account(self) -> Account:
        return self.simulation.account

    @property
    def messages(self) -> list[Outgoing]:
        return [message for day in self.days for message in day.messages]

    @property
    def registry(self) -> dict[str, list[dict[str, Any]]]:
        """As it stands at the year's end."""
        return [day.registry for day in self.days if day.registry is not None][-1]

    def registry_on(self, day: date) -> dict[str, list[dict[str, Any]]]:
        return [played.registry for played in self.days if played.day <= day and played.registry is not None][-1]

    def digest(self) -> str:
        """Everything that the year handed out, as one hash."""
        whole = sha256()
        for day in self.days:
            whole.update(f"{day.day} {day.registry}".encode())
            for message in day.messages:
                whole.update(repr(message).encode())
        return whole.hexdigest()


@cache
def _played(events: int, seed: int, year: int) -> PlayedYear:
    simulation = simulate(SimulationPlan(REGISTRY, year=year, events=events, seed=seed))
    return PlayedYear(simulation, tuple(simulation.days))


Play = Callable[..., PlayedYear]


@pytest.fixture(scope="session")
def play() -> Play:
    """Plays a year: `play(events=2_000, seed=71, year=2023)`."""

    def played(events: int = 2_000, seed: int = 71, year: int = 2023) -> PlayedYear:
        return _played(events, seed, year)

    return played


@pytest.fixture(scope="session")
def small(play: Play) -> PlayedYear:
    """The smallest year, in which everything happens."""
    return play()
