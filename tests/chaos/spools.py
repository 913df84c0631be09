"""The spools of the plants' gateways: every source's chain, and what it sent lately."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from chaos.country import GATEWAYS, key_id
from monazite_contracts import builders
from monazite_contracts.envelope import Source, record_key
from monazite_contracts.seal import seal_headers
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.chain import Chain
from monazite_producers.publisher import Outgoing

Json = dict[str, Any]


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

    def formed(self, events: list[Json]) -> Outgoing:
        """The next envelope of the chain."""
        message = self.seal(self.chain.form(events).value)
        self.recent.append(message)
        return message

    def released(self) -> list[Outgoing]:
        """What was held back for a while."""
        held, self.held = self.held, []
        return held


class Spools:
    """All of them, by plant, gateway and stream."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.known: dict[tuple[str, str, str], Spool] = {}

    def of(self, plant: str, gateway: str | None = None, stream: str = "production") -> Spool:
        """A plant's, begun if it has none yet."""
        gateway = gateway or self._random.choice(GATEWAYS)
        known = self.known.get((plant, gateway, stream))
        return known or self.started(plant, gateway, stream)

    def started(self, plant: str, gateway: str, stream: str) -> Spool:
        """A gateway's next incarnation."""
        before = self.known.get((plant, gateway, stream))
        incarnation = f"{self._random.getrandbits(128):032x}"
        source = builders.a_source(plant, gateway=gateway, stream=stream, incarnation=incarnation)
        spool = Spool(source, Chain(source, before.chain.last if before else None), key_id(plant, gateway))
        if before is not None:
            spool.held = before.held
        self.known[plant, gateway, stream] = spool
        return spool
