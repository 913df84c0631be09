"""Dead letters: what arrived and nobody can be named for."""

from typing import Annotated, Literal

from pydantic import Field

from monazite_contracts.identifiers import Sha256, Text
from monazite_contracts.model import Contract
from monazite_contracts.times import Instant

HEAD_BYTES = 4096


class DeadLetter(Contract):
    """Coordinate, hash and the first 4 KiB of a message that names nobody; its bytes are kept in the ledger."""

    type: Literal["monazite.dead-letter.v1"]
    topic: Text
    """Where it arrived."""
    partition: Annotated[int, Field(ge=0)]
    """Where it arrived."""
    log_generation: Annotated[int, Field(ge=1)]
    """Which log of that partition: grows when a topic was made anew."""
    offset: Annotated[int, Field(ge=0)]
    """Its place in that log."""
    arrived_at: Instant
    """The record's timestamp."""
    hash: Sha256
    head: str
    """The first 4 KiB of the value, base64url without padding."""
    rule: Text
    """Why nobody can be named."""
    remedy: str
    """What to do, for a person."""
