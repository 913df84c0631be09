"""Founds the simulated world: enterprises, plants and gateways beside the real holders, and the entries that say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from monazite_producers.errors import PlanImpossibleError
from monazite_producers.simulator.account import Account
from monazite_producers.simulator.gateways import SimulatedGateway, Wire
from monazite_producers.simulator.pace import measured_pace
from monazite_producers.simulator.plan import EVENTS_MIN, SimulationPlan
from monazite_producers.simulator.register import Register
from monazite_producers.simulator.sites import Rate, Site
from monazite_producers.simulator.works import MetalMaker, Mine, Recycler, Separator

SINCE: Final = "2022-01-01"
"""Simulated facts hold from before any simulated year."""

EVENTS_A_LOT: Final = (29, 19, 8, 40)
"""Tenths of an event that follow from one lot of a mine, separator, maker, recycler, with its shipment and receipt.

Measured over whole years, and so is the next figure.
"""

SECOND_LOT_PER_CENT: Final = 53
"""What further lots of a day add, against the first: they travel together."""

DECLARATIONS: Final = 12
"""Months that are declared."""

FULL_ROSTER_EVENTS: Final = 40_000
"""From so many events on all sites exist; below, fewer sites, so that each still has something to say."""


@dataclass(frozen=True, slots=True)
class Address:
    """What is declared of a plant."""

    code: str
    name: str
    province: str
    enterprise: str


@dataclass(frozen=True, slots=True)
class Works:
    """Where a holder's sites are, and how many of each there are at full size."""

    rock: tuple[int, tuple[str, ...]]
    ionic: tuple[int, tuple[str, ...]]
    separation: tuple[int, tuple[str, ...]]


_WORKS: Final = {
    "northern": Works((4, ("nei-mongol",)), (0, ()), (10, ("nei-mongol", "nei-mongol", "gansu", "shandong"))),
    "creg": Works(
        (6, ("sichuan", "sichuan", "shandong")),
        (14, ("jiangxi", "hunan", "guangxi", "yunnan")),
        (14, ("sichuan", "jiangxi", "guangxi", "shandong", "hunan", "jiangsu")),
    ),
    "guangdong": Works((0, ()), (5, ("guangdong",)), (6, ("guangdong",))),
    "xiamen": Works((0, ()), (4, ("fujian",)), (4, ("fujian",))),
}
_ANY_WORKS: Final = Works((4, ("sichuan",)), (4, ("jiangxi",)), (6, ("jiangxi",)))
"""For a holder that the table does not know."""

_ROCK, _IONIC = "bastnaesite-concentrate", "ionic-carbonate-concentrate"
_DOWNSTREAM: Final = (
    ("metal", 10, ("jiangxi", "nei-mongol", "sichuan", "fujian"), "Metal works"),
    ("magnet", 14, ("zhejiang", "shandong", "nei-mongol", "jiangxi", "fujian"), "Magnet works"),
    ("recycler", 3, ("jiangxi", "jiangsu", "guangdong"), "Recycling works"),
)


