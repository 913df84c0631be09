"""Simulated gateways: each forms, keeps and seals envelopes with the code that a real one uses."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from nacl.signing import SigningKey

from monazite_contracts.envelope import Source, record_key
from monazite_contracts.events import Stream
from monazite_contracts.seal import encode_base64url, seal_headers
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.chain import Chain, FormedEnvelope
from monazite_producers.publisher import Outgoing
from monazite_producers.simulator.account import Account, Outcome

SINCE: Final = "2022-12-01T00:00:00+08:00"
"""Simulated keys are older than any simulated year's first message."""


ENVELOPE_EVENTS: Final = 250
"""Simulated events have about 1 kB: so many fit into one envelope with room to spare."""


class Wire:
    """Where gateways put their messages; handed out by the day, in the order of their instants."""

    def __init__(self, account: Account) -> None:
        """Empty."""
        self.account = account
        self._waiting: list[Outgoing] = []

    def put(self, message: Outgoing, outcome: Outcome) -> None:
        """Takes a message for today, and counts it."""
        self._waiting.append(message)
        self.account.sent(message.topic, outcome)

    def collect(self) -> tuple[Outgoing, ...]:
        """Everything that waits, oldest first; what has one instant keeps its order."""
        messages, self._waiting = sorted(self._waiting, key=lambda message: message.at), []
        return tuple(messages)


@dataclass(frozen=True, slots=True)
class Kept:
    """An envelope in a spool."""

    stream: Stream
    formed: FormedEnvelope
    events: Sequence[Any]


class SimulatedGateway:
    """One gateway of a plant, its key derived from the seed: worthless as a secret, by intent."""

    def __init__(self, plant: str, code: str, seed: int, wire: Wire) -> None:
        """Its first incarnation begins."""
        self.plant, self.code = plant, code
        self.key_id = f"{plant}.{code}.1"
        self.key = derived_key(f"{seed}/{self.key_id}")
        self.online = True
        self.spool: list[Kept] = []
        self.recent: deque[tuple[Outgoing, Sequence[Any]]] = deque(maxlen=3)
        """The newest messages of the production stream with their events: what a flood repeats."""
        self.record_key = record_key(plant, code)
        self._seed = seed
        self._wire = wire
        self._starts = 1
        self.chains: dict[Stream, Chain] = {}

    @property
    def name(self) -> str:
        """As alerts name it."""
        return f"{self.plant}/{self.code}"

    def entry(self) -> dict[str, Any]:
        """Its key, as the registry declares it."""
        public = encode_base64url(bytes(self.key.verify_key))
        return {"id": self.key_id, "plant": self.plant, "gateway": self.code, "public": public, "since": SINCE}

    def restart(self) -> None:
        """A new incarnation; its first envelopes name the last ones of this."""
        self._starts += 1
        self.chains = {stream: Chain(self._source(stream), chain.last) for stream, chain in self.chains.items()}

    def say(self, stream: Stream, events: Sequence[Any], at: datetime) -> None:
        """Forms envelopes and sends them, or keeps them while offline; all are expected to be applied."""
        for first in range(0, len(events), ENVELOPE_EVENTS):
            run = events[first : first + ENVELOPE_EVENTS]
            self.spool.append(Kept(stream, self.chain(stream).form(run), run))
        if self.online:
            self.flush(at)

    def flush(self, at: datetime) -> None:
        """Sends what is kept, oldest first."""
        waiting, self.spool = self.spool, []
        for kept in waiting:
            self.send(kept, at)

    def send(self, kept: Kept, at: datetime) -> None:
        """Sends one kept envelope, which is expected to stand with all its events applied."""
        message = self.sealed(kept.stream, kept.formed.value, at)
        self._wire.account.carried("applied", len(kept.events))
        self.put(message, "applied")
        if kept.stream is Stream.PRODUCTION:
            self.recent.append((message, kept.events))

    def put(self, message: Outgoing, outcome: Outcome) -> None:
        """Puts any message on the wire, with the outcome that it is expected to come to."""
        self._wire.put(message, outcome)

    def sealed(self, stream: Stream, value: bytes, at: datetime) -> Outgoing:
        """A message under the gateway's own seal."""
        headers = tuple(seal_headers(value, self.key_id, self.key))
        return Outgoing(PLANT_TOPICS[stream], self.record_key, value, headers, at)

    def chain(self, stream: Stream) -> Chain:
        """The stream's chain of this incarnation."""
        if stream not in self.chains:
            self.chains[stream] = Chain(self._source(stream))
        return self.chains[stream]

    def _source(self, stream: Stream) -> Source:
        return Source(plant=self.plant, gateway=self.code, stream=stream, incarnation=self._incarnation())

    def _incarnation(self) -> str:
        return sha256(f"{self._seed}/{self.name}/{self._starts}".encode()).hexdigest()[:32]


def derived_key(text: str) -> SigningKey:
    """A signing key that follows from a text."""
    return SigningKey(sha256(text.encode()).digest())
