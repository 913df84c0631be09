"""The sites of the chain: mines, separation plants, metal and magnet makers, recyclers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from monazite_contracts.quantities import kilograms
from monazite_producers.simulator import records
from monazite_producers.simulator.assaying import oxide_share, reo_grams
from monazite_producers.simulator.records import Lot, Shift
from monazite_producers.simulator.shipping import Buyer, party
from monazite_producers.simulator.sites import SEPARATED, WORKING_S, Feed, Site

YIELD_PER_MILLE: Final = 962
"""REO that separation gets out of its feed. Assumed."""

NOISE_PER_MILLE: Final = 80
"""How far a day's lots may lie off the pace; what one day makes too much, the next makes less."""

AGAIN_EVERY: Final = 20
"""Each so-manieth lot takes compounds in that were separated before. Assumed."""

COVER_DAYS: Final = 20
"""Feed that a separation plant holds at the start of the year, in average days."""

_LIGHT: Final = ("lanthanum-cerium-carbonate", "ndpr-oxide", "cerium-oxide", "lanthanum-cerium-carbonate",
                 "lanthanum-oxide")  # fmt: skip
_HEAVY: Final = ("yttrium-oxide", "ndpr-oxide", "dysprosium-oxide", "gadolinium-oxide", "yttrium-oxide",
                 "terbium-oxide")  # fmt: skip
_USERS: Final = (
    ("Simulated Catalyst Works", "catalyst"),
    ("Simulated Polishing Powder Works", "polishing"),
    ("Simulated Optical Glass Works", "glass"),
    ("Simulated Ceramics Works", "ceramics"),
)
_MAGNET_USERS: Final = (("Simulated Motor Works", "magnet"), ("Simulated Wind Turbine Works", "magnet"))


