"""What messages say or fail to say: forgeries, malformed ones, wrong claims, lots made twice, ore at a recycler."""

from collections.abc import Sequence
from copy import copy
from datetime import date

from monazite_contracts.events import Stream
from monazite_contracts.seal import seal_headers
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.publisher import Outgoing
from monazite_producers.simulator import records
from monazite_producers.simulator.account import Outcome
from monazite_producers.simulator.chapters.crafting import LOT_G, NIGHT_S, craft_a_lot, state_a_lot, unposted_lot
from monazite_producers.simulator.chapters.invented import ISSUED, Role, Scene, a_mine, a_recycler, at
from monazite_producers.simulator.gateways import derived_key
from monazite_producers.simulator.plan import Chapter
from monazite_producers.simulator.records import Shift
from monazite_producers.simulator.world import World

PRODUCTION = Stream.PRODUCTION
REFUSED: Outcome = "refused"
AWAITING: Outcome = "awaiting"
TOPIC = PLANT_TOPICS[PRODUCTION]


class Forgeries(Scene):
    """Somebody writes in the name of H: under a wrong key, a borrowed seal, and a key that nobody registered."""

    def __init__(self, world: World) -> None:
        """The mine whose name is misused."""
        super().__init__(world)
        self._site = a_mine(world, Role("h", ((ISSUED, 1000),), (((12, 31), 700),)))

    def chapters(self) -> Sequence[Chapter]:
        """The forgeries."""
        return (
            Chapter(self.on(5, 9), "Somebody forges envelopes of Example Rare Earth H (invented).",
                    "refused under alert seal-false; one under an unknown key awaits; H's chain and cap are untouched"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """Three forgeries of H's next envelope."""
        if day != self.on(5, 9):
            return
        gateway = self._site.production
        forger = derived_key(f"{self.world.plan.seed}/forger")
        value = self._forged(day)
        # A wrong key, a true seal over other bytes, and a key that nobody registered.
        forged = (
            (seal_headers(value, gateway.key_id, forger), REFUSED),
            (seal_headers(b"{}", gateway.key_id, gateway.key), REFUSED),
            (seal_headers(value, "nobody.1", forger), AWAITING),
        )
        for minute, (headers, outcome) in enumerate(forged):
            message = Outgoing(TOPIC, gateway.record_key, value, tuple(headers), at(day, 9, minute))
            gateway.put(message, outcome)
        self.account.expect("seal-false", gateway.name)
        self.account.expect("source-unknown", gateway.name)

    def _forged(self, day: date) -> bytes:
        chain = copy(self._site.production.chain(PRODUCTION))
        return chain.form([unposted_lot(self._site, day, "FORGED-1")]).value


class Malformed(Scene):
    """I's gateway sends what cannot be read, beside what can."""

    def __init__(self, world: World) -> None:
        """A mine with one gateway."""
        super().__init__(world)
        self._site = a_mine(world, Role("i", ((ISSUED, 1000),), (((12, 31), 700),)))

    def chapters(self) -> Sequence[Chapter]:
        """The broken and the good."""
        return (
            Chapter(self.on(5, 23), "A gateway of Example Rare Earth I (invented) sends broken and good messages.",
                    "refusals, each with rule and remedy; the good beside them are applied"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """What is no envelope, then an envelope with one bad event, then a good one with a binary header."""
        if day != self.on(5, 23):
            return
        gateway = self._site.production
        for minute, value in enumerate((b"\xff\xfenot JSON{", b'{"hello":"world"}', b"[]", None)):
            headers = tuple(seal_headers(value or b"", gateway.key_id, gateway.key))
            gateway.put(Outgoing(TOPIC, gateway.record_key, value, headers, at(day, 9, minute)), "refused")
        self.account.expect("unreadable", TOPIC)
        self._one_bad_event(day)
        self._binary_header(day)

    def _one_bad_event(self, day: date) -> None:
        gateway = self._site.production
        good = [craft_a_lot(self._site, day) for _ in range(2)]
        bad = unposted_lot(self._site, day, "BAD-1") | {"colour": "green"}
        formed = gateway.chain(PRODUCTION).form([good[0], bad, good[1]])
        gateway.put(gateway.sealed(PRODUCTION, formed.value, at(day, 10)), "applied")
        self.account.carried("applied", 2)
        self.account.carried("refused", 1)
        self.account.expect("contract-refused", gateway.name)

    def _binary_header(self, day: date) -> None:
        gateway = self._site.production
        good = craft_a_lot(self._site, day)
        sealed = gateway.sealed(PRODUCTION, gateway.chain(PRODUCTION).form([good]).value, at(day, 10, 1))
        headers = (("trace", b"\xff\x00\xfe"), *sealed.headers, ("span", None))
        gateway.put(Outgoing(sealed.topic, sealed.key, sealed.value, headers, sealed.at), "applied")
        self.account.carried("applied", 1)


class WrongClaims(Scene):
    """M claims three per cent more REO than mass and assay say, for a week."""

    def __init__(self, world: World) -> None:
        """A mine with a careless office."""
        super().__init__(world)
        self._site = a_mine(world, Role("m", ((ISSUED, 1000),), (((12, 31), 700),)))

    def chapters(self) -> Sequence[Chapter]:
        """The claims."""
        return (
            Chapter(self.on(6, 5), "Example Rare Earth M (invented) claims 3 % more REO than its lots hold.",
                    "alert claimed-reo on example-m-mine-1; the cap is drawn by mass and assay"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """A wrong claim a day."""
        if self.on(6, 5) <= day < self.on(6, 12):
            lot = self._site.new_lot(self._site.product, "domestic", LOT_G)
            data = records.production("mined", lot, lot.reo_g * 103 // 100, (), Shift(day, 0, NIGHT_S))
            self._site.state("production", PRODUCTION, records.clock(day, NIGHT_S), data)
            self._site.draw(data, lot.reo_g, day)
            self._site.keep(lot, "made_kg")
            self.account.expect("claimed-reo", self._site.code)
            self.account.expect("claimed-bias", self._site.code)  # a week of 3 % is more than 0.1 % of any June
            self.account.expect("claimed-bias-year", self._site.code)  # and more than 0.05 % of half a year


class LotMadeTwice(Scene):
    """N gives two lots one number; both were made, both draw."""

    def __init__(self, world: World) -> None:
        """A mine with a careless office."""
        super().__init__(world)
        self._site = a_mine(world, Role("n", ((ISSUED, 1000),), (((12, 31), 700),)))

    def chapters(self) -> Sequence[Chapter]:
        """The second lot."""
        return (
            Chapter(self.on(9, 4), "Example Rare Earth N (invented) gives a second lot a number that it has used.",
                    "alert lot-reused on the plant; both statements draw"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """Both lots on one day."""
        if day != self.on(9, 4):
            return
        first = state_a_lot(self._site, day)["data"]
        lot = self._site.new_lot(self._site.product, "domestic", LOT_G)
        lot.code = first["lot"]
        data = records.production("mined", lot, lot.reo_g, (), Shift(day, NIGHT_S, 2 * NIGHT_S))
        self._site.state("production", PRODUCTION, records.clock(day, 2 * NIGHT_S), data)
        self._site.draw(data, lot.reo_g, day)
        self._site.keep(lot, "made_kg")
        self.account.expect("lot-reused", self._site.code)


class OreAtARecycler(Scene):
    """O is a recycler and uses concentrate that it bought abroad."""

    def __init__(self, world: World) -> None:
        """A recycler."""
        super().__init__(world)
        self._site = a_recycler(world, Role("o", (), ()))

    def chapters(self) -> Sequence[Chapter]:
        """The ore."""
        return (
            Chapter(self.on(8, 28), "The recycler Example Rare Earth O (invented) uses ore concentrate as feed.",
                    "alert recycler-used-ore on example-o-recycler-1; nothing is drawn"),
        )  # fmt: skip

    def play(self, day: date) -> None:
        """One lot recovered from ore."""
        if day != self.on(8, 28):
            return
        ore, landed_at = self._site.new_lot("monazite-concentrate", "imported", LOT_G), records.clock(day, 600)
        papers = {
            "declaration": "SIM-O-0828", "country_of_origin": "AU", "exporter": "Simulated Ore Trading (simulated)",
            "imported_at": landed_at,
        }  # fmt: skip
        self._site.enter("import", ore, landed_at, papers)
        self._site.recover(ore, Shift(day, 1200, NIGHT_S))
        self.account.expect("recycler-used-ore", self._site.code)
        self.account.expect("recycled-differs", self._site.code)
