"""What plants send in a chaos run: all of the story, at random but the same for every seed."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from chaos.country import GATEWAYS, LATE, OPERATORS, UNLISTED, key_id
from monazite_contracts import builders
from monazite_contracts.envelope import Source, canonical, record_key, value_hash
from monazite_contracts.quantities import kilograms, percent
from monazite_contracts.seal import seal_headers
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.chain import Chain
from monazite_producers.publisher import Outgoing

Json = dict[str, Any]
DAYS = [date(2024, 5, 31), date(2024, 12, 31), date(2025, 1, 10), date(2025, 6, 30), date(2025, 7, 1), date(2026, 9, 9)]
OUTCOMES = ("accepted", "short", "over", "refused", "partly_refused")
FUTURE = date(2098, 3, 3)
STRANGER = "nobody-knows"
"""A plant that is never registered."""


@dataclass
class Spool:
    """One source's chain, and what it sent lately."""

    source: Source
    chain: Chain
    key_id: str
    recent: deque[Outgoing] = field(default_factory=lambda: deque(maxlen=6))
    held: list[Outgoing] = field(default_factory=list)

    def seal(self, value: bytes, *, by: str | None = None, signed: str | None = None) -> Outgoing:
        """A value under this source's seal, or under somebody else's."""
        key = by or self.key_id
        headers = tuple(seal_headers(value, key, builders.a_signing_key(signed or key)))
        topic, name = PLANT_TOPICS[self.source.stream], record_key(self.source.plant, self.source.gateway)
        return Outgoing(topic, name, value, headers, datetime.now(UTC))


