"""Caps run over: one that a batch covers, one that stays, one that a correction would hide; and one that never was."""

from collections.abc import Sequence
from datetime import date

from monazite_contracts.quantities import kilograms
from monazite_producers.simulator.assaying import reo_grams
from monazite_producers.simulator.chapters.amending import correct
from monazite_producers.simulator.chapters.invented import ISSUED, Role, Scene, a_mine, a_separator
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.records import Event
from monazite_producers.simulator.works import outside_buyer, shift
from monazite_producers.simulator.world import World


class CoveredOverrun(Scene):
    """A runs past its cap in August; a second batch in September covers it."""

    def __init__(self, world: World) -> None:
        """A separation plant that is too fast for its first batch."""
        super().__init__(world)
        draws = (((8, 14), 1970), ((8, 15), 2040), ((9, 10), 2300), ((12, 31), 3000))
        a_separator(world, Role("a", ((ISSUED, 2000), ((9, 11), 2000)), draws, milestones=((8, 15),)))

    def chapters(self) -> Sequence[Chapter]:
        """The overrun, and the batch."""
        return (
            Chapter(self.on(8, 15), "Example Rare Earth A (invented) runs past its separation cap.",
                    "alert cap-overrun on example-a/separation is raised"),
            Chapter(self.on(9, 11), "A second batch covers the overrun of Example Rare Earth A (invented).",
                    "cap-overrun on example-a/separation recovers; cap-overrun-then stays"),
        )  # fmt: skip


class LastingOverrun(Scene):
    """B draws 115 % of the only batch it gets."""

    def __init__(self, world: World) -> None:
        """A mine that does not stop."""
        super().__init__(world)
        draws = (((11, 14), 1470), ((11, 15), 1540), ((12, 31), 1725))
        a_mine(world, Role("b", ((ISSUED, 1500),), draws, milestones=((11, 15),)))

    def chapters(self) -> Sequence[Chapter]:
        """The overrun."""
        return (
            Chapter(self.on(11, 15), "Example Rare Earth B (invented) mines on above its cap; no batch will cover it.",
                    "alert cap-overrun on example-b/mining_rock is raised and stays"),
        )  # fmt: skip


class Unlisted(Scene):
    """C mines in May and June; it stands on no list and holds no cap."""

    def __init__(self, world: World) -> None:
        """A mine that nobody approved."""
        super().__init__(world)
        draws = (((5, 19), 0), ((5, 20), 10), ((6, 30), 120))
        self._site = a_mine(world, Role("c", (), draws, milestones=((5, 20),), listed=False))

    def chapters(self) -> Sequence[Chapter]:
        """The production."""
        return (
            Chapter(self.on(5, 20), "Example Rare Earth C (invented) mines without standing on the list.",
                    "alert unlisted-producer on example-c-mine-1; its production is recorded all the same"),
        )  # fmt: skip

    def play(self, day: date) -> None:  # noqa: ARG002 - the first lot decides, whatever its day
        """Notes the finding with the first lot."""
        if self._site.drawn_g:
            self.account.expect("unlisted-producer", self._site.code)


class HiddenOverrun(Scene):
    """G runs over in October; in November it corrects a lot of September so that it never would have."""

    LOT_T = 200

    def __init__(self, world: World) -> None:
        """A separation plant with one large lot."""
        super().__init__(world)
        draws = (((9, 4), 700), ((9, 5), 900), ((10, 17), 975), ((10, 18), 1060), ((12, 31), 1060))
        self._site = a_separator(world, Role("g", ((ISSUED, 1000),), draws, milestones=((10, 18),)))
        self._stated: Event = {}

    def chapters(self) -> Sequence[Chapter]:
        """The overrun, and its disappearance."""
        return (
            Chapter(self.on(10, 18), "Example Rare Earth G (invented) runs past its separation cap.",
                    "alert cap-overrun on example-g/separation is raised"),
            Chapter(self.on(11, 6), "G corrects a lot of September downwards, and the overrun is gone.",
                    "alert cap-cleared-by-correction on example-g/separation: only a person closes it;"
                    " lot-overdrawn and declaration-differs on its plant: more was shipped and declared"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """The lot, and its correction."""
        if day == self.on(9, 4):
            feed_g = self.LOT_T * 1_000_000
            self._site.make("separated", "cerium-oxide", feed_g, self._site.feed_for(feed_g, day), shift(day, 0, 1))
            self._stated = self._site.last_stated
        if day == self.on(9, 5):
            self._site.dispatch("cerium-oxide", outside_buyer(0, "cerium-oxide"), day)
        if day == self.on(11, 6):
            mass_kg = kilograms(60_000_000)
            assay = self._stated["data"]["assay"]
            claimed_kg = kilograms(reo_grams(mass_kg, assay))
            correct(self._site, self._stated, {"net_mass_kg": mass_kg, "claimed_reo_kg": claimed_kg}, day)
            # On paper only: more of the lot was shipped, and September was declared with all of it.
            self.account.expect("lot-overdrawn", self._site.code)
            self.account.expect("declaration-differs", self._site.code)
            self.account.expect("amendment-after-report", self._site.code)  # September's was out in October
