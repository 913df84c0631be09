"""Plays the year: goods arrive, sites work and ship, gateways report, scenarios unfold, day by day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from monazite_contracts.months import day_start
from monazite_producers.simulator.chapters.invented import Scene
from monazite_producers.simulator.pace import days_of
from monazite_producers.simulator.plan import SimulatedDay
from monazite_producers.simulator.shipping import Buyer, Shipment
from monazite_producers.simulator.sites import Site
from monazite_producers.simulator.works import MetalMaker, Mine, Separator, outside_buyer, site_buyer
from monazite_producers.simulator.world import World

DECLARED_ON = 6
"""Day of the month on which sites declare the month before: before anybody has to be reminded."""

OUTSIDE_LOTS = 3
"""So many lots of a product go to a buyer outside the register at a time, at least."""


class Trade:
    """Who ships what to whom, and what is under way."""

    def __init__(self, world: World) -> None:
        """Nothing under way."""
        self._world = world
        self._random = world.random("trade")
        self._under_way: dict[int, list[Shipment]] = {}

    def arrive(self, day: date, index: int) -> None:
        """Hands over what arrives today."""
        for shipment in self._under_way.pop(index, ()):
            if shipment.consignee is not None:
                shipment.consignee.receive(shipment, day)

    def ship(self, site: Site, day: date, index: int) -> None:
        """Ships what a site has ready on a working day."""
        for product, buyer in list(self._ready(site, index)):
            shipment = site.dispatch(product, buyer, day)
            if shipment is not None:
                self._under_way.setdefault(index + 1 + self._random.randrange(2), []).append(shipment)

    def _ready(self, site: Site, index: int) -> Iterator[tuple[str, Buyer]]:
        for product, lots in site.stock.items():
            buyer = self._buyer(site, product, index) if lots else None
            if buyer is not None and (buyer.site is not None or len(lots) >= OUTSIDE_LOTS):
                yield product, buyer

    def _buyer(self, site: Site, product: str, index: int) -> Buyer | None:
        """Who buys a product of a site; nobody buys what the site itself uses."""
        if isinstance(site, Mine):
            consignee = self._separator_for(site)
            return None if consignee is None else site_buyer(consignee, "separation")
        if product in site.feeds:
            return None
        makers = {"ndpr-oxide": self._world.metal_makers, "ndpr-metal": self._world.magnet_makers}
        if product in makers:
            return self._maker(makers[product], site, index)
        return outside_buyer(index, product)

    def _maker(self, makers: list[MetalMaker], site: Site, index: int) -> Buyer:
        """The makers take turns, each site beginning with another."""
        maker = makers[(sum(site.code.encode()) + index) % len(makers)]
        return site_buyer(maker, "magnet" if maker.product == "ndfeb-magnet" else "smelting")

    def _separator_for(self, mine: Mine) -> Separator | None:
        holder = self._world.holder_of.get(mine.code)
        own = [
            site
            for site in self._world.separators
            if site.feed == mine.product and self._world.holder_of.get(site.code) == holder
        ]
        return min(own, key=lambda site: (site.cover_g, site.code), default=None)


@dataclass(frozen=True)
class Year:
    """The year as it passes."""

    world: World
    trade: Trade
    scenes: Sequence[Scene]

    def days(self) -> Iterator[SimulatedDay]:
        """Each day of the year in turn, and the one on which it is closed."""
        world = self.world
        changes = world.register.changes_on()
        for index, day in enumerate(days_of(world.plan.year)):
            self._pass(day, index)
            registry = world.register.in_force(day) if day in changes else None
            yield SimulatedDay(day, registry, world.wire.collect())
        yield self._afterwards()

    def _afterwards(self) -> SimulatedDay:
        """The day of January on which December is declared; nobody works any more."""
        day = date(self.world.plan.year + 1, 1, DECLARED_ON)
        for site in self.world.sites:
            site.close_month(f"{self.world.plan.year}-12")
        self._declare(day)
        return SimulatedDay(day, None, self.world.wire.collect())

    def _pass(self, day: date, index: int) -> None:
        sites = self.world.sites
        self._keep_books(sites, day, index)
        self.trade.arrive(day, index)
        for site in sites:
            site.work(day, index)
            if site.rate.due(index):
                self.trade.ship(site, day, index)
        for scene in self.scenes:
            scene.play(day)
        for site in sites:
            site.report(day)

    def _keep_books(self, sites: list[Site], day: date, index: int) -> None:
        if index == 0:
            for separator in self.world.separators:
                separator.open_inventory(day)
        elif day.day == 1:
            for site in sites:
                site.close_month(f"{day - timedelta(days=1):%Y-%m}")
        elif day.day == DECLARED_ON and day.month > 1:
            self._declare(day)

    def _declare(self, day: date) -> None:
        for number, site in enumerate(self.world.sites):
            if site.declares:
                site.declare(day_start(day) + timedelta(hours=9, seconds=number))
