"""Messages: who is vouched for, who stands at each sequence, and what receipts must say."""

import json
from base64 import urlsafe_b64decode
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from chaos.oracle.facts import Json, day_of, sha
from chaos.oracle.registry import Registry


class Message(NamedTuple):
    """What the broker acknowledged, and where."""

    topic: str
    partition: int
    generation: int
    offset: int
    at_ms: int
    key: bytes
    headers: tuple[tuple[str, bytes | None], ...]
    value: bytes

    @property
    def coordinate(self) -> tuple[str, int, int, int]:
        return self.topic, self.partition, self.generation, self.offset

    @property
    def order(self) -> tuple[Any, ...]:
        return (self.at_ms, *self.coordinate)

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=self.at_ms)


class End:
    """The end state."""

    def __init__(self) -> None:
        self.messages: dict[Any, str] = {}
        self.events: dict[Any, str] = {}
        self.raised: set[tuple[str, str, str]] = set()
        self.lots: Counter[Any] = Counter()
        self.makers: list[tuple[str, Any]] = []
        self.holdings: Counter[Any] = Counter()
        self.flows: dict[Any, Any] = {}
        self.output: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0])
        """Of plant, month, activity and product: grams, grams of REO, and grams by a lawful chain."""
        self.declared: dict[tuple[str, str], str] = {}
        """Of each plant's month that was owed: how its flow record stands."""
        self.figures: dict[Any, Any] = {}
        """What the nation's reports say."""
        self.shipments: dict[str, Any] = {}
        self.caps: dict[Any, Any] = {}
        self.receipts: dict[str, Any] = {}
        self.lawful: Callable[[str], bool] = lambda _: False
        """Whether a lot's chain ends lawfully."""
        self.cap_days: dict[Any, dict[date, list[int]]] = {}
        """Of each cap what was drawn on each day, as it stands and as it was first stated."""
        self.draws: dict[Any, list[int]] = defaultdict(lambda: [0, 0])


@lru_cache(maxsize=100_000)
def verifies(public: str, seal: str, value: bytes) -> bool:
    kind = b"application/vnd.monazite.envelope+json"
    encoded = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(value), value)
    try:
        VerifyKey(urlsafe_b64decode(public + "=")).verify(encoded, urlsafe_b64decode(seal + "=="))
    except (BadSignatureError, ValueError):
        return False
    return True


def source_of(envelope: Json) -> str:
    return "/".join(envelope["source"][name] for name in ("plant", "gateway", "stream", "incarnation"))


def gateway_of(source: str) -> str:
    return "/".join(source.split("/")[:2])


def vouch(message: Message, registry: Registry, end: End) -> tuple[str | None, str, Json]:
    """Outcome (None: it competes for its sequence), why, and the envelope."""
    day, headers = f"{day_of(message.at)}", dict(message.headers)
    try:
        envelope = json.loads(message.value)
        name, gateway = source_of(envelope), (envelope["source"]["plant"], envelope["source"]["gateway"])
        key_id, seal = (headers[header].decode() for header in ("key", "seal"))
    except (ValueError, KeyError, TypeError):
        end.raised.add(("unreadable", message.topic, day))
        return "refused", "unreadable", {}
    key = registry.keys.get(key_id)
    if key and not verifies(key["public"], seal, message.value):
        end.raised.add(("seal-false", f"{key['plant']}/{key['gateway']}", day))
        return "refused", "seal-false", envelope
    if key and message.key.decode() != "/".join(gateway):
        end.raised.add(("unreadable", message.topic, day))
        return "refused", "misplaced", envelope
    why = None
    if gateway not in registry.gateways:
        why = "source-unknown"
    elif key is None:
        why = "key-unknown"
    elif (key["plant"], key["gateway"]) != gateway:
        why = "key-of-another"
    elif (
        not datetime.fromisoformat(key["since"])
        <= message.at
        < datetime.fromisoformat(key.get("revoked_from", "2100-01-01T00:00:00Z"))
    ):
        why = "key-not-valid"
    if gateway[0] in registry.plants:
        end.receipts.setdefault(name, (0, None, []))
    if why is None:
        return None, "", envelope
    end.raised.add(("source-unknown", "/".join(gateway) if gateway in registry.gateways else message.topic, ""))
    return "awaiting", why, envelope


def place(slots: dict[Any, list[tuple[Message, Json]]], end: End) -> list[tuple[Message, Json]]:
    """Who holds each sequence, the chains, and what receipts say of them; returns the envelopes that stand."""
    standing, held = [], {}
    for (source, sequence), found in sorted(slots.items()):
        first, envelope = found[0]
        held[source, sequence] = sha(first.value), envelope
        fits = set(envelope) <= {"source", "sequence", "previous", "continues", "events"}
        end.messages[first.coordinate] = "applied" if fits else "refused"
        forked: set[Any] = set()
        for later, _ in found[1:]:
            repeats = later.value == first.value or (later.value, later.headers) in forked
            end.messages[later.coordinate] = "duplicate" if repeats else "awaiting"
            forked.add((later.value, later.headers))
            if later.value != first.value:
                end.raised.add(("envelope-fork", gateway_of(source), f"{day_of(later.at)}"))
        if fits:
            standing.append((first, envelope))
        else:
            end.raised.add(("contract-refused", gateway_of(source), f"{day_of(first.at)}"))
        before = held.get((source, sequence - 1))
        chained = envelope["previous"] is None if sequence == 1 else not before or envelope["previous"] == before[0]
        if fits and not chained:
            end.raised.add(("chain-broken", gateway_of(source), f"{day_of(first.at)}"))
    for source in {source for source, _ in held}:
        ranges: list[list[int]] = []
        for sequence in sorted(s for name, s in held if name == source):
            if ranges and ranges[-1][1] == sequence - 1:
                ranges[-1][1] = sequence
            else:
                ranges.append([sequence, sequence])
        through = ranges[0][1] if ranges[0][0] == 1 else 0
        last_hash = held[source, through][0] if through else None
        end.receipts[source] = (through, last_hash, [(a, b) for a, b in ranges if a > through])
        for after, _ in ranges if not through else ranges[1:]:
            follower = slots[source, after][0][0]
            end.raised.add(("envelope-gap", gateway_of(source), f"{day_of(follower.at)}"))
    return standing
