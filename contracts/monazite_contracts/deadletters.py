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
    partition: Annotated[int, Field(ge=0)]
    log_generation: Annotated[int, Field(ge=1)]
    offset: Annotated[int, Field(ge=0)]
    arrived_at: Instant
    hash: Sha256
    head: str
    """The first 4 KiB of the value, base64url without padding."""
    rule: Text
    remedy: str
