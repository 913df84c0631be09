"""Amendments and dates: F keeps to the rules; P's office breaks each of them once."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from datetime import date, timedelta
from typing import Final

from monazite_contracts.events import Stream
from monazite_contracts.identifiers import event_id
from monazite_contracts.quantities import percent, ppm
from monazite_producers.simulator import records
from monazite_producers.simulator.capwatch import Posting
from monazite_producers.simulator.chapters.amending import (
    correct,
    correction,
    finalise,
    take_back,
    void,
    weigh_again,
    weighed,
)
from monazite_producers.simulator.chapters.crafting import (
    LOT_G,
    NIGHT_S,
    Held,
    craft_a_lot,
    hold_a_lot,
    state_a_lot,
    unposted_lot,
)
from monazite_producers.simulator.chapters.invented import ISSUED, Role, Scene, a_mine, at
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.records import Shift
from monazite_producers.simulator.world import World

PRODUCTION: Final = Stream.PRODUCTION


class OrdinaryAmendments(Scene):
    """F corrects a weighing, finalises an assay, and voids a record that was entered twice."""

    def __init__(self, world: World) -> None:
        """A mine with a careful office."""
        super().__init__(world)
        self._site = a_mine(world, Role("f", ((ISSUED, 1000),), (((12, 31), 600),)))
        self._held: list[Held] = []

    def chapters(self) -> Sequence[Chapter]:
        """The correction."""
        return (
            Chapter(self.on(5, 22), "Example Rare Earth F (invented) corrects a weighing, as anybody may.",
                    "the cap of F nets exactly; no alert"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """Three lots, and what becomes of each; none is shipped before that."""
        if day == self.on(5, 15):
            self._held = [hold_a_lot(self._site, day) for _ in range(3)]
            self._held[1].stated["data"]["assay"]["status"] = "provisional"
        elif day == self.on(5, 22):
            weigh_again(self._site, self._held[0], 98, day)
        elif day == self.on(5, 29):
            take_back(self._site, self._held[2], day)
        elif day == self.on(6, 5):
            provisional = self._held[1].stated["data"]["assay"]
            wetter = percent(ppm(provisional["moisture_pct"]) + 1000)
            finalise(self._site, self._held[1], provisional | {"status": "final", "moisture_pct": wetter}, day)


class CarelessOffice(Scene):
    """P breaks every rule of dates and amendments once, a week apart."""

    def __init__(self, world: World) -> None:
        """A mine with a second gateway, for the broken chain."""
        super().__init__(world)
        self._site = a_mine(world, Role("p", ((ISSUED, 1500),), (((12, 31), 700),)))
        self._second = world.gateway(self._site.code, "gw-2")
        self._stories: Mapping[date, Callable[[date], str]] = {
            self.on(6, 19): self._dates_ahead,
            self.on(6, 26): self._reports_february,
            self.on(7, 5): self._voids_nothing,
            self.on(7, 13): self._corrects_twice,
            self.on(7, 20): self._voids_a_void,
            self.on(7, 27): self._turns_a_lot_into_an_import,
            self.on(8, 3): self._restates_a_record,
            self.on(8, 10): self._moves_grams_to_another_kind,
        }

    def chapters(self) -> Sequence[Chapter]:
        """The series."""
        return (
            Chapter(self.on(6, 19), "The office of Example Rare Earth P (invented) breaks a rule of dates or amendments"
                    " each week until mid-August.", "an alert a rule on example-p-mine-1; chain-broken on a gateway"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """One story a week; the broken chain last."""
        story = self._stories.get(day)
        if story is not None:
            self.account.expect(story(day), self._site.code)
        if day == self.on(8, 17):
            self._breaks_the_chain(day)

    def _dates_ahead(self, day: date) -> str:
        self._lot_of(day, day + timedelta(days=1))
        return "event-in-future"

    def _reports_february(self, day: date) -> str:
        self._lot_of(day, self.on(2, 6))
        self.account.expect("declaration-differs", self._site.code)  # nobody mends the flow record of February
        self.account.expect("amendment-after-report", self._site.code)  # whose report was out in March
        return "event-long-past"

    def _lot_of(self, day: date, event_day: date) -> None:
        """A lot that is reported on one day and was made on another."""
        site = self._site
        lot = site.new_lot(site.product, "domestic", LOT_G)
        data = records.production("mined", lot, lot.reo_g, (), Shift(event_day, 0, NIGHT_S))
        site.state("production", PRODUCTION, records.clock(day, NIGHT_S), data)
        site.keep(lot, "made_kg")
        self.account.draw(site.code, "mining_rock", Posting(day, event_day, lot.reo_g))

    def _voids_nothing(self, day: date) -> str:
        nowhere = {"id": event_id(self._site.code, records.SYSTEM, "NEVER"), "hash": "0" * 64}
        moment = records.clock(day, NIGHT_S)
        data = {"target": nowhere, "reason": "other", "voided_at": moment}
        self._site.state("void", PRODUCTION, moment, data)
        return "amendment-without-target"

    def _corrects_twice(self, day: date) -> str:
        held = hold_a_lot(self._site, day)
        stated = held.stated
        weigh_again(self._site, held, 99, day)
        rival = stated["data"] | weighed(stated, 97)
        correction(self._site, stated, {"type": stated["type"], "data": rival}, day)
        return "amendment-rival"

    def _voids_a_void(self, day: date) -> str:
        taken_back = take_back(self._site, hold_a_lot(self._site, day), day)
        void(self._site, taken_back, day)
        return "void-of-void"

    def _turns_a_lot_into_an_import(self, day: date) -> str:
        stated = state_a_lot(self._site, day)
        line = {name: stated["data"][name] for name in ("lot", "product", "net_mass_kg", "assay", "claimed_reo_kg")}
        papers = {
            "declaration": "SIM-P-0727", "country_of_origin": "AU", "exporter": "Simulated Ore Trading (simulated)",
            "imported_at": records.clock(day, NIGHT_S),
        }  # fmt: skip
        correction(self._site, stated, {"type": "monazite.import.v1", "data": line | papers}, day)
        return "amendment-out-of-scope"

    def _restates_a_record(self, day: date) -> str:
        gateway = self._site.production
        stated = craft_a_lot(self._site, day)
        gateway.say(PRODUCTION, [stated], at(day, 11))
        other = stated | {"data": stated["data"] | weighed(stated, 96)}
        formed = gateway.chain(PRODUCTION).form([other])
        gateway.put(gateway.sealed(PRODUCTION, formed.value, at(day, 12)), "applied")
        self.account.carried("awaiting", 1)
        return "event-conflict"

    def _moves_grams_to_another_kind(self, day: date) -> str:
        stated = hold_a_lot(self._site, day).stated  # set aside for good: nobody is sent what is two things at once
        correct(self._site, stated, {"product": "ionic-carbonate-concentrate"}, day)
        return "amendment-moves-year"

    def _breaks_the_chain(self, day: date) -> None:
        """The second envelope names a first one that nobody was sent."""
        chain = self._second.chain(PRODUCTION)
        other = copy(chain)
        self._second.say(PRODUCTION, [craft_a_lot(self._site, day)], at(day, 9))
        other.form([unposted_lot(self._site, day, "UNSENT-1")])
        formed = other.form([craft_a_lot(self._site, day)])
        self.account.carried("applied", 1)
        self._second.put(self._second.sealed(PRODUCTION, formed.value, at(day, 10)), "applied")
        self.account.expect("chain-broken", self._second.name)
