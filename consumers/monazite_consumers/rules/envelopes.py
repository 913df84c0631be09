"""Whether an envelope is vouched for, and which of several stands at its sequence."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from monazite_consumers.rules.entries import GatewayKey
from monazite_consumers.rules.registry import Registry
from monazite_contracts.opening import Opened
from monazite_contracts.receipts import Outcome
from monazite_contracts.refusals import Refusal, refuse
from monazite_contracts.seal import verifies


class Coordinate(NamedTuple):
    """Where a message stands; earlier is smaller."""

    arrived_at: datetime
    topic: str
    partition: int
    log_generation: int
    log_offset: int


class Arrival(NamedTuple):
    """One message as it arrived. `seal` and `key_id` are None where the headers do not hold exactly one of each.

    `misplaced`: the record key is not its partition's or its claimed source's, or the topic not its stream's.
    """

    coordinate: Coordinate
    record_key: bytes | None
    key_id: str | None
    seal: bytes | None
    value: bytes | None
    opened: Opened
    misplaced: bool
    is_stripped: bool = False
    """It exceeded the bound on awaiting messages: its bytes were not kept, and it awaits for good."""
    is_parked: bool = False
    """Our own code raised on it: it is kept and awaits a release that does not."""


Proof = tuple[str, bytes, bytes]
"""A public key in base64url, a seal, and a value of which it is the key's seal."""

FAULT = Refusal("platform-fault", "", "Nothing for you to do: the platform could not decide this and will again.")
"""The fault is ours."""


BEYOND_BOUND = Refusal(
    "awaiting-bound", "", "Too many messages await a registration: this one's bytes were not kept. Send it again."
)


@dataclass(frozen=True, slots=True)
class Vouching:
    """What seal and registry say. No outcome: vouched for, and the sequence decides."""

    outcome: Outcome | None = None
    reason: Refusal | None = None
    is_proven: bool = False
    """The seal is right and by a key of the claimed gateway: whatever is wrong, we know whom to answer."""

    @property
    def vouched(self) -> bool:
        """Whether it competes for its sequence."""
        return self.outcome is None


VOUCHED = Vouching(is_proven=True)

_AWAITING_REMEDY = {
    "source-unknown": "Have the plant and this gateway registered; the message is kept and decided then.",
    "key-unknown": "Have the signing key registered; the message is kept and decided then.",
    "key-of-another": "Seal with a key that is registered for this gateway.",
    "key-not-valid": "Seal with a key that was valid at arrival, or have its validity corrected.",
}


def vouch(arrival: Arrival, registry: Registry, proven: AbstractSet[Proof] = frozenset()) -> Vouching:
    """The first rows of the protocol's table: refused, awaiting, or vouched for. Seals in `proven` are right."""
    if arrival.is_stripped:
        return Vouching(Outcome.AWAITING, BEYOND_BOUND)
    if arrival.is_parked:
        return Vouching(Outcome.AWAITING, FAULT)
    source = arrival.opened.source
    key = registry.keys.get(arrival.key_id) if arrival.key_id is not None else None
    sealing = registry.sealing_keys.get(arrival.key_id) if arrival.key_id is not None else None
    refusal = _not_rightly_sealed(arrival, sealing, registry, proven)
    if refusal is not None or source is None:
        return Vouching(Outcome.REFUSED, refusal)
    gateway = (source.plant, source.gateway)
    if arrival.misplaced and sealing is not None:  # under an unknown key nothing is proven yet: it awaits
        is_proven = (sealing.plant, sealing.gateway) == gateway
        return Vouching(Outcome.REFUSED, refuse("misplaced"), is_proven)
    rule = not_vouched(gateway, key, arrival.coordinate.arrived_at, registry)
    if rule is None:
        return VOUCHED
    return Vouching(Outcome.AWAITING, Refusal(rule, "source", _AWAITING_REMEDY[rule]))


def _not_rightly_sealed(
    arrival: Arrival, key: GatewayKey | None, registry: Registry, proven: AbstractSet[Proof]
) -> Refusal | None:
    """Why it is no sealed envelope; a key that is not known proves nothing either way."""
    if arrival.opened.source is None:
        return arrival.opened.refusal
    if arrival.key_id is None or arrival.seal is None or arrival.value is None:
        return refuse("seal-missing", "headers")
    if key is None or (key.public, arrival.seal, arrival.value) in proven:
        return None
    is_right = verifies(arrival.value, arrival.seal, registry.verify_keys[key.id])
    return None if is_right else refuse("seal-false", "headers.seal")


def not_vouched(
    gateway: tuple[str, str], key: GatewayKey | None, arrived_at: datetime, registry: Registry
) -> str | None:
    """Why the registry does not vouch for a (plant, gateway) with a key at an arrival; None when it does."""
    if gateway[0] not in registry.plants or gateway not in registry.gateways:
        return "source-unknown"
    if key is None:
        return "key-unknown"
    if (key.plant, key.gateway) != gateway:
        return "key-of-another"
    return None if key.vouches_at(arrived_at) else "key-not-valid"


class Candidate(NamedTuple):
    """A vouched message that claims a sequence. `content` says why its content is refused, if it is."""

    message: int
    coordinate: Coordinate
    hash: bytes
    key_id: str | None
    seal: bytes | None


@dataclass(frozen=True, slots=True)
class Place:
    """What a candidate comes to: it occupies the sequence, or repeats one that is kept, or forks from the occupant."""

    occupies: bool
    outcome: Outcome | None
    """None for the occupant: its content decides between applied and refused."""


OCCUPIES, REPEATS, FORKS = Place(True, None), Place(False, Outcome.DUPLICATE), Place(False, Outcome.AWAITING)  # noqa: FBT003 - the table's three rows

FORK = Refusal(
    "envelope-fork", "sequence", "Another envelope stands at this sequence: start a new incarnation and send it anew."
)


def place(candidates: Sequence[Candidate]) -> dict[int, Place]:
    """Who holds one sequence: the earliest occupies it, equal values repeat it, other values fork from it."""
    ordered = sorted(candidates, key=lambda candidate: candidate.coordinate)
    occupant = ordered[0]
    places = {occupant.message: OCCUPIES}
    kept: set[tuple[bytes, str | None, bytes | None]] = set()
    for candidate in ordered[1:]:
        identity = (candidate.hash, candidate.key_id, candidate.seal)
        repeats = candidate.hash == occupant.hash or identity in kept
        places[candidate.message] = REPEATS if repeats else FORKS
        kept.add(identity)
    return places
