"""A year of simulated plants as plain events, to be said in envelopes of any size, and what they must draw."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from monazite_contracts.envelope import Source, canonical
from monazite_contracts.events import Stream
from monazite_contracts.identifiers import event_id
from monazite_contracts.quantities import kilograms
from monazite_contracts.seal import seal_headers
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.chain import Chain
from monazite_producers.publisher import Outgoing
from monazite_producers.simulator import SimulationPlan, Trade, Year
from monazite_producers.simulator import World as Simulated
from monazite_producers.simulator.assaying import reo_grams
from monazite_producers.simulator.gateways import SimulatedGateway
from monazite_producers.simulator.sites import drawn

REGISTRY = Path(__file__).parents[2] / "deploy" / "registry"
YEAR, SEED = 2023, 71

SHORT_OF_CAP = {"guangdong": 88, "xiamen": 92}
"""Holders whose grants are cut to so many per cent of what their plants make: their caps are overrun."""

MISSTATED_EVERY = 400
"""One production in so many claims 2 % more REO than its mass and assay hold."""

SHANGHAI = timezone(timedelta(hours=8))

UNMEASURED = datetime(2023, 1, 1, tzinfo=UTC)
"""Of an outgoing message on the real clock: the broker stamps the arrival."""

CapName = tuple[str, str]
"""Holder and kind; every cap here is of one year."""


@dataclass(frozen=True, slots=True)
class Said:
    """One event and where it is published."""

    plant: str
    gateway: str
    stream: Stream
    event: dict[str, Any]


@dataclass(frozen=True)
class World:
    """Events in the order in which the plants said them, with the registry that they are judged by."""

    said: Sequence[Said]
    registry: Mapping[str, Any]
    gateways: Mapping[tuple[str, str], SimulatedGateway]
    year: int = YEAR

    def first(self, events: int) -> "World":
        """The same world with fewer events: every so many-th, so that all kinds keep their shares."""
        step = max(1, len(self.said) // events)
        return World(self.said[::step][:events], self.registry, self.gateways)

    def part(self, events: int) -> "World":
        """The same world, only its beginning."""
        return World(self.said[:events], self.registry, self.gateways)

    def renamed(self, name: str) -> "World":
        """The same statements about other lots under other records: nothing of it is a duplicate."""
        return World([_renamed(said, name) for said in self.said], self.registry, self.gateways)

    @cached_property
    def drawn_g(self) -> Counter[CapName]:
        """What each cap must have drawn, by the simulator's own arithmetic."""
        found = Counter[CapName]()
        for (holder, kind, _), grams in self.drawn_days_g.items():
            found[holder, kind] += grams
        return found

    @cached_property
    def drawn_days_g(self) -> Counter[tuple[str, str, date]]:
        """The same by day of production."""
        holders, found = holders_of(self.registry), Counter[tuple[str, str, date]]()
        for said in self.said:
            if said.event["type"] != "monazite.production.v1":
                continue
            data = said.event["data"]
            kind, grams = drawn(data, reo_grams(data["net_mass_kg"], data["assay"]))
            if kind is not None and grams:
                day = (datetime.fromisoformat(data["period"]["end"]) - timedelta(microseconds=1)).astimezone(SHANGHAI)
                for holder in holders[said.plant]:
                    found[holder, kind, day.date()] += grams
        return found

    def sealed(self, per: int, incarnation: str = "bench") -> Iterator[Outgoing]:
        """Chained, sealed envelopes of so many events; the last of each source holds what is left."""
        chains: dict[tuple[str, str, Stream], Chain] = {}
        waiting: dict[tuple[str, str, Stream], list[Any]] = defaultdict(list)
        for said in self.said:
            name = said.plant, said.gateway, said.stream
            waiting[name].append(said.event)
            if len(waiting[name]) == per:
                yield from self._formed(chains, name, waiting.pop(name), incarnation)
        for name, events in waiting.items():
            yield from self._formed(chains, name, events, incarnation)

    def _formed(
        self, chains: dict[Any, Chain], name: tuple[str, str, Stream], events: list[Any], incarnation: str
    ) -> Iterator[Outgoing]:
        plant, code, stream = name
        if name not in chains:
            number = sha256(f"{incarnation}/{plant}/{code}".encode()).hexdigest()[:32]
            chains[name] = Chain(Source(plant=plant, gateway=code, stream=stream, incarnation=number))
        gateway = self.gateways[plant, code]
        for formed in chains[name].form_all(events):
            headers = tuple(seal_headers(formed.value, gateway.key_id, gateway.key))
            yield Outgoing(PLANT_TOPICS[stream], gateway.record_key, formed.value, headers, UNMEASURED)

    def bare(self) -> Iterator[Outgoing]:
        """One event a message, without envelope and seal: what the peers read."""
        for said in self.said:
            key = self.gateways[said.plant, said.gateway].record_key
            yield Outgoing(PLANT_TOPICS[said.stream], key, canonical(said.event), (), UNMEASURED)


