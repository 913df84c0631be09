"""Where material comes from: W uses a lot that it never reported; X passes over-quota oxide off as recycled."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from monazite_producers.simulator import records
from monazite_producers.simulator.chapters.crafting import LOT_G, NIGHT_S
from monazite_producers.simulator.chapters.invented import ISSUED, Role, Scene, a_recycler, a_separator
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.records import Shift
from monazite_producers.simulator.sites import Feed
from monazite_producers.simulator.works import YIELD_PER_MILLE, shift
from monazite_producers.simulator.world import World


class BrokenChain(Scene):
    """W separates ore under a lot number of its own that nobody was ever told of."""

    def __init__(self, world: World) -> None:
        """A separation plant."""
        super().__init__(world)
        self._site = a_separator(world, Role("w", ((ISSUED, 1000),), (((12, 31), 600),)))

    def chapters(self) -> Sequence[Chapter]:
        """The lot without a beginning."""
        return (
            Chapter(self.on(3, 28), "Example Rare Earth W (invented) separates a lot that it never reported.",
                    "alerts lot-unreported, lot-overdrawn and origin-unlawful on example-w-separation-1, and"
                    " origin-unlawful on whoever makes anything of it"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """One lot of oxide, out of ore that its flow record knows and its events do not."""
        if day != self.on(3, 28):
            return
        site = self._site
        ore = site.new_lot(site.feed, "imported", LOT_G)
        ore.code = f"{site.code}/UNREPORTED-1"
        site.moved(ore.product, "in_kg", ore.mass_g)
        site.moved(ore.product, "used_kg", ore.mass_g)
        self.account.never_reported(site.code, ore.code)
        self.account.expect("declaration-differs", site.code)
        feed = Feed([records.used(ore, ore.mass_g)], ore.origin)
        site.make("separated", "ndpr-oxide", ore.reo_g * YIELD_PER_MILLE // 1000, feed, shift(day, 0, 1))


class Laundering(Scene):
    """X has drawn its separation cap; what it separates beyond, its recycler claims to win from a little scrap."""

    SCRAP_G: Final = 3_000_000
    """REO of each lot of scrap."""
    MADE_G: Final = 40_000_000
    """REO of what is said to come of it."""

    def __init__(self, world: World) -> None:
        """A separation plant and a recycler of one enterprise."""
        super().__init__(world)
        role = Role("x", ((ISSUED, 1000),), (((10, 20), 985), ((12, 31), 985)))
        a_separator(world, role)
        self._recycler = a_recycler(world, role)

    def chapters(self) -> Sequence[Chapter]:
        """The miracle, and its discovery."""
        return (
            Chapter(self.on(11, 7), "The recycler of Example Rare Earth X (invented) recovers far more than its scrap"
                    " holds; X's separation cap is nearly drawn.",
                    "alert recovery-recovered on example-x-recycler-1, once the month's record is due"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """Three lots in November."""
        if day not in {self.on(11, 7), self.on(11, 14), self.on(11, 21)}:
            return
        site, at = self._recycler, records.clock(day, 600)
        scrap = site.new_lot(site.scrap, "recycled", self.SCRAP_G)
        site.enter("scrap-intake", scrap, at, {"supplier": "Simulated Magnet Workshop (simulated)", "taken_in_at": at})
        site.take(scrap.product, scrap.left_g)
        site.moved(scrap.product, "used_kg", scrap.mass_g)
        feed = Feed([records.used(scrap, scrap.mass_g)], "recycled")
        site.make("recovered", "ndpr-oxide", self.MADE_G, feed, Shift(day, 1200, NIGHT_S))
        self.account.expect("recovery-recovered", site.code)
