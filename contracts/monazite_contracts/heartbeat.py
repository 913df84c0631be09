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
    """As the gateway's own settings call it."""
    healthy: bool
    """Whether it answers and is understood."""
    detail: Text | None = None
    """What is wrong, for a person."""


class Heartbeat(Contract):
    """Only the newest counts."""

    type: Literal["monazite.heartbeat.v1"]
    plant: PlantCode
    gateway: GatewayCode
    incarnation: Incarnation
    sequence: Sequence
    """Of heartbeats in this incarnation; gaps mean nothing."""
    beat_at: Instant
    """By the gateway's clock."""
    release: Text
    """The gateway software's version."""
    queued: Annotated[int, Field(ge=0)]
    """Records in the spool that no receipt covers."""
    oldest_unsent_at: Instant | None = None
    """When the oldest record was taken that no receipt covers."""
    clock_offset_ms: int | None = None
    """How far the gateway's clock runs ahead of its time server."""
    disk_free_bytes: Annotated[int, Field(ge=0)] | None = None
    """Left for the spool."""
    sources: tuple[SourceHealth, ...] = ()
    """Each system that the gateway reads from."""