class World:
    """The simulated sites, with the registry, the wire and the account that they share."""

    def __init__(self, plan: SimulationPlan) -> None:
        """Founds everything that behaves; the scenes found the rest, then `set_rates` says how often all report."""
        if plan.events < EVENTS_MIN:
            raise PlanImpossibleError(f"a year with every chapter needs {EVENTS_MIN} events, not {plan.events}")
        self.plan = plan
        self.register = Register(plan.allocations, plan.year)
        self.account = Account(self.register, plan.year)
        self.wire = Wire(self.account)
        self.gateways: list[SimulatedGateway] = []
        self.mines: list[Mine] = []
        self.separators: list[Separator] = []
        self.metal_makers: list[MetalMaker] = []
        self.magnet_makers: list[MetalMaker] = []
        self.recyclers: list[Recycler] = []
        self.holder_of: dict[str, str] = {}
        grants = self.register.grants()
        if not grants:
            raise PlanImpossibleError(f"the registry has no allocation for {plan.year}")
        for holder in sorted({holder for holder, _ in grants}):
            self._found_holder(holder)
        self._found_downstream()

    def random(self, text: str) -> Random:
        """A source of chance of its own for each use, so that one site's day never shifts another's."""
        return Random(f"{self.plan.seed}/{text}")  # noqa: S311 - a simulation must be repeatable, not secret

    def scaled(self, full: int) -> int:
        """How many sites there are of `full`; none stays none."""
        return min(full, max(1, full * self.plan.events // FULL_ROSTER_EVENTS))

    def rate(self, code: str) -> Rate:
        """A site's rate, spread over the days; nothing is due before the rates are set."""
        return Rate(0, self.random(f"rate/{code}").randrange(1000))

    @property
    def sites(self) -> list[Site]:
        """Every site, from mine to recycler: the order in which a day passes through them."""
        return [*self.mines, *self.separators, *self.metal_makers, *self.magnet_makers, *self.recyclers]

    def set_rates(self) -> None:
        """Sets how many lots a day each site makes, so that the year's events come to about what the plan asks for."""
        makers = len(self.metal_makers) + len(self.magnet_makers)
        round_of_all = sum(
            count * tenths
            for count, tenths in zip(
                (len(self.mines), len(self.separators), makers, len(self.recyclers)), EVENTS_A_LOT, strict=True
            )
        )
        a_day = (self.plan.events - DECLARATIONS * len(self.sites)) * 10 // 365
        per_mille = min(1000, 1000 * a_day // round_of_all)
        if a_day > round_of_all:
            per_mille += 1000 * (a_day - round_of_all) * 100 // (round_of_all * SECOND_LOT_PER_CENT)
        for site in self.sites:
            site.rate = Rate(per_mille, site.rate.phase)

    # Declaring

    def enterprise(self, code: str, name: str, activities: Sequence[str], group: str | None = None) -> None:
        """Declares a simulated enterprise, its place on the list, and its group."""
        self.register.declare("enterprises", {"code": code, "name": name, "simulated": True})
        for activity in activities:
            self.register.declare("approvals", {"enterprise": code, "activity": activity, "since": SINCE})
        if group is not None:
            self.register.declare("memberships", {"member": code, "group": group, "since": SINCE})

    def plant(self, address: Address) -> None:
        """Declares a simulated plant and who runs it."""
        self.register.declare(
            "plants",
            {"code": address.code, "name": address.name, "province": address.province, "simulated": True},
        )
        operation = {"plant": address.code, "enterprise": address.enterprise, "since": SINCE}
        self.register.declare("operations", operation)

    def gateway(self, plant: str, code: str = "gw-1", *, declared: bool = True) -> SimulatedGateway:
        """A gateway of a plant; its key on the registry from the first day on, unless that comes later."""
        gateway = SimulatedGateway(plant, code, self.plan.seed, self.wire)
        self.gateways.append(gateway)
        if declared:
            self.register.declare("gateway_keys", gateway.entry())
        return gateway

    # Founding

    def _found_holder(self, holder: str) -> None:
        works = _WORKS.get(holder, _ANY_WORKS)
        kinds = {kind: issues for (name, kind), issues in self.register.grants().items() if name == holder}
        paces = {kind: measured_pace(issues, self.plan.year) for kind, issues in kinds.items()}
        rock_g, ionic_g = (paces[kind][-1] if kind in paces else 0 for kind in ("mining_rock", "mining_ionic"))
        if rock_g:
            self._found_mines(holder, works.rock, _ROCK, paces["mining_rock"])
        if ionic_g:
            self._found_mines(holder, works.ionic, _IONIC, paces["mining_ionic"])
        if "separation" in paces:
            self._found_separators(holder, works.separation, (rock_g, ionic_g), paces["separation"])

    def _found_mines(self, holder: str, where: tuple[int, tuple[str, ...]], product: str, pace: Sequence[int]) -> None:
        word = "rock" if product == _ROCK else "ionic"
        shares = _shares(self.scaled(where[0]), self.random(f"shares/{holder}/{word}"))
        for number, (before, after) in enumerate(shares, start=1):
            code = self._found(
                holder, f"{word}-{number}", f"{word.capitalize()} mine", where[1][number % len(where[1])]
            )
            gateway = self.gateway(code)
            mine = Mine(code, gateway, gateway, self.rate(code), self.random(code), self.account)
            mine.product, mine.pace = product, [_share(g, before, after) for g in pace]
            self.mines.append(mine)

    def _found_separators(
        self, holder: str, where: tuple[int, tuple[str, ...]], mined: tuple[int, int], pace: Sequence[int]
    ) -> None:
        count = max(self.scaled(where[0]), sum(1 for g in mined if g))
        light = 0 if not mined[0] else count if not mined[1] else max(1, min(count - 1, count * mined[0] // sum(mined)))
        shares = _shares(count, self.random(f"shares/{holder}/separation"), (light, mined))
        for number, (before, after) in enumerate(shares, start=1):
            province = where[1][number % len(where[1])]
            code = self._found(holder, f"separation-{number}", "Separation plant", province)
            first, second = self.gateway(code), self.gateway(code, "gw-2")
            site = Separator(code, first, second, self.rate(code), self.random(code), self.account)
            site.pace = [_share(g, before, after) for g in pace]
            if number > light:
                site.feed = site.imported_feed = _IONIC
                site.country = "MM"
            self.separators.append(site)

    def _found(self, holder: str, suffix: str, what: str, province: str) -> str:
        """One plant of a simulated subsidiary; plants of a kind in one province share it."""
        kind, _, number = suffix.rpartition("-")
        subsidiary = f"{holder}-simulated-{province}"
        owner = self.register.name_of(holder)
        if all(entry["code"] != subsidiary for entry in self.register.entries("enterprises")):
            name = f"Simulated subsidiary of {owner} in {province} (simulated)"
            self.enterprise(subsidiary, name, ("mining", "separation"), holder)
        code = f"sim-{holder[:14]}-{kind}-{number}"
        self.holder_of[code] = holder
        self.plant(Address(code, f"{what} {number} of {owner} (simulated)", province, subsidiary))
        return code

    def _found_downstream(self) -> None:
        for kind, full, provinces, words in _DOWNSTREAM:
            for number in range(1, self.scaled(full) + 1):
                code, province = f"sim-{kind}-{number}", provinces[number % len(provinces)]
                self.enterprise(f"simulated-{kind}-{number}", f"Simulated {words} {number} (simulated)", ())
                address = Address(code, f"{words} {number} (simulated)", province, f"simulated-{kind}-{number}")
                self.plant(address)
                gateway = self.gateway(code)
                if kind == "recycler":
                    self.recyclers.append(
                        Recycler(code, gateway, gateway, self.rate(code), self.random(code), self.account)
                    )
                    continue
                maker = MetalMaker(code, gateway, gateway, self.rate(code), self.random(code), self.account)
                if kind == "magnet":
                    maker.feed, maker.product, maker.yield_per_mille = "ndpr-metal", "ndfeb-magnet", 940
                (self.metal_makers if kind == "metal" else self.magnet_makers).append(maker)


_WHOLE: Final = 1_000_000


def _shares(count: int, random: Random, split: tuple[int, tuple[int, int]] | None = None) -> list[tuple[int, int]]:
    """Cuts the whole (a million parts) into `count` spans of unlike size.

    With `split` the first so many share the first of two weights, the rest the second.
    """
    sizes = [70 + random.randrange(60) for _ in range(count)]
    if split is not None and 0 < split[0] < count:
        first, weights = split
        sums = sum(sizes[:first]), sum(sizes[first:])
        sizes = [size * weights[position >= first] // sums[position >= first] for position, size in enumerate(sizes)]
    total = sum(sizes)
    ends = [sum(sizes[: position + 1]) * _WHOLE // total for position in range(count)]
    return list(zip([0, *ends[:-1]], ends, strict=True))


def _share(grams: int, before: int, after: int) -> int:
    """A span's part of the whole; the parts of all spans add up to it exactly."""
    return grams * after // _WHOLE - grams * before // _WHOLE
