"""Simulates a year of rare-earth production: real holders and caps, simulated plants, invented misconduct."""

from monazite_producers.simulator.account import Account, CapName, ExpectedAlert
from monazite_producers.simulator.chapters import cast
from monazite_producers.simulator.plan import Chapter, SimulatedDay, Simulation, SimulationPlan
from monazite_producers.simulator.world import World
from monazite_producers.simulator.year import Trade, Year

__all__ = [
    "Account",
    "CapName",
    "Chapter",
    "ExpectedAlert",
    "SimulatedDay",
    "Simulation",
    "SimulationPlan",
    "simulate",
]


def simulate(plan: SimulationPlan) -> Simulation:
    """Sets a year up; its days are built as they are read.

    Raises:
        PlanImpossibleError: too few events, or no allocation of that year.
    """
    world = World(plan)
    scenes = cast(world)
    world.set_rates()
    chapters = sorted(chapter for scene in scenes for chapter in scene.chapters())
    return Simulation(plan, Year(world, Trade(world), scenes).days(), world.account, tuple(chapters))
