"""Invented enterprises with invented allocations: the only ones at which anything is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeVar

from monazite_contracts.months import day_start
from monazite_producers.simulator.pace import straight_pace
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.works import Mine, Paced, Recycler, Separator
from monazite_producers.simulator.world import Address, World

ISSUED: Final = (3, 20)
"""Month and day of the first invented batch."""

TRADE_GROUP: Final = "invented"
"""Invented mines ship to invented separation plants only: no real holder's feed comes from a story."""

_PROVINCES: Final = ("sichuan", "jiangxi", "hunan", "guangxi", "fujian", "guangdong", "shandong", "nei-mongol")

Knots = Sequence[tuple[tuple[int, int], int]]
"""((month, day), tonnes drawn by then)."""

AnyPaced = TypeVar("AnyPaced", bound=Paced)


@dataclass(frozen=True, slots=True)
class Role:
    """An invented enterprise: its letter, its grants as ((month, day), tonnes), and what it draws by when.

    On a milestone (month, day) it has drawn exactly that, however rarely it reports.
    """

    letter: str
    grants: Knots
    draws: Knots
    milestones: Sequence[tuple[int, int]] = ()
    listed: bool = True

    @property
    def enterprise(self) -> str:
        """Its code."""
        return f"example-{self.letter}"

    @property
    def name(self) -> str:
        """Its name, which says what it is."""
        return f"Example Rare Earth {self.letter.upper()} (invented)"


class Scene:
    """One story. `play` is called every day, before the day's reports leave their sites."""

    def __init__(self, world: World) -> None:
        """Declares who takes part."""
        self.world = world
        self.account = world.account

    def chapters(self) -> Sequence[Chapter]:
        """What is to be seen, and when."""
        raise NotImplementedError

    def play(self, day: date) -> None:
        """Does what happens on a day."""

    def on(self, month: int, day: int) -> date:
        """A day of the simulated year."""
        return date(self.world.plan.year, month, day)


def a_mine(world: World, role: Role, number: int = 1) -> Mine:
    """An invented rock mine, at work."""
    code = _declare(world, role, "mine", "mining", number)
    gateway = world.gateway(code)
    mine = Mine(code, gateway, gateway, world.rate(code), world.random(code), world.account)
    world.mines.append(mine)
    return _paced(world, role, mine)


def a_separator(world: World, role: Role) -> Separator:
    """An invented separation plant with two gateways, at work."""
    code = _declare(world, role, "separation", "separation", 1)
    first, second = world.gateway(code), world.gateway(code, "gw-2")
    site = Separator(code, first, second, world.rate(code), world.random(code), world.account)
    site.country = "AU"
    world.separators.append(site)
    return _paced(world, role, site)


def a_recycler(world: World, role: Role) -> Recycler:
    """An invented recycler, at work."""
    code = _declare(world, role, "recycler", "", 1)
    gateway = world.gateway(code)
    site = Recycler(code, gateway, gateway, world.rate(code), world.random(code), world.account)
    world.recyclers.append(site)
    return site


def grant(world: World, role: Role, kind: str) -> None:
    """Declares the invented allocations of a role, each appearing on its day of issue."""
    for number, ((month, day), tonnes) in enumerate(role.grants, start=1):
        issued_on = date(world.plan.year, month, day).isoformat()
        entry = {
            "decision": f"Invented decision {role.letter.upper()}-{number}", "batch": str(number), "form": "grant",
            "year": world.plan.year, "holder": role.enterprise, "kind": kind, "issued_on": issued_on,
            "tonnes_reo": tonnes, "evidence": "invented for the demo", "invented": True,
        }  # fmt: skip
        world.register.declare("allocations", entry)


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant of a day in Asia/Shanghai."""
    return day_start(day) + timedelta(hours=hour, minutes=minute)


def _declare(world: World, role: Role, what: str, activity: str, number: int) -> str:
    if all(entry["code"] != role.enterprise for entry in world.register.entries("enterprises")):
        world.enterprise(role.enterprise, role.name, (activity,) if activity and role.listed else ())
        if activity:
            grant(world, role, "mining_rock" if activity == "mining" else "separation")
    code = f"{role.enterprise}-{what}-{number}"
    province = _PROVINCES[(ord(role.letter) + number) % len(_PROVINCES)]
    world.plant(Address(code, f"{what.capitalize()} {number} of {role.name}", province, role.enterprise))
    world.holder_of[code] = TRADE_GROUP
    return code


def _paced(world: World, role: Role, site: AnyPaced) -> AnyPaced:
    year = world.plan.year
    site.pace = straight_pace([(date(year, month, day), tonnes) for (month, day), tonnes in role.draws], year)
    first = date(year, 1, 1)
    site.milestones = frozenset((date(year, month, day) - first).days for month, day in role.milestones)
    return site
