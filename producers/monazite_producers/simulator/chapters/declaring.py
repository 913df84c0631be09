"""Who owes a flow record, and who files it late, never, as nil, or with figures that its own events contradict."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from monazite_contracts.events import Stream
from monazite_contracts.quantities import grams, kilograms
from monazite_producers.simulator.chapters.amending import correction
from monazite_producers.simulator.chapters.crafting import state_a_lot
from monazite_producers.simulator.chapters.invented import ISSUED, Role, Scene, a_mine, at
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.records import Event
from monazite_producers.simulator.world import World

REMINDERS: Final = ("declaration-due-3", "declaration-due-1")
DECLARATIONS: Final = Stream.DECLARATIONS


class Duties(Scene):
    """The regulator declares who owes what. It comes after the scenes that found enterprises."""

    def __init__(self, world: World) -> None:
        """Every enterprise that runs a plant owes a record of every month, except that magnet makers need not."""
        super().__init__(world)
        since = f"{world.plan.year}-01-01"
        obliged = {
            entry["enterprise"] for entry in world.register.entries("operations") if "magnet" not in entry["enterprise"]
        }
        for enterprise in sorted(obliged):
            duty = {"enterprise": enterprise, "since": since, "basis": "Order 71 art. ~10; Decree 785 art. 14"}
            world.register.declare("duties", duty)
        for step, low_pct in (("smelted", "80.0000"), ("recovered", "70.0000")):
            world.register.declare("recoveries", {"step": step, "low_pct": low_pct, "high_pct": "100.0000"})

    def chapters(self) -> Sequence[Chapter]:
        """Nothing to be seen: everybody else files in time."""
        return ()


class LateRecord(Scene):
    """S files May's record four days too late."""

    def __init__(self, world: World) -> None:
        """A mine with a slow office."""
        super().__init__(world)
        self._site = a_mine(world, Role("s", ((ISSUED, 800),), (((12, 31), 400),)))

    def chapters(self) -> Sequence[Chapter]:
        """The record that comes after all."""
        return (
            Chapter(self.on(6, 14), "Example Rare Earth S (invented) files its flow record of May, four days late.",
                    "declaration-due-3, -due-1 and -missing recover; alert declaration-late on example-s-mine-1"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """Silence, and the record."""
        if day == self.on(6, 5):
            self._site.declares = False
        elif day == self.on(6, 14):
            self._site.declares = True
            self._site.declare(at(day, 10))
            for rule in (*REMINDERS, "declaration-missing"):
                self.account.expect(rule, self._site.code, "recovered")
            self.account.expect("declaration-late", self._site.code)


class MissingRecord(Scene):
    """T never files October's record."""

    def __init__(self, world: World) -> None:
        """A mine with an office that forgets."""
        super().__init__(world)
        self._site = a_mine(world, Role("t", ((ISSUED, 800),), (((12, 31), 400),)))

    def chapters(self) -> Sequence[Chapter]:
        """The deadline, and five days later."""
        return (
            Chapter(self.on(11, 11), "Example Rare Earth T (invented) has not filed its flow record of October.",
                    "alert declaration-missing on example-t-mine-1, after two reminders"),
            Chapter(self.on(11, 16), "October's record of T is still missing: it is escalated.",
                    "alert declaration-escalated on example-t-mine-1"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """Silence, and what comes of it."""
        if day == self.on(11, 5):
            self._site.declares = False
        elif day == self.on(11, 11):
            self._site.declares = True
            for rule in (*REMINDERS, "declaration-missing"):
                self.account.expect(rule, self._site.code)
        elif day == self.on(11, 16):
            self.account.expect("declaration-escalated", self._site.code)


class NilRecords(Scene):
    """U's mine stands still until July: it holds nothing, moves nothing, and says so every month."""

    def __init__(self, world: World) -> None:
        """A mine that opens late."""
        super().__init__(world)
        a_mine(world, Role("u", ((ISSUED, 500),), (((6, 30), 0), ((12, 31), 250))))

    def chapters(self) -> Sequence[Chapter]:
        """The first of them."""
        return (
            Chapter(self.on(2, 6), "Example Rare Earth U (invented) stands still, and confirms each month as nil.",
                    "no alert: confirmed nil is an answer"),
        )  # fmt: skip


class WrongRecord(Scene):
    """V declares less for July than its own events say, and corrects the record when it is asked."""

    def __init__(self, world: World) -> None:
        """A mine whose clerk copies a figure wrongly."""
        super().__init__(world)
        self._site = a_mine(world, Role("v", ((ISSUED, 800),), (((12, 31), 400),)))
        self._right: Event = {}
        self._declared: Event = {}

    def chapters(self) -> Sequence[Chapter]:
        """The figure, and its correction."""
        return (
            Chapter(self.on(8, 6), "Example Rare Earth V (invented) declares 10 % less for July than its events say.",
                    "alert declaration-differs on example-v-mine-1, line by line"),
            Chapter(self.on(8, 21), "V corrects its flow record of July, whose report is out.",
                    "declaration-differs recovers; alert amendment-after-report: only a person closes it"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """A lot that July has for certain, the wrong record, the right one."""
        site = self._site
        if day == self.on(7, 18):
            state_a_lot(site, day)
        elif day == self.on(8, 5):
            site.declares = False
        elif day == self.on(8, 6):
            self._right, site.closed = site.closed, _understated(site.closed)
            site.declares = True
            self._declared = site.declare(at(day, 10))
            self.account.expect("declaration-differs", site.code)
        elif day == self.on(8, 21):
            correction(site, self._declared, {"type": self._declared["type"], "data": self._right}, day, DECLARATIONS)
            self.account.expect("declaration-differs", site.code, "recovered")
            self.account.expect("amendment-after-report", site.code)  # July's was out on the 11th


def _understated(closed: Event) -> Event:
    """A tenth less made and shipped: the record adds up all the same."""
    line = closed["lines"][0]
    less_g = grams(line["made_kg"]) // 10
    changed = {name: kilograms(grams(line[name]) - less_g) for name in ("made_kg", "shipped_kg")}
    return closed | {"lines": [line | changed, *closed["lines"][1:]]}
