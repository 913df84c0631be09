"""Y exports yttrium on a licence, and goes on when there is nothing left on it."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from monazite_producers.simulator.chapters.invented import ISSUED, Role, Scene, a_separator
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.shipping import Buyer
from monazite_producers.simulator.works import YIELD_PER_MILLE, shift
from monazite_producers.simulator.world import World

IONIC: Final = "ionic-carbonate-concentrate"
PRODUCT: Final = "yttrium-oxide"
LICENCE: Final = "SIM-EXPORT-Y-1"
END_USER: Final = "Simulated Ceramics KK (simulated)"
LICENSED_KG: Final = "50000.000"
EXPORTED_G: Final = 20_000_000
"""REO of each export: the third is too much."""


class ExportOverLicence(Scene):
    """Three exports on a licence that has room for two."""

    def __init__(self, world: World) -> None:
        """A separation plant for ionic-type ore, and its licence."""
        super().__init__(world)
        self._site = a_separator(world, Role("y", ((ISSUED, 1200),), (((12, 31), 700),)))
        self._site.feed = self._site.imported_feed = IONIC
        self._site.country = "MM"
        licence: dict[str, Any] = {
            "number": LICENCE, "enterprise": "example-y", "form": "general", "products": [PRODUCT],
            "destination": "JP", "end_user": END_USER, "net_mass_kg": LICENSED_KG,
            "since": f"{world.plan.year}-01-01",
        }  # fmt: skip
        world.register.declare("licences", licence)

    def chapters(self) -> Sequence[Chapter]:
        """The first export, and the third."""
        return (
            Chapter(self.on(5, 30), "Example Rare Earth Y (invented) exports yttrium oxide under its licence.",
                    "no alert: 20 of 50 t"),
            Chapter(self.on(10, 31), "Y exports for the third time on a licence that had room for two.",
                    "alert licence-overdrawn on example-y"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """One export."""
        exports = [self.on(5, 30), self.on(8, 29), self.on(10, 31)]
        if day not in exports:
            return
        site = self._site
        feed = site.feed_for(EXPORTED_G * 1000 // YIELD_PER_MILLE, day)
        lot = site.set_aside(site.make("separated", PRODUCT, EXPORTED_G, feed, shift(day, 0, 2)))
        contents = [(lot, lot.left_g)]
        lot.left_g = 0
        papers = {
            "declaration": f"SIM-CUSTOMS-Y-{day:%m%d}", "destination": "JP", "end_user": END_USER, "licence": LICENCE,
        }  # fmt: skip
        site.ship(
            contents, Buyer({"kind": "named", "name": END_USER, "country": "JP"}, "export"), day, {"export": papers}
        )
        if day == exports[-1]:
            self.account.expect("licence-overdrawn", "example-y")
