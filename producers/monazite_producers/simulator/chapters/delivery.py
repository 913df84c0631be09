"""What happens between a gateway and the platform: floods, days offline, late keys, forks, gaps."""

from collections.abc import Sequence
from copy import copy
from datetime import date, timedelta

from monazite_contracts.events import Stream
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.simulator.chapters.crafting import say_a_lot, unposted_lot
from monazite_producers.simulator.chapters.invented import ISSUED, Role, Scene, a_mine, a_separator, at
from monazite_producers.simulator.gateways import Kept
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.records import Event
from monazite_producers.simulator.sites import Feed
from monazite_producers.simulator.works import shift
from monazite_producers.simulator.world import World

PRODUCTION = Stream.PRODUCTION

UNREGISTERED = PLANT_TOPICS[PRODUCTION]
"""Anybody may claim a name that is not registered, so alerts about such messages name the topic."""


class DuplicateFlood(Scene):
    """D's gateway sends its newest envelopes hundreds of times; its other gateway says the same records again."""

    def __init__(self, world: World) -> None:
        """A separation plant with two gateways."""
        super().__init__(world)
        self._site = a_separator(world, Role("d", ((ISSUED, 3000),), (((12, 31), 2000),)))
        self._repeats = min(200, max(80, world.plan.events // 500))

    def chapters(self) -> Sequence[Chapter]:
        """The flood."""
        return (
            Chapter(self.on(6, 15), f"A gateway of Example Rare Earth D (invented) sends {self._repeats} copies"
                    " of each of its newest envelopes.", "duplicates in the outcomes; the cap of D does not move"),
            Chapter(self.on(6, 16), "The second gateway of D says the same records again, in envelopes of its own.",
                    "applied messages whose events are duplicates"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """The copies, then the second voice."""
        first, second = self._site.production, self._site.shipping
        if day == self.on(6, 15):
            for number in range(self._repeats):
                for message, _ in first.recent:
                    sent_at = at(day, 10) + timedelta(seconds=number)
                    first.put(first.sealed(PRODUCTION, message.value or b"", sent_at), "duplicate")
        if day == self.on(6, 16):
            for _, events in first.recent:
                formed = second.chain(PRODUCTION).form(events)
                self.account.carried("duplicate", len(events))
                second.put(second.sealed(PRODUCTION, formed.value, at(day, 10)), "applied")


class OfflineGateway(Scene):
    """E's gateway is cut off for nine days; it forms its envelopes day by day and sends them when the line is back."""

    def __init__(self, world: World) -> None:
        """A mine with one gateway. Its cap has so much room that days of arrival decide no rule."""
        super().__init__(world)
        self._site = a_mine(world, Role("e", ((ISSUED, 2000),), (((12, 31), 1400),)))

    def chapters(self) -> Sequence[Chapter]:
        """Out, and back."""
        return (
            Chapter(self.on(7, 3), "The line to Example Rare Earth E (invented) is cut; its gateway forms and keeps.",
                    "nothing arrives from example-e-mine-1"),
            Chapter(self.on(7, 12), "The line is back: nine days arrive at once, dated when they happened.",
                    "the draws of example-e lie on their own days; no gap is open; June's flow record is late"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """Out, at work, and back."""
        gateway = self._site.production
        if self.on(7, 3) <= day < self.on(7, 12):
            gateway.online = False
            self._site.make("mined", self._site.product, 1_000_000, Feed(), shift(day, 0, 1))
        if day == self.on(7, 12):
            gateway.online = True
            gateway.flush(at(day, 8))
            # June's flow record was among what waited, and was due on the 10th.
            for rule in ("declaration-due-3", "declaration-due-1", "declaration-missing"):
                self.account.expect(rule, self._site.code, "recovered")
            self.account.expect("declaration-late", self._site.code)


class LateRegistration(Scene):
    """J's second gateway reports for a week before its key is registered."""

    def __init__(self, world: World) -> None:
        """A mine whose second gateway nobody declared yet."""
        super().__init__(world)
        self._site = a_mine(world, Role("j", ((ISSUED, 1200),), (((12, 31), 800),)))
        self._late = world.gateway(self._site.code, "gw-2", declared=False)
        world.register.declare("gateway_keys", self._late.entry(), self.on(4, 17))

    def chapters(self) -> Sequence[Chapter]:
        """Unknown, and known."""
        return (
            Chapter(self.on(4, 10), "A new gateway of Example Rare Earth J (invented) reports before it is registered.",
                    "awaiting messages; alert source-unknown on their topic"),
            Chapter(self.on(4, 17), "Its key is registered: what waited is applied.",
                    "no message of J awaits any more; source-unknown clears"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """A lot a day through the new gateway."""
        if self.on(4, 10) <= day < self.on(4, 17):
            say_a_lot(self._site, day, self._late.say)
            self.account.expect("source-unknown", UNREGISTERED)
        if day == self.on(4, 17):
            self.account.expect("source-unknown", UNREGISTERED, "recovered")


class Fork(Scene):
    """K's gateway runs on from a copy of its spool: two envelopes claim one sequence."""

    def __init__(self, world: World) -> None:
        """A mine with one gateway."""
        super().__init__(world)
        self._site = a_mine(world, Role("k", ((ISSUED, 1000),), (((12, 31), 700),)))

    def chapters(self) -> Sequence[Chapter]:
        """The fork."""
        return (
            Chapter(self.on(8, 14), "Example Rare Earth K (invented) runs on from a restored copy of its spool.",
                    "one message awaits (fork); alert envelope-fork on the gateway; the earlier envelope stands"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """The envelope that stands, then the other one at its sequence."""
        if day != self.on(8, 14):
            return
        gateway = self._site.production
        restored = copy(gateway.chain(PRODUCTION))
        say_a_lot(self._site, day, gateway.say)
        unheard = unposted_lot(self._site, day, "FORK-1")
        gateway.put(gateway.sealed(PRODUCTION, restored.form([unheard]).value, at(day, 14)), "awaiting")
        self.account.expect("envelope-fork", gateway.name)


class Gaps(Scene):
    """Two gateways of L miss an envelope: one sends it three days later, the other has lost it."""

    def __init__(self, world: World) -> None:
        """Two mines with one gateway each."""
        super().__init__(world)
        self._filled = a_mine(world, Role("l", ((ISSUED, 1500),), (((12, 31), 500),)), 1)
        self._open = a_mine(world, Role("l", (), (((12, 31), 500),)), 2)
        self._withheld: Kept | None = None
        self._behind = ""

    def chapters(self) -> Sequence[Chapter]:
        """Both gaps."""
        return (
            Chapter(self.on(7, 17), "An envelope of Example Rare Earth L (invented) stays behind; later ones arrive.",
                    "alert envelope-gap on a gateway of example-l-mine-1 once it has settled"),
            Chapter(self.on(7, 20), "The envelope arrives, and the gap closes.", "envelope-gap recovers"),
            Chapter(self.on(10, 9), "Another gateway of L loses an envelope for good.",
                    "envelope-gap on a gateway of example-l-mine-2 stays raised"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """What stays behind, what follows it, and what is never sent."""
        if day == self.on(7, 17):
            self._hold_back(day)
        if day == self.on(7, 20) and self._withheld is not None:
            self._filled.production.send(self._withheld, at(day, 11))
            self.account.expect("envelope-gap", self._behind, "recovered")
        if day == self.on(10, 9):
            gateway = self._open.production
            gateway.chain(PRODUCTION).form([unposted_lot(self._open, day, "LOST-1")])
            say_a_lot(self._open, day, gateway.say)
            self.account.expect("envelope-gap", gateway.name)

    def _hold_back(self, day: date) -> None:
        gateway = self._filled.production
        events: list[Event] = []
        say_a_lot(self._filled, day, lambda _stream, said, _at: events.extend(said))
        self._withheld = Kept(PRODUCTION, gateway.chain(PRODUCTION).form(events), tuple(events))
        say_a_lot(self._filled, day, gateway.say)
        self._behind = gateway.name
        self.account.expect("envelope-gap", self._behind)


class Restart(Scene):
    """Every gateway restarts once: a new incarnation that names the last envelope of the old one."""

    def chapters(self) -> Sequence[Chapter]:
        """Nothing to be seen: that is the point."""
        return ()

    def play(self, day: date) -> None:
        """Each gateway restarts once a year, on a morning of its own."""
        for number, gateway in enumerate(self.world.gateways):
            if day == self.on(1 + number % 12, 2 + number % 26):
                gateway.restart()
