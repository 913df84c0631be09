"""What the platform answers a plant: receipts, resend requests."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts.envelope import Sequence, Source
from monazite_contracts.identifiers import EventId, Sha256, Text
from monazite_contracts.model import Contract
from monazite_contracts.times import Instant


class Outcome(StrEnum):
    """The four outcomes of what was received; there is no fifth."""

    APPLIED = "applied"
    AWAITING = "awaiting"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class Range(Contract):
    """Sequences `first` to `last`, both included."""

    first: Sequence
    """Included."""
    last: Sequence
    """Included; never below `first`."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise PydanticCustomError("range_order", "a range ends no earlier than it begins")
        return self


class ReceiptEntry(Contract):
    """What became of one envelope (`event_id` null and `index` null) or one event of it.

    Events that were applied without a flag, of envelopes within the decided ranges, have no entry.
    """

    sequence: Sequence
    """The envelope's."""
    envelope_hash: Sha256
    """Of the envelope meant: another one may claim the same sequence."""
    index: Annotated[int, Field(ge=0)] | None = None
    """The event's place in the envelope, from 0."""
    event_id: EventId | None = None
    """Of the event at `index`; null also when it could not be read."""
    outcome: Outcome
    flagged: bool = False
    """Applied, but a rule noticed something."""
    rule: Text | None = None
    """What refused, flagged or holds it."""
    field: str | None = None
    """Dotted path of the field meant; empty for the whole."""
    remedy: str | None = None
    """What to do, for a person."""


class Receipt(Contract):
    """Where the platform stands with one source; the greatest (epoch, number) is true."""

    type: Literal["monazite.receipt.v1"]
    source: Source
    epoch: Annotated[int, Field(ge=1)]
    """Grows when the platform was restored from a backup."""
    number: Annotated[int, Field(ge=1)]
    """Grows with every receipt of this source in an epoch."""
    decided_through: Annotated[int, Field(ge=0)]
    """Every sequence up to here stands or is refused; 0 when the first is missing."""
    decided_hash: Sha256 | None = None
    """Hash of the envelope at `decided_through`."""
    decided_beyond: tuple[Range, ...] = ()
    """Further sequences that stand or are refused."""
    entries: tuple[ReceiptEntry, ...] = ()
    """Everything that changed since the receipt before, take-backs too."""
    issued_at: Instant
    """When the platform decided this."""


class ResendRequest(Contract):
    """The platform misses part of a chain and asks for it."""

    type: Literal["monazite.resend-request.v1"]
    source: Source
    missing: Annotated[tuple[Range, ...], Field(min_length=1)]
    """The sequences to send again."""
    issued_at: Instant
    """When the platform asked."""