def simulated(events: int) -> World:
    """A world of at least so many events, cut to exactly so many."""
    asked = max(2_000, events + events // 20)
    while True:
        world = Simulated(SimulationPlan(REGISTRY, YEAR, asked, SEED))
        world.set_rates()
        gateways = {(gateway.plant, gateway.code): gateway for gateway in world.gateways}
        said = list(_all_said(Year(world, Trade(world), ()).days()))
        if len(said) >= events:
            return World(said[:events], _registry(world), gateways)
        asked += asked // 10


def _all_said(days: Iterable[Any]) -> Iterator[Said]:
    productions = 0
    for day in days:
        for message in day.messages:
            envelope = orjson.loads(message.value)
            source = envelope["source"]
            for event in envelope["events"]:
                if event["type"] == "monazite.production.v1":
                    productions += 1
                    if productions % MISSTATED_EVERY == 0:
                        misstate(event["data"])
                yield Said(source["plant"], source["gateway"], Stream(source["stream"]), event)


def misstated(said: Iterable[Said]) -> set[tuple[str, str]]:
    """Plant and month of every claim that is wrong."""
    return {
        (each.plant, each.event["data"]["period"]["end"][:7])
        for each in said
        if each.event["type"] == "monazite.production.v1" and _is_misstated(each.event["data"])
    }


def _is_misstated(data: dict[str, Any]) -> bool:
    reo_g = reo_grams(data["net_mass_kg"], data["assay"])
    return abs(int(data["claimed_reo_kg"].replace(".", "")) - reo_g) * 100 > reo_g


def misstate(data: dict[str, Any]) -> None:
    """Claims 2 % more than is there."""
    data["claimed_reo_kg"] = kilograms(reo_grams(data["net_mass_kg"], data["assay"]) * 102 // 100)


def _registry(world: Simulated) -> dict[str, Any]:
    """All that is in force at the year's end; events of that year are not old here."""
    declared = world.register.in_force(date(YEAR, 12, 31))
    cut = [
        entry | {"tonnes_reo": int(entry["tonnes_reo"]) * SHORT_OF_CAP.get(entry["holder"], 100) // 100}
        for entry in declared["allocations"]
    ]
    return declared | {"allocations": cut, "settings": [{"long_past_days": 36_500}]}


def holders_of(registry: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Whose caps each plant draws on: its enterprise and the groups above."""
    first, last = f"{YEAR}-01-01", f"{YEAR}-12-31"
    groups = {
        entry["member"]: entry["group"]
        for entry in registry["memberships"]
        if entry["since"] <= first and (entry.get("until") or "9999") > last
    }
    found = {}
    for operation in registry["operations"]:
        holders = [operation["enterprise"]]
        while (group := groups.get(holders[-1])) is not None:
            holders.append(group)
        found[operation["plant"]] = tuple(holders)
    return found


def _renamed(said: Said, name: str) -> Said:
    text = canonical(said.event).replace(b"/L", f"/{name}L".encode())
    event = orjson.loads(text)
    event["recordid"] = f"{name}{event['recordid']}"
    event["id"] = event_id(event["source"], event["sourcesystem"], event["recordid"])
    return Said(said.plant, said.gateway, said.stream, event)