class Plants:
    """All plants. `send` gives the next few messages."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._spools: dict[tuple[str, str, str], Spool] = {}
        self._records = 0
        self._current: dict[str, deque[tuple[Json, Json]]] = {}
        """Of each plant: the newest event of a statement, and the statement as it says it now."""
        self._goods: dict[str, deque[tuple[str, str]]] = {}
        """Of each plant: lots that it made or took in, with their products."""
        self._stories: list[tuple[int, Callable[[], Iterator[Outgoing]]]] = [
            (40, self._usual),
            (10, self._amends),
            (6, self._repeats),
            (9, self._ships),
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
        spool = self._spool("tiny-mine", "gw-1")
        first = self._mined("tiny-mine", date(2025, 2, 1), mass_g=11_000_000, ppm=1_000_000)
        better = {"net_mass_kg": "9000.000", "claimed_reo_kg": "9000.000"}
        correction = builders.a_correction(first, better, record=self._record())
        return [self._formed(spool, [first]), self._formed(spool, [correction])]

    def send(self, stories: int = 1) -> list[Outgoing]:
        """The messages of so many further stories."""
        weights = [weight for weight, _ in self._stories]
        chosen = self._random.choices(self._stories, weights, k=stories)
        return [message for _, tell in chosen for message in tell()]

    def close_gaps(self) -> list[Outgoing]:
        """What was held back for a while."""
        return [message for spool in self._spools.values() for message in self._released(spool)]

    # --- who speaks

    def _plant(self) -> str:
        return self._random.choice([plant for plant in OPERATORS if plant != "tiny-mine"])

    def _spool(self, plant: str, gateway: str | None = None, stream: str = "production") -> Spool:
        gateway = gateway or self._random.choice(GATEWAYS)
        known = self._spools.get((plant, gateway, stream))
        return known or self._started(plant, gateway, stream)

    def _started(self, plant: str, gateway: str, stream: str) -> Spool:
        before = self._spools.get((plant, gateway, stream))
        incarnation = f"{self._random.getrandbits(128):032x}"
        source = builders.a_source(plant, gateway=gateway, stream=stream, incarnation=incarnation)
        spool = Spool(source, Chain(source, before.chain.last if before else None), key_id(plant, gateway))
        if before is not None:
            spool.held = before.held
        self._spools[plant, gateway, stream] = spool
        return spool

    def _formed(self, spool: Spool, events: list[Json]) -> Outgoing:
        message = spool.seal(spool.chain.form(events).value)
        spool.recent.append(message)
        return message

    def _record(self) -> str:
        self._records += 1
        return f"R-{self._records}"

    # --- what a plant states

    def _assay(self, ppm: int) -> Json:
        if self._random.random() < 0.5:
            moisture = percent(self._random.randrange(0, 200_000))
            return builders.an_assay(moisture_pct=moisture, treo_pct=percent(ppm))
        return builders.an_oxide_assay(treo_pct=percent(ppm))

    def _weighed(self, mass_g: int | None, ppm: int | None, assay: Json | None = None) -> Json:
        """A mass and its assay; one in three comes to exactly half a gram, which tells how it is rounded."""
        chosen = self._random.randrange(3)
        if mass_g is None and chosen == 0:
            mass_g, assay = self._random.choice((1_000, 3_000, 5_000)), builders.an_oxide_assay(treo_pct="0.0500")
        mass_g = mass_g or self._random.randrange(1, 9_000_000)
        if assay is None:
            assay = (
                builders.an_oxide_assay(treo_pct=percent(ppm)) if ppm else self._assay(self._random.randrange(1, 10**6))
            )
        # The claim is right or far off: near the tolerance two readers of the same figures agree anyway.
        return {"net_mass_kg": kilograms(mass_g), "assay": assay, "claimed_reo_kg": kilograms(mass_g)}

    def _mined(self, plant: str, day: date, *, mass_g: int | None = None, ppm: int | None = None) -> Json:
        product = self._random.choice(("bastnaesite-concentrate",) * 3 + ("ionic-oxide-concentrate",))
        product = "bastnaesite-concentrate" if mass_g else product
        return builders.a_production(
            plant=plant, record=self._record(), product=product, period=_period(day), **self._weighed(mass_g, ppm)
        )

    def _made(self, plant: str, day: date) -> Json:
        activity = self._random.choice(("separated",) * 3 + ("recovered", "smelted"))
        inputs = [
            builders.an_input(product=product, **_without_claim(self._weighed(None, None)))
            for product in self._random.sample(("bastnaesite-concentrate", "lanthanum-oxide", "mixed-oxide"), 2)
        ]
        if (known := self._goods.get(plant)) and self._random.random() < 0.5:
            inputs = [
                builders.an_input(lot=lot, product=product, **_without_claim(self._weighed(None, None)))
                for lot, product in dict(self._random.choices(known, k=2)).items()
                if not product.endswith("metal")  # whose assay is another
            ] or inputs
        weighed = self._weighed(None, None)
        if activity == "smelted":
            weighed["assay"] = builders.a_metal_assay(Nd=percent(self._random.randrange(1, 750_000)), Pr="24.5001")
        product = "ndpr-metal" if activity == "smelted" else "ndpr-oxide"
        return builders.a_separation(
            plant=plant, record=self._record(), activity=activity, product=product, inputs=inputs,
            period=_period(day), origin=self._random.choice(("domestic",) * 4 + ("recycled",)), **weighed,
        )  # fmt: skip

    def _stated(self, plant: str) -> Json:
        day = self._random.choice(DAYS) if self._random.random() > 0.01 else FUTURE
        chosen = self._random.random()
        if chosen < 0.08:
            at = f"{day}T09:00:00+08:00"
            return builders.an_import(plant=plant, record=self._record(), imported_at=at, **self._weighed(None, None))
        if chosen < 0.12:
            at = f"{day}T09:00:00+08:00"
            record = self._record()
            return builders.a_scrap_intake(plant=plant, record=record, taken_in_at=at, **self._weighed(None, None))
        event = self._mined(plant, day) if plant.endswith("mine") else self._made(plant, day)
        if chosen > 0.985:  # a lot number that is used before
            event["data"]["lot"] = f"{plant}/USED-{self._random.randrange(3)}"
        return event

    def _remember(self, event: Json, statement: Json) -> None:
        self._current.setdefault(statement["source"], deque(maxlen=200)).append((event, statement))
        self._keep(statement["source"], statement["data"]["lot"], statement["data"]["product"])

    # --- the stories

    def _usual(self) -> Iterator[Outgoing]:
        plant = self._plant()
        events = [self._stated(plant) for _ in range(self._random.choice((1, 1, 2, 3, 8, 20)))]
        for event in events:
            self._remember(event, event)
        yield self._formed(self._spool(plant), events)

    def _amends(self) -> Iterator[Outgoing]:
        talkative = [plant for plant, known in sorted(self._current.items()) if known]
        if not talkative:
            return
        plant = self._random.choice(talkative)
        known = self._current[plant]
        events = []
        for _ in range(min(self._random.choice((1, 1, 2, 5)), len(known))):
            index = self._random.randrange(len(known))
            event, statement = known[index]
            del known[index]
            events.append(self._amendment(event, statement))
        yield self._formed(self._spool(plant), events)

    def _amendment(self, event: Json, statement: Json) -> Json:
        named = statement | {"id": event["id"], "recordid": event["recordid"]}
        target, record, plant = builders.a_target(event), self._record(), statement["source"]
        how = self._random.random()
        if how < 0.3:
            return builders.a_void(named, record=record, plant=plant, target=target)
        if how < 0.45 and statement["data"].get("assay", {}).get("basis") in {"dry", "as_received"}:
            assay = builders.an_assay(treo_pct=percent(self._random.randrange(1, 1_000_000)))
            made = builders.an_assay_finalised(named, record=record, plant=plant, assay=assay, target=target)
            self._remember(made, statement | {"data": statement["data"] | {"assay": assay}})
            return made
        changes = self._weighed(None, None)
        if statement["data"]["assay"]["basis"] == "metal":
            changes = {"net_mass_kg": changes["net_mass_kg"]}
        if "period" in statement["data"] and self._random.random() < 0.4:
            changes["period"] = _period(self._random.choice(DAYS))
        made = builders.a_correction(named, changes, record=record, plant=plant, target=target)
        self._remember(made, statement | {"data": statement["data"] | changes})
        if self._random.random() < 0.05:  # and somebody amends the older version once more, or a void
            self._remember(event, statement)
        return made

    def _repeats(self) -> Iterator[Outgoing]:
        """A gateway sends again what it has not seen a receipt for; at times what it sent before its restart."""
        spools = [spool for spool in self._spools.values() if spool.recent]
        if spools:
            spool = self._random.choice(spools)
            yield self._random.choice(spool.recent)

    def _restarts(self) -> Iterator[Outgoing]:
        known = [(name, spool) for name, spool in self._spools.items() if spool.recent and name[0] != "tiny-mine"]
        if not known:
            return
        name, before = self._random.choice(known)
        spool = self._started(*name)
        again = list(before.recent)[-2:]
        yield from again
        if name[2] == "production":
            event = self._stated(name[0])
            self._remember(event, event)
            yield self._formed(spool, [event])

    def _ships(self) -> Iterator[Outgoing]:
        """A lot goes to another plant; at times its receipt overtakes it, or it never arrives."""
        plant = self._plant()
        if not (known := self._goods.get(plant)):
            return
        lot, product = self._random.choice(known)
        consignee = self._random.choice([other for other in OPERATORS if other != plant])
        day, record, mass_g = self._random.choice(DAYS), self._record(), self._random.randrange(10, 3_000_000)
        sent = builders.a_dispatch(
            plant=plant, record=record, waybill=f"W-{record}", consignee={"kind": "plant", "plant": consignee},
            lines=[{"lot": lot, "product": product, "net_mass_kg": kilograms(mass_g)}],
            dispatched_at=f"{day}T12:00:00+08:00",
        )  # fmt: skip
        told = [self._formed(self._spool(plant, stream="shipments"), [sent])]
        if (outcome := self._random.choice((*OUTCOMES, "accepted", "never"))) != "never":
            found = builders.a_receipt_of_goods(
                plant=consignee, record=f"{record}-IN", waybill=f"W-{record}", outcome=outcome,
                consignor={"kind": "plant", "plant": plant}, lines=[_found(lot, outcome, mass_g)],
                received_at=f"{day}T18:00:00+08:00",
            )  # fmt: skip
            told.append(self._formed(self._spool(consignee, stream="shipments"), [found]))
            self._keep(consignee, lot, product)
        yield from told if self._random.random() < 0.7 else reversed(told)

    def _declares(self) -> Iterator[Outgoing]:
        plant, month = self._plant(), self._random.choice(("2025-05", "2025-06", "2026-09"))
        declare = self._random.choice((builders.a_declaration, builders.a_nil_declaration))
        said = declare(plant=plant, record=self._record(), month=month)
        yield self._formed(self._spool(plant, stream="declarations"), [said])

    def _keep(self, plant: str, lot: str, product: str) -> None:
        if "USED" not in lot:  # a number that is used again may go into itself
            self._goods.setdefault(plant, deque(maxlen=30)).append((lot, product))

    def _loses_for_a_while(self) -> Iterator[Outgoing]:
        """Holds one envelope back and sends the next; what was held before comes now."""
        spool = self._spool(self._plant())
        late = self._released(spool)
        event = self._stated(spool.source.plant)
        self._remember(event, event)
        spool.held.append(self._formed(spool, [event]))
        spool.recent.pop()
        yield self._formed(spool, [self._stated(spool.source.plant)])
        yield from late

    def _released(self, spool: Spool) -> list[Outgoing]:
        held, spool.held = spool.held, []
        return held

    def _loses_for_good(self) -> Iterator[Outgoing]:
        if self._random.random() < 0.2:
            spool = self._spool(self._plant())
            self._formed(spool, [self._stated(spool.source.plant)])
            spool.recent.pop()
            yield self._formed(spool, [self._stated(spool.source.plant)])

    def _forks(self) -> Iterator[Outgoing]:
        spool = self._spool(self._plant())
        before = Chain.__new__(Chain)
        before.__dict__.update(vars(spool.chain))
        yield self._formed(spool, [self._stated(spool.source.plant)])
        other = spool.seal(before.form([self._stated(spool.source.plant)]).value)
        yield other
        if self._random.random() < 0.5:
            yield other

    def _repeats_an_event(self) -> Iterator[Outgoing]:
        plant = self._plant()
        event = self._stated(plant)
        self._remember(event, event)
        yield self._formed(self._spool(plant), [event, event])
        yield self._formed(self._spool(plant), [event])

    def _contradicts_itself(self) -> Iterator[Outgoing]:
        plant = self._plant()
        event = self._stated(plant)
        yield self._formed(self._spool(plant), [event])
        yield self._formed(self._spool(plant), [event | {"data": event["data"] | self._other_mass()}])

    def _other_mass(self) -> Json:
        return {"net_mass_kg": kilograms(self._random.randrange(1, 9_000_000))}

    def _breaks_the_contract(self) -> Iterator[Outgoing]:
        plant = self._plant()
        spool, good, bad = self._spool(plant), self._stated(plant), self._stated(plant)
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
        yield self._formed(spool, [good, bad])

    def _whole_refused(self, spool: Spool, event: Json) -> Outgoing:
        """A field that no envelope has; the chain goes on from its hash."""
        value = spool.chain.form([event]).value
        odd = canonical(json.loads(value) | {"weather": "rain"})
        spool.chain._last_hash = value_hash(odd)
        return spool.seal(odd)

    def _rehearses(self) -> Iterator[Outgoing]:
        plant = self._plant()
        yield self._formed(self._spool(plant), [self._stated(plant) | {"test": True}])

    def _is_not_known(self) -> Iterator[Outgoing]:
        how = self._random.randrange(3)
        if how == 0:
            spool = self._spool(STRANGER)
            yield self._formed(spool, [self._stated(STRANGER)])
            return
        spool = self._spool("north-mine", "gw-1")
        value = spool.chain.form([self._stated("north-mine")]).value
        if how == 1:  # a key that is registered later, or another gateway's
            yield spool.seal(value, by=key_id("north-mine", "gw-1", 2))
        else:
            yield spool.seal(value, by=key_id(UNLISTED, "gw-1"))
            yield spool.seal(value)

    def _is_forged(self) -> Iterator[Outgoing]:
        spool = self._spool(self._plant())
        value = spool.chain.form([self._stated(spool.source.plant)]).value
        yield spool.seal(value, signed="a forger")
        yield spool.seal(value)

    def _sends_noise(self) -> Iterator[Outgoing]:
        spool = self._spool(self._plant())
        value = self._random.choice((b"hello", b"[1]", b'{"source": 7}', b"\xff\x00", b"{"))
        yield spool.seal(value)

    def _amends_what_is_not_there(self) -> Iterator[Outgoing]:
        plant = self._plant()
        never = self._stated(plant)
        yield self._formed(self._spool(plant), [builders.a_void(never, record=self._record())])

    def _is_misplaced(self) -> Iterator[Outgoing]:
        spool = self._spool(self._plant())
        value = spool.chain.form([self._stated(spool.source.plant)]).value
        wrong = spool.seal(value)
        yield Outgoing(wrong.topic, b"somebody/else", wrong.value, wrong.headers, wrong.at)
        yield spool.seal(value)


def _period(day: date) -> Json:
    return {"start": f"{day}T00:00:00+08:00", "end": f"{day + timedelta(days=1)}T00:00:00+08:00"}


def _found(lot: str, outcome: str, sent_g: int) -> Json:
    """What a consignee finds of what was sent."""
    accepted_g = {"short": sent_g - sent_g // 10, "over": sent_g + 1 + sent_g // 10, "refused": 0}.get(outcome, sent_g)
    refused_g = {"refused": sent_g, "partly_refused": sent_g // 2}.get(outcome, 0)
    accepted_g -= refused_g if outcome == "partly_refused" else 0
    reason = {} if outcome == "accepted" else {"reason": "other"}
    return {"lot": lot, "accepted_kg": kilograms(accepted_g), "refused_kg": kilograms(refused_g)} | reason


def _without_claim(weighed: Json) -> Json:
    return {name: value for name, value in weighed.items() if name != "claimed_reo_kg"}


__all__ = ["LATE", "Plants"]
