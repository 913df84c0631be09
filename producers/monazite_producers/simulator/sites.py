"""What every simulated site does: keeps stock, states what it makes and ships, and declares its month."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Final

from monazite_contracts.events import Stream
from monazite_contracts.months import day_start
from monazite_contracts.quantities import kilograms
from monazite_producers.simulator import records
from monazite_producers.simulator.account import Account
from monazite_producers.simulator.assaying import an_assay, mass_for, part_half_even, reo_grams
from monazite_producers.simulator.capwatch import Posting
from monazite_producers.simulator.gateways import SimulatedGateway
from monazite_producers.simulator.records import Event, Lot, Shift
from monazite_producers.simulator.shipping import (
    WHOLE,
    Buyer,
    Contents,
    Found,
    Shipment,
    dispatched,
    part,
    received,
)

WORKING_S: Final = 72_000
"""Work ends at 20:00, so that the day's records reach the platform on the day they are about."""

MINING_KINDS: Final = {
    "bastnaesite-concentrate": "mining_rock",
    "mixed-concentrate": "mining_rock",
    "ionic-carbonate-concentrate": "mining_ionic",
    "ionic-oxide-concentrate": "mining_ionic",
}
SEPARATED: Final = ("ndpr-oxide", "lanthanum-oxide", "cerium-oxide", "lanthanum-cerium-carbonate",
                    "dysprosium-oxide", "terbium-oxide", "yttrium-oxide", "gadolinium-oxide")  # fmt: skip
"""The products of simulated sites whose elements are apart: separated again, they draw nothing."""

_MOVES: Final = ("opening_kg", "in_kg", "made_kg", "used_kg", "shipped_kg", "lost_kg")


@dataclass(frozen=True, slots=True)
class Rate:
    """Lots a day in thousandths; `phase` (0 to 999) spreads sites that report rarely over the days."""

    per_mille: int
    phase: int

    def due(self, index: int) -> int:
        """Lots due on a day of the year, counted from 0."""
        return ((index + 1) * self.per_mille + self.phase) // 1000 - (index * self.per_mille + self.phase) // 1000


