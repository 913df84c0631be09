"""What plants send in a chaos run: all of the story, at random but the same for every seed."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from datetime import date
from random import Random
from typing import Any

from chaos.country import LATE, OPERATORS, OWED, UNLISTED, key_id
from chaos.spools import Spool, Spools
from chaos.stating import Stating
from monazite_contracts import builders
from monazite_contracts.envelope import canonical, value_hash
from monazite_producers.chain import Chain
from monazite_producers.publisher import Outgoing

Json = dict[str, Any]
STRANGER = "nobody-knows"
"""A plant that is never registered."""


class Plants:
    """All plants. `send` gives the next few messages."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._spools = Spools(self._random)
        self._states = Stating(self._random)
        self._takeable: deque[tuple[Json, str]] = deque(maxlen=60)
        """What may be voided whole, and on which stream it was said."""
        self._stories: list[tuple[int, Callable[[], Iterator[Outgoing]]]] = [
            (40, self._usual),
            (10, self._amends),
            (6, self._repeats),
            (9, self._ships),
            (3, self._blends),
            (3, self._splits),
            (3, self._takes_back),
            (2, self._declares),
            (3, self._loses_for_a_while),
            (2, self._restarts),
            (2, self._forks),
            (2, self._repeats_an_event),
            (2, self._contradicts_itself),
            (2, self._breaks_the_contract),
            (2, self._rehearses),
            (2, self._is_not_known),
            (2, self._is_forged),
            (1, self._sends_noise),
            (1, self._loses_for_good),
            (1, self._amends_what_is_not_there),
            (1, self._is_misplaced),
        ]

    def opening(self) -> list[Outgoing]:
        """An overrun of a small cap that a correction clears at once."""
        spool = self._spools.of("tiny-mine", "gw-1")
        first = self._states.mined("tiny-mine", date(2025, 2, 1), mass_g=11_000_000, ppm=1_000_000)
        better = {"net_mass_kg": "9000.000", "claimed_reo_kg": "9000.000"}
        correction = builders.a_correction(first, better, record=self._states.record())
        return [spool.formed([first]), spool.formed([correction])]

    def send(self, stories: int = 1) -> list[Outgoing]:
        """The messages of so many further stories."""
        weights = [weight for weight, _ in self._stories]
        chosen = self._random.choices(self._stories, weights, k=stories)
        return [message for _, tell in chosen for message in tell()]

    def close_gaps(self) -> list[Outgoing]:
        """What was held back for a while."""
        return [message for spool in self._spools.known.values() for message in spool.released()]

    def _plant(self) -> str:
        return self._random.choice([plant for plant in OPERATORS if plant != "tiny-mine"])

    # --- the stories

    def _usual(self) -> Iterator[Outgoing]:
        plant = self._plant()
        events = [self._states.stated(plant) for _ in range(self._random.choice((1, 1, 2, 3, 8, 20)))]
        for event in events:
            self._states.remember(event, event)
        yield self._spools.of(plant).formed(events)

    def _amends(self) -> Iterator[Outgoing]:
        talkative = [plant for plant, known in sorted(self._states.current.items()) if known]
        if not talkative:
            return
        plant = self._random.choice(talkative)
        known = self._states.current[plant]
        events = []
        for _ in range(min(self._random.choice((1, 1, 2, 5)), len(known))):
            index = self._random.randrange(len(known))
            event, statement = known[index]
            del known[index]
            events.append(self._states.amendment(event, statement))
        yield self._spools.of(plant).formed(events)

    def _repeats(self) -> Iterator[Outgoing]:
        """A gateway sends again what it has not seen a receipt for; at times what it sent before its restart."""
        spools = [spool for spool in self._spools.known.values() if spool.recent]
        if spools:
            spool = self._random.choice(spools)
            yield self._random.choice(spool.recent)

    def _restarts(self) -> Iterator[Outgoing]:
        known = [(name, spool) for name, spool in self._spools.known.items() if spool.recent and name[0] != "tiny-mine"]
        if not known:
            return
        name, before = self._random.choice(known)
        spool = self._spools.started(*name)
        again = list(before.recent)[-2:]
        yield from again
        if name[2] == "production":
            event = self._states.stated(name[0])
            self._states.remember(event, event)
            yield spool.formed([event])

    def _ships(self) -> Iterator[Outgoing]:
        """A lot goes to another plant; at times its receipt overtakes it, or it never arrives."""
        plant = self._plant()
        if not (known := self._states.goods.get(plant)):
            return
        lot, product = self._random.choice(known)
        consignee = self._random.choice([other for other in OPERATORS if other != plant])
        sent, found = self._states.shipped(plant, consignee, lot, product)
        told = [self._spools.of(plant, stream="shipments").formed([sent])]
        self._may_take_back(sent, "shipments")
        if found is not None:
            told.append(self._spools.of(consignee, stream="shipments").formed([found]))
            self._may_take_back(found, "shipments")
            self._states.keep(consignee, lot, product)
        yield from told if self._random.random() < 0.7 else reversed(told)

    def _blends(self) -> Iterator[Outgoing]:
        plant = self._plant()
        if known := self._states.goods.get(plant):
            event = self._states.blended(plant, list(known))
            self._may_take_back(event, "production")
            self._states.keep(plant, event["data"]["lot"], event["data"]["product"])
            yield self._spools.of(plant).formed([event])

    def _splits(self) -> Iterator[Outgoing]:
        """Its parts go on under the name of what they were split from."""
        plant = self._plant()
        if known := self._states.goods.get(plant):
            lot, product = self._random.choice(known)
            event = self._states.split(plant, lot)
            self._may_take_back(event, "production")
            for child in event["data"]["children"]:
                self._states.keep(plant, child["lot"], product)
            yield self._spools.of(plant).formed([event])

    def _may_take_back(self, event: Json, stream: str) -> None:
        self._takeable.append((event, stream))

    def _takes_back(self) -> Iterator[Outgoing]:
        """A split, a blend, a dispatch, a receipt or a declaration is voided."""
        if self._takeable:
            index = self._random.randrange(len(self._takeable))
            event, stream = self._takeable[index]
            del self._takeable[index]
            void = builders.a_void(event, record=self._states.record(), plant=event["source"])
            yield self._spools.of(event["source"], stream=stream).formed([void])

    def _declares(self) -> Iterator[Outgoing]:
        plant, month = self._plant(), self._random.choice((*OWED, "2025-06"))
        declare = self._random.choice((builders.a_declaration, builders.a_nil_declaration))
        said = declare(plant=plant, record=self._states.record(), month=month)
        self._may_take_back(said, "declarations")
        yield self._spools.of(plant, stream="declarations").formed([said])

    def _loses_for_a_while(self) -> Iterator[Outgoing]:
        """Holds one envelope back and sends the next; what was held before comes now."""
        spool = self._spools.of(self._plant())
        late = spool.released()
        event = self._states.stated(spool.source.plant)
        self._states.remember(event, event)
        spool.held.append(spool.formed([event]))
        spool.recent.pop()
        yield spool.formed([self._states.stated(spool.source.plant)])
        yield from late

    def _loses_for_good(self) -> Iterator[Outgoing]:
        if self._random.random() < 0.2:
            spool = self._spools.of(self._plant())
            spool.formed([self._states.stated(spool.source.plant)])
            spool.recent.pop()
            yield spool.formed([self._states.stated(spool.source.plant)])

    def _forks(self) -> Iterator[Outgoing]:
        spool = self._spools.of(self._plant())
        before = Chain.__new__(Chain)
        before.__dict__.update(vars(spool.chain))
        yield spool.formed([self._states.stated(spool.source.plant)])
        other = spool.seal(before.form([self._states.stated(spool.source.plant)]).value)
        yield other
        if self._random.random() < 0.5:
            yield other

    def _repeats_an_event(self) -> Iterator[Outgoing]:
        plant = self._plant()
        event = self._states.stated(plant)
        self._states.remember(event, event)
        yield self._spools.of(plant).formed([event, event])
        yield self._spools.of(plant).formed([event])

    def _contradicts_itself(self) -> Iterator[Outgoing]:
        plant = self._plant()
        event = self._states.stated(plant)
        yield self._spools.of(plant).formed([event])
        yield self._spools.of(plant).formed([event | {"data": event["data"] | self._states.other_mass()}])

    def _breaks_the_contract(self) -> Iterator[Outgoing]:
        plant = self._plant()
        spool, good, bad = self._spools.of(plant), self._states.stated(plant), self._states.stated(plant)
        how = self._random.randrange(4)
        if how == 0:
            bad["data"]["net_mass_kg"] = "12 t"
        elif how == 1:
            bad["type"] = "monazite.rumour.v1"
        elif how == 2 and "period" in bad["data"]:
            bad["data"]["period"] = {"start": "2024-12-31T00:00:00+08:00", "end": "2025-01-02T00:00:00+08:00"}
        else:  # the envelope as a whole
            yield self._whole_refused(spool, good)
            return
        yield spool.formed([good, bad])

    def _whole_refused(self, spool: Spool, event: Json) -> Outgoing:
        """A field that no envelope has; the chain goes on from its hash."""
        value = spool.chain.form([event]).value
        odd = canonical(json.loads(value) | {"weather": "rain"})
        spool.chain._last_hash = value_hash(odd)
        return spool.seal(odd)

    def _rehearses(self) -> Iterator[Outgoing]:
        plant = self._plant()
        yield self._spools.of(plant).formed([self._states.stated(plant) | {"test": True}])

    def _is_not_known(self) -> Iterator[Outgoing]:
        how = self._random.randrange(3)
        if how == 0:
            spool = self._spools.of(STRANGER)
            yield spool.formed([self._states.stated(STRANGER)])
            return
        spool = self._spools.of("north-mine", "gw-1")
        value = spool.chain.form([self._states.stated("north-mine")]).value
        if how == 1:  # a key that is registered later, or another gateway's
            yield spool.seal(value, by=key_id("north-mine", "gw-1", 2))
        else:
            yield spool.seal(value, by=key_id(UNLISTED, "gw-1"))
            yield spool.seal(value)

    def _is_forged(self) -> Iterator[Outgoing]:
        spool = self._spools.of(self._plant())
        value = spool.chain.form([self._states.stated(spool.source.plant)]).value
        yield spool.seal(value, signed="a forger")
        yield spool.seal(value)

    def _sends_noise(self) -> Iterator[Outgoing]:
        spool = self._spools.of(self._plant())
        value = self._random.choice((b"hello", b"[1]", b'{"source": 7}', b"\xff\x00", b"{"))
        yield spool.seal(value)

    def _amends_what_is_not_there(self) -> Iterator[Outgoing]:
        plant = self._plant()
        never = self._states.stated(plant)
        yield self._spools.of(plant).formed([builders.a_void(never, record=self._states.record())])

    def _is_misplaced(self) -> Iterator[Outgoing]:
        spool = self._spools.of(self._plant())
        value = spool.chain.form([self._states.stated(spool.source.plant)]).value
        wrong = spool.seal(value)
        yield Outgoing(wrong.topic, b"somebody/else", wrong.value, wrong.headers, wrong.at)
        yield spool.seal(value)


__all__ = ["LATE", "Plants"]