@dataclass
class Paced(Site):
    """A site that follows a pace: grams to have drawn by the end of each day."""

    pace: Sequence[int] = ()
    milestones: frozenset[int] = frozenset()
    """Days of the year on which the site catches up with its pace exactly; its last day is one besides."""

    def lot_targets(self, index: int) -> list[int]:
        """REO of each lot due today; none when the site is ahead of its pace."""
        exact = index in self.milestones or index == len(self.pace) - 1
        count = max(self.rate.due(index), 1 if exact else 0)
        behind = self.pace[index] - self.drawn_g
        if count == 0 or behind < 1_000_000:
            return []
        noise = 0 if exact else self.random.randrange(2 * NOISE_PER_MILLE + 1) - NOISE_PER_MILLE
        return [behind * (1000 + noise) // 1000 // count] * count


def shift(day: date, number: int, of: int) -> Shift:
    """One of the day's equal spans of work."""
    return Shift(day, WORKING_S * number // of, WORKING_S * (number + 1) // of)


@dataclass
class Mine(Paced):
    """Makes concentrate and ships all of it."""

    product: str = "bastnaesite-concentrate"

    def work(self, day: date, index: int) -> None:
        """Mines the day's lots."""
        targets = self.lot_targets(index)
        for number, reo_g in enumerate(targets):
            self.make("mined", self.product, reo_g, Feed(), shift(day, number, len(targets)))


@dataclass
class Separator(Paced):
    """Makes single oxides out of ore products: its own mines' first, imported ones when those run short."""

    feed: str = "bastnaesite-concentrate"
    imported_feed: str = "bastnaesite-concentrate"
    country: str = "US"
    _made: int = 0
    _on_hand_reo_g: dict[str, int] = field(default_factory=lambda: {"domestic": 0, "imported": 0})
    """REO of feed in stock by origin, within a gram or so a lot: decides what to use, never what is stated."""

    @property
    def feeds(self) -> tuple[str, ...]:
        """Ore products, its own and imported ones."""
        return self.feed, self.imported_feed

    @property
    def cover_g(self) -> int:
        """REO of feed in stock, against the plant's size: what decides where a mine ships to."""
        return sum(self._on_hand_reo_g.values()) * 1000 // max(1, self.pace[-1])

    def open_inventory(self, day: date) -> None:
        """States the feed that is there on the year's first day."""
        lot = self.new_lot(self.feed, "domestic", max(1_000_000, self.pace[-1] * COVER_DAYS // len(self.pace)))
        self.enter(
            "opening-inventory",
            lot,
            records.clock(day, 1800),
            {"origin": "domestic", "counted_at": records.clock(day, 1800)},
            "opening_kg",
        )

    def work(self, day: date, index: int) -> None:
        """Separates the day's lots, each out of feed of one origin."""
        targets = self.lot_targets(index)
        products = _HEAVY if self.feed.startswith("ionic") else _LIGHT
        for number, reo_g in enumerate(targets):
            self._made += 1
            product = products[self._made % len(products)]
            feed = self.feed_for(reo_g * 1000 // YIELD_PER_MILLE, day)
            if self._made % AGAIN_EVERY == 0:
                feed = self._with_separated(feed)
            self.make("separated", product, reo_g, feed, shift(day, number, len(targets)))

    def feed_for(self, reo_g: int, day: date) -> Feed:
        """Takes feed that holds so much REO, buying abroad when there is too little of every origin."""
        self._fill_up(reo_g, day)
        origin = max(self._on_hand_reo_g, key=lambda origin: (self._on_hand_reo_g[origin], origin))
        lines: list[records.Event] = []
        for product in dict.fromkeys((self.feed, self.imported_feed)):
            for lot in [lot for lot in self.stock.get(product, ()) if lot.origin == origin]:
                if reo_g <= 0 or len(lines) >= 40:
                    break
                mass_g = min(lot.left_g, max(1000, int(reo_g / oxide_share(lot.assay))))
                lot.left_g -= mass_g
                used_reo_g = lot.reo_g * mass_g // lot.mass_g
                reo_g -= used_reo_g
                self._on_hand_reo_g[origin] -= used_reo_g
                lines.append(records.used(lot, mass_g))
                self.moved(product, "used_kg", mass_g)
            self._drop_empty(product)
        return Feed(lines, origin)

    def _with_separated(self, feed: Feed) -> Feed:
        """Sends some of what was separated before through again: that part of the lot draws nothing."""
        again = [
            (lot, lot.left_g // 2)
            for product in SEPARATED
            for lot in self.stock.get(product, ())
            if lot.origin == feed.origin and lot.left_g > 2000
        ][:1]
        for lot, mass_g in again:
            lot.left_g -= mass_g
            self.moved(lot.product, "used_kg", mass_g)
        return Feed([*feed.lines, *(records.used(lot, mass_g) for lot, mass_g in again)], feed.origin)

    def _fill_up(self, reo_g: int, day: date) -> None:
        if max(self._on_hand_reo_g.values()) >= reo_g:
            return
        lot = self.new_lot(self.imported_feed, "imported", max(reo_g * 2, self.pace[-1] // 24))
        at = records.clock(day, 3600)
        papers = {
            "declaration": f"SIM-{self.code.upper()}-{day:%m%d}",
            "country_of_origin": self.country,
            "exporter": "Simulated Ore Trading",
            "imported_at": at,
        }
        self.enter("import", lot, at, papers)

    def keep(self, lot: Lot, how: str) -> None:
        """Puts a lot into stock, noting feed by its origin."""
        super().keep(lot, how)
        if lot.product in (self.feed, self.imported_feed):
            self._on_hand_reo_g[lot.origin] += lot.reo_g

    def _drop_empty(self, product: str) -> None:
        stock = self.stock.get(product)
        while stock and stock[0].left_g == 0:
            stock.popleft()
        if stock and any(lot.left_g == 0 for lot in stock):
            kept = [lot for lot in stock if lot.left_g]
            stock.clear()
            stock.extend(kept)


@dataclass
class MetalMaker(Site):
    """Makes one product out of what it was sent: metal out of oxide, magnets out of metal. It draws on no cap."""

    feed: str = "ndpr-oxide"
    product: str = "ndpr-metal"
    yield_per_mille: int = 975

    @property
    def feeds(self) -> tuple[str, ...]:
        """What it smelts."""
        return (self.feed,)

    def work(self, day: date, index: int) -> None:
        """Uses up what is in stock when a lot is due."""
        if not self.rate.due(index):
            return
        for origin in ("domestic", "imported", "recycled"):
            self._smelt([lot for lot in self.stock.get(self.feed, ()) if lot.origin == origin][:20], origin, day)

    def _smelt(self, lots: Sequence[Lot], origin: str, day: date) -> None:
        if not lots:
            return
        inputs = [records.used(lot, lot.left_g) for lot in lots]
        feed_g = sum(reo_grams(kilograms(lot.left_g), lot.assay) for lot in lots)
        for lot in lots:
            self.moved(self.feed, "used_kg", lot.left_g)
            self.stock[self.feed].remove(lot)
        self.make(
            "smelted", self.product, feed_g * self.yield_per_mille // 1000, Feed(inputs, origin), shift(day, 0, 1)
        )


@dataclass
class Recycler(Site):
    """Takes in magnet scrap and recovers oxide from it, outside every cap."""

    intake_g: int = 2_000_000
    """REO of a lot of scrap."""
    scrap: str = "magnet-sludge"
    _suppliers: Sequence[str] = ("Simulated Magnet Workshop (simulated)", "Simulated Motor Recycling (simulated)")

    @property
    def feeds(self) -> tuple[str, ...]:
        """Scrap."""
        return (self.scrap,)

    def work(self, day: date, index: int) -> None:
        """Takes in one lot and recovers it."""
        for number in range(count := self.rate.due(index)):
            at = records.clock(day, 3600 * (1 + number % 4))
            lot = self.new_lot(self.scrap, "recycled", self.intake_g * (900 + self.random.randrange(200)) // 1000)
            self.enter("scrap-intake", lot, at, {"supplier": self._suppliers[index % 2], "taken_in_at": at})
            self.recover(lot, shift(day, number, count))

    def recover(self, lot: Lot, span: Shift) -> None:
        """Recovers one whole lot."""
        self.take(lot.product, lot.left_g)
        self.moved(lot.product, "used_kg", lot.mass_g)
        feed = Feed([records.used(lot, lot.mass_g)], "recycled")
        self.make("recovered", "ndpr-oxide", lot.reo_g * 93 // 100, feed, span)


def outside_buyer(random_number: int, product: str) -> Buyer:
    """Somebody outside the register who buys a product."""
    users = _MAGNET_USERS if product == "ndfeb-magnet" else _USERS
    name, end_use = users[random_number % len(users)]
    return Buyer({"kind": "named", "name": f"{name} (simulated)", "country": "CN"}, end_use)


def site_buyer(site: Site, end_use: str) -> Buyer:
    """A site of the register that is sent goods."""
    return Buyer(party(site.code), end_use, site)
