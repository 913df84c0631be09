"""What goes wrong on the road from Q's mine to R's separation plant, and what each end states of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from monazite_contracts.events import Stream
from monazite_producers.simulator import records
from monazite_producers.simulator.chapters.amending import correction
from monazite_producers.simulator.chapters.crafting import hold_a_lot
from monazite_producers.simulator.chapters.invented import ISSUED, Role, Scene, a_mine, a_separator
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.records import Event, Lot
from monazite_producers.simulator.shipping import Found, Shipment, part, received
from monazite_producers.simulator.sites import Site
from monazite_producers.simulator.works import site_buyer
from monazite_producers.simulator.world import World

NEXT_DAY = timedelta(days=1)
SHORT = Found("short", 960, 0, "mass_differs")
OVER = Found("over", 1030, 0, "mass_differs")
REFUSED = Found("refused", 0, 1000, "off_specification")
PARTLY_REFUSED = Found("partly_refused", 600, 400, "contaminated")


class Waybills(Scene):
    """Q ships single lots to R, besides what it ships every week; no two of them go alike."""

    def __init__(self, world: World) -> None:
        """A mine and a separation plant."""
        super().__init__(world)
        self._mine = a_mine(world, Role("q", ((ISSUED, 1000),), (((12, 31), 600),)))
        self._works = a_separator(world, Role("r", ((ISSUED, 1500),), (((12, 31), 900),)))
        self._under_way: Shipment | None = None
        self._receipt: Event = {}
        self._returned: Lot | None = None
        self._stories: Mapping[date, Callable[[date], None]] = {
            self.on(2, 14): self._sends,
            self.on(2, 15): self._misses_some,
            self.on(2, 21): self._finds_the_rest,
            self.on(4, 11): self._sends,
            self.on(4, 12): self._weighs_more,
            self.on(5, 16): self._sends,
            self.on(5, 17): self._refuses,
            self.on(5, 23): self._sends_again,
            self.on(5, 24): self._accepts,
            self.on(6, 13): self._sends,
            self.on(6, 14): self._refuses_some,
            self.on(7, 11): self._sends,
            self.on(7, 12): self._redirects,
            self.on(7, 14): self._arrives_elsewhere,
            self.on(9, 5): self._sends_and_hears_nothing,
            self.on(9, 8): self._is_overdue,
            self.on(10, 10): self._receives_what_nobody_sent,
        }

    def chapters(self) -> Sequence[Chapter]:
        """The road."""
        q, r = "Example Rare Earth Q (invented)", "Example Rare Earth R (invented)"
        return (
            Chapter(self.on(2, 15), f"{r} receives 4 % less than Q sent; a week later it finds the rest.",
                    "alert shipment-short on example-q-mine-1; recovers on the 21st"),
            Chapter(self.on(4, 12), f"{r} weighs 3 % more than Q sent.",
                    "alert shipment-over on example-q-mine-1"),
            Chapter(self.on(5, 17), f"{r} refuses a lot of Q's, and in June a part of another.",
                    "alert shipment-refused on example-q-mine-1: the goods are in its stock again"),
            Chapter(self.on(7, 12), f"{q} sends goods under way to R to somebody else.",
                    "no alert: the shipment is received by example-a-separation-1"),
            Chapter(self.on(9, 8), f"{r} does not say whether Q's goods have come.",
                    "alert shipment-overdue on example-r-separation-1"),
            Chapter(self.on(10, 10), f"{r} receives goods that Q never dispatched.",
                    "alert receipt-without-dispatch on example-r-separation-1 once it has settled"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """One end or the other states something."""
        story = self._stories.get(day)
        if story is not None:
            story(day)

    def _sends(self, day: date) -> None:
        self._under_way = self._ship(hold_a_lot(self._mine, day).lot, day)

    def _ship(self, lot: Lot, day: date, more: Event | None = None) -> Shipment:
        contents = [(lot, lot.left_g)]
        lot.left_g = 0
        return self._mine.ship(contents, site_buyer(self._works, "separation"), day, more)

    def _receives(self, day: date, found: Found) -> Shipment:
        assert self._under_way is not None  # noqa: S101 - it was sent the day before
        self._works.receive(self._under_way, day, found)
        self._receipt = self._works.last_stated
        return self._under_way

    def _misses_some(self, day: date) -> None:
        self._receives(day, SHORT)
        self.account.expect("shipment-short", self._mine.code)

    def _finds_the_rest(self, day: date) -> None:
        """The receipt is corrected, and so are stock and flow record."""
        assert self._under_way is not None  # noqa: S101 - it arrived a week ago
        whole = received(self._under_way, Found("accepted", 1000), self._receipt["data"]["received_at"])
        correction(self._works, self._receipt, {"type": self._receipt["type"], "data": whole}, day, Stream.SHIPMENTS)
        for lot, mass_g in self._under_way.contents:
            self._works.keep(part(lot, mass_g - SHORT.accepted_g(mass_g)), "in_kg")
        self.account.expect("shipment-short", self._mine.code, "recovered")

    def _weighs_more(self, day: date) -> None:
        self._receives(day, OVER)
        self.account.expect("shipment-over", self._mine.code)

    def _refuses(self, day: date) -> None:
        """The whole lot goes back, and waits to be sent again."""
        (lot, mass_g), *_ = self._receives(day, REFUSED).contents
        self._returned = part(lot, mass_g)
        self._mine.keep(self._returned, "in_kg")
        self._mine.set_aside(self._returned)
        self.account.expect("shipment-refused", self._mine.code)

    def _sends_again(self, day: date) -> None:
        assert self._returned is not None  # noqa: S101 - it came back a week ago
        self._under_way = self._ship(self._returned, day)

    def _accepts(self, day: date) -> None:
        self._receives(day, Found("accepted", 1000))

    def _refuses_some(self, day: date) -> None:
        (lot, mass_g), *_ = self._receives(day, PARTLY_REFUSED).contents
        self._mine.keep(part(lot, PARTLY_REFUSED.refused_g(mass_g)), "in_kg")

    def _redirects(self, day: date) -> None:
        assert self._under_way is not None  # noqa: S101 - it was sent the day before
        at = records.clock(day, 8 * 3600)
        elsewhere = site_buyer(self._elsewhere, "separation").party
        self._mine.state("destination-changed", Stream.SHIPMENTS, at, {
            "waybill": self._under_way.waybill, "consignee": elsewhere, "reason": "sold on", "changed_at": at,
        })  # fmt: skip

    def _arrives_elsewhere(self, day: date) -> None:
        assert self._under_way is not None  # noqa: S101 - it was sent three days before
        self._elsewhere.receive(self._under_way, day)

    @property
    def _elsewhere(self) -> Site:
        return next(site for site in self.world.separators if site.code == "example-a-separation-1")

    def _sends_and_hears_nothing(self, day: date) -> None:
        expected = {"expected_at": records.clock(day + 2 * NEXT_DAY, 12 * 3600)}
        self._ship(hold_a_lot(self._mine, day).lot, day, expected)

    def _is_overdue(self, _day: date) -> None:
        self.account.expect("shipment-overdue", self._works.code)

    def _receives_what_nobody_sent(self, day: date) -> None:
        """Q's office forgets the dispatch: in its own books the lot never leaves."""
        lot = hold_a_lot(self._mine, day).lot
        forgotten = Shipment(f"{self._mine.code.upper()}-FORGOTTEN", self._mine.code, self._works, ((lot, lot.left_g),))
        self._works.receive(forgotten, day)
        self.account.expect("receipt-without-dispatch", self._works.code)
