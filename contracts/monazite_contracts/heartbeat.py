"""Heartbeats: how a gateway is; sealed, but neither spooled, chained, receipted nor gap-checked."""

from typing import Annotated, Literal

from pydantic import Field

from monazite_contracts.envelope import Sequence
from monazite_contracts.identifiers import GatewayCode, Incarnation, PlantCode, Text
from monazite_contracts.model import Contract
from monazite_contracts.times import Instant


class SourceHealth(Contract):
    """One of the gateway's sources of records."""

    name: Text
    healthy: bool
    detail: Text | None = None


class Heartbeat(Contract):
    """Only the newest counts."""

    type: Literal["monazite.heartbeat.v1"]
    plant: PlantCode
    gateway: GatewayCode
    incarnation: Incarnation
    sequence: Sequence
    beat_at: Instant
    release: Text
    """The gateway software's version."""
    queued: Annotated[int, Field(ge=0)]
    """Records in the spool that no receipt covers."""
    oldest_unsent_at: Instant | None = None
    clock_offset_ms: int | None = None
    disk_free_bytes: Annotated[int, Field(ge=0)] | None = None
    sources: tuple[SourceHealth, ...] = ()