@dataclass
class Site:
    """One plant at work. `shipping` may be a second gateway; subclasses say what is made."""

    code: str
    production: SimulatedGateway
    shipping: SimulatedGateway
    rate: Rate
    random: Random
    account: Account
    stock: dict[str, deque[Lot]] = field(default_factory=dict)
    last_stated: Event = field(default_factory=dict)
    drawn_g: int = 0
    """What the site itself has drawn of caps."""
    closed: Event = field(default_factory=dict)
    """The flow record that was drawn up last."""
    declares: bool = True
    """Whether its office sends flow records when they are due."""
    _said: dict[Stream, list[Event]] = field(default_factory=dict)
    _flows: dict[str, list[int]] = field(default_factory=dict)
    _records: int = 0

    @property
    def feeds(self) -> tuple[str, ...]:
        """The products that the site uses itself."""
        return ()

    def work(self, day: date, index: int) -> None:
        """Makes the day's lots; subclasses do."""
        raise NotImplementedError

    # Stating

    def state(self, kind: str, stream: Stream, recorded_at: str, data: Event) -> Event:
        """Adds a record of the day to what the gateway will say of it."""
        self._records += 1
        stated = records.event(kind, self.code, f"R{self._records:06d}", recorded_at, data)
        self._said.setdefault(stream, []).append(stated)
        self.last_stated = stated
        return stated

    def unsay(self, stated: Event) -> None:
        """Takes the newest record of the production stream back: somebody else will say it."""
        assert self._said[Stream.PRODUCTION].pop() is stated  # noqa: S101 - stories take back what they just stated
        if not self._said[Stream.PRODUCTION]:
            del self._said[Stream.PRODUCTION]

    def report(self, day: date) -> None:
        """Hands the day's records to the gateways, each site at its own minute of the evening."""
        minute = (sum(self.code.encode()) * 7) % 180
        at = day_start(day) + timedelta(seconds=WORKING_S + minute * 60)
        for offset, (stream, events) in enumerate(sorted(self._said.items())):
            gateway = self.production if stream is Stream.PRODUCTION else self.shipping
            gateway.say(stream, events, at + timedelta(seconds=offset))
        self._said = {}

    def make(self, activity: str, product: str, reo_g: int, inputs: "Feed", shift: Shift) -> Lot:
        """States that a lot of about so much REO was made, and posts what it draws."""
        lot = self.new_lot(product, inputs.origin, reo_g)
        claimed_g = lot.reo_g + lot.reo_g * (self.random.randrange(1001) - 500) // 1_000_000
        data = records.production(activity, lot, claimed_g, inputs.lines, shift)
        self.state("production", Stream.PRODUCTION, records.clock(shift.day, shift.end_s), data)
        self.draw(data, lot.reo_g, shift.day)
        if activity == "mined":
            self.account.mined(self.code, lot.code)
        else:
            self.account.made_of(self.code, lot.code, [line["lot"] for line in inputs.lines])
        self.keep(lot, "made_kg")
        return lot

    def draw(self, data: Event, reo_g: int, day: date) -> None:
        """Posts what a production statement draws, known on the day itself."""
        kind, grams = drawn(data, reo_g)
        if kind is not None:
            self.account.draw(self.code, kind, Posting(day, day, grams))
            self.drawn_g += grams

    def new_lot(self, product: str, origin: str, reo_g: int) -> Lot:
        """A lot of about so much REO, under the site's next number."""
        assay = an_assay(product, self.random)
        mass_g = mass_for(reo_g, assay)
        exact_g = reo_grams(kilograms(mass_g), assay)
        return Lot(f"{self.code}/L{self._records + 1:06d}", product, origin, assay, mass_g, exact_g, mass_g)

    def enter(self, kind: str, lot: Lot, at: str, more: Event, how: str = "in_kg") -> None:
        """States a lot that entered without being made here: an import, scrap, the opening inventory."""
        self.state(kind, Stream.PRODUCTION, at, records.lot_line(lot, lot.reo_g) | more)
        self.keep(lot, how)

    # Stock

    def keep(self, lot: Lot, how: str) -> None:
        """Puts a lot into stock."""
        self.stock.setdefault(lot.product, deque()).append(lot)
        self.moved(lot.product, how, lot.left_g)

    def set_aside(self, lot: Lot) -> Lot:
        """Keeps a lot from being used or shipped; it is on hand all the same."""
        self.stock[lot.product].remove(lot)
        return lot

    def put_back(self, lot: Lot) -> None:
        """Ends that."""
        self.stock[lot.product].append(lot)

    def moved(self, product: str, how: str, mass_g: int) -> None:
        """Notes a movement for the month's declaration."""
        flows = self._flows.setdefault(product, [0] * len(_MOVES))
        flows[_MOVES.index(how)] += mass_g

    def take(self, product: str, mass_g: int) -> list[tuple[Lot, int]]:
        """Takes up to so much out of stock, oldest lots first, at most 20 of them."""
        taken: list[tuple[Lot, int]] = []
        lots = self.stock.get(product, deque())
        while mass_g > 0 and lots and len(taken) < 20:
            part_g = min(mass_g, lots[0].left_g)
            taken.append((lots[0], part_g))
            mass_g -= part_g
            lots[0].left_g -= part_g
            if lots[0].left_g == 0:
                lots.popleft()
        return taken

    def on_hand_g(self, product: str) -> int:
        """Grams of a product in stock."""
        return sum(lot.left_g for lot in self.stock.get(product, ()))

    # Shipping

    def dispatch(self, product: str, buyer: Buyer, day: date) -> Shipment | None:
        """Ships what is in stock of a product; nothing when there is none."""
        taken = self.take(product, self.on_hand_g(product))
        return self.ship(taken, buyer, day) if taken else None

    def ship(self, contents: Contents, buyer: Buyer, day: date, more: Event | None = None) -> Shipment:
        """Ships what was taken out of stock; `more` is what else the waybill says."""
        for lot, mass_g in contents:
            self.moved(lot.product, "shipped_kg", mass_g)
        at = records.clock(day, WORKING_S - 3600)
        waybill = f"{self.code.upper()}-W{self._records + 1:06d}"
        self.state("dispatched", Stream.SHIPMENTS, at, dispatched(waybill, buyer, contents, at) | (more or {}))
        return Shipment(waybill, self.code, buyer.site, tuple(contents))

    def receive(self, shipment: Shipment, day: date, found: Found = WHOLE) -> None:
        """Takes a shipment in, as it was sent unless something else was found."""
        at = records.clock(day, 21_600 + self.random.randrange(14_400))
        self.state("received", Stream.SHIPMENTS, at, received(shipment, found, at))
        for lot, mass_g in shipment.contents:
            if accepted_g := found.accepted_g(mass_g):
                self.keep(part(lot, accepted_g), "in_kg")

    # Declaring

    def close_month(self, month: str) -> None:
        """Draws up the declaration of a month that has ended; the next one opens with its closing stock."""
        lines = []
        for product, flows in sorted(self._flows.items()):
            closing_g = flows[0] + flows[1] + flows[2] - flows[3] - flows[4] - flows[5]
            if any(flows):
                line = {name: kilograms(mass_g) for name, mass_g in zip(_MOVES, flows, strict=True)}
                lines.append(line | {"product": product, "closing_kg": kilograms(closing_g)})
            self._flows[product] = [closing_g, 0, 0, 0, 0, 0]
        self.closed = {"month": month, "nil": not lines, "lines": lines}

    def declare(self, at: datetime) -> Event:
        """Sends the declaration that was drawn up last."""
        stated = records.event("declaration", self.code, f"D{self.closed['month']}", at.isoformat(), self.closed)
        self.shipping.say(Stream.DECLARATIONS, [stated], at)
        return stated


@dataclass(frozen=True, slots=True)
class Feed:
    """What goes into a lot; `lines` as the wire states inputs."""

    lines: Sequence[Event] = ()
    origin: str = "domestic"


def drawn(data: Event, reo_g: int) -> tuple[str | None, int]:
    """The kind of cap and the grams that a production statement draws; no kind when it draws nothing."""
    if data["activity"] == "mined":
        return MINING_KINDS[data["product"]], reo_g
    if data["activity"] != "separated" or data["origin"] == "recycled":
        return None, 0
    again = [line for line in data["inputs"] if line["product"] in SEPARATED]
    if not again:
        return "separation", reo_g
    again_g = sum(reo_grams(line["net_mass_kg"], line["assay"]) for line in again)
    feed_g = sum(reo_grams(line["net_mass_kg"], line["assay"]) for line in data["inputs"])
    return "separation", reo_g - part_half_even(reo_g, again_g, feed_g)
