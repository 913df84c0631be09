"""The relay's own record beside what it publishes: by it a database that was restored from a backup is noticed."""

from typing import Annotated, Literal

from pydantic import Field

from monazite_contracts.identifiers import Sha256
from monazite_contracts.model import Contract
from monazite_contracts.times import Instant


class RelayControl(Contract):
    """How far this relay has published. A database that does not know the number is older than the topics."""

    type: Literal["monazite.relay-control.v1"]
    epoch: Annotated[int, Field(ge=1)]
    """Grows when the platform was restored."""
    publication: Annotated[int, Field(ge=1)]
    """Number of the last publication in this epoch."""
    registry_digest: Sha256 | None
    """Of the registry in force; null before the first."""
    written_at: Instant
    """When the database wrote that publication: a restored one may have given its number to another."""
    outage_revision: Annotated[int, Field(ge=0)] = 0
    """Number of the newest recorded outage: a restored database does not give it to another."""
