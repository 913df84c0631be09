"""What every peer makes of a message: the contract's own checks, what it draws, and whether its claim is right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

from monazite_contracts import statements as st
from monazite_contracts.assays import reo_g
from monazite_contracts.catalogue import PRODUCTS, CapKind
from monazite_contracts.events import EVENT, Event, event_time
from monazite_contracts.months import day_of
from monazite_contracts.quantities import PPM, divide_half_even, grams

CLAIM_TOLERANCE_PPM = 5_000
TOPICS = ("plant-production", "plant-shipments", "plant-declarations")

LEDGER = ("topic", "partition", "log_offset", "arrived_at", "record_key", "value", "hash")
EVENTS = ("event_id", "plant", "hash", "type", "event_time")

Holders = Mapping[str, Sequence[str]]
CapKey = tuple[str, int, str]
DayKey = tuple[str, int, str, date]
AlertKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Read:
    """One event, what it draws on which days of which caps, and the alert that its claim raises."""

    event: Event
    at: datetime
    drawn: Sequence[tuple[DayKey, int]]
    alert: AlertKey | None


def check(value: bytes) -> Event:
    """The contract's checks on the bytes. Raises pydantic's ValidationError."""
    return EVENT.validate_json(value)


def read(event: Event, holders: Holders) -> Read:
    """Everything that is booked of one event; amendments do not occur here."""
    at, data = event_time(event), event.data
    claimed = getattr(data, "claimed_reo_kg", None)
    if claimed is None:
        return Read(event, at, (), None)
    computed_g = reo_g(data.net_mass_kg, data.assay)
    kind, drawn_g = draw(data, computed_g) if isinstance(data, st.Production) else (None, 0)
    day = day_of(at)
    days = [] if kind is None else [(holder, day.year, kind.value, day) for holder in holders.get(event.source, ())]
    is_wrong = abs(grams(claimed) - computed_g) * PPM > CLAIM_TOLERANCE_PPM * computed_g
    alert = ("claimed-reo", event.source, f"{day:%Y-%m}") if is_wrong else None
    return Read(event, at, [(key, drawn_g) for key in days] if drawn_g else (), alert)


def draw(made: st.Production, made_g: int) -> tuple[CapKind | None, int]:
    """The kind of cap and the grams that a production draws: what was separated before draws nothing again."""
    if made.activity == "mined":
        return PRODUCTS[made.product].mining_kind, made_g
    if made.activity != "separated" or made.origin == "recycled":
        return None, 0
    again_g = total_g = 0
    for used in made.inputs:
        feed_g = reo_g(used.net_mass_kg, used.assay)
        total_g += feed_g
        again_g += feed_g if PRODUCTS[used.product].separated else 0
    return CapKind.SEPARATION, made_g - divide_half_even(made_g * again_g, total_g) if total_g else made_g


def ledger_row(record: Any) -> tuple[Any, ...]:
    """A Kafka record as the ledger keeps it."""
    arrived_at = datetime.fromtimestamp(record.timestamp / 1_000, UTC)
    digest = sha256(record.value).digest()
    return record.topic, record.partition, record.offset, arrived_at, record.key, record.value, digest


def event_row(read: Read, digest: bytes) -> tuple[Any, ...]:
    """An event's row; its canonical form is the value itself, so the digest is the same."""
    event = read.event
    return event.id, event.source, digest, event.type, read.at


async def holders_of(connection: Any) -> Holders:
    """Whose caps each plant draws on, from the table that the harness has filled; read once at the start."""
    return {row["plant"]: row["holders"] for row in await connection.fetch("SELECT plant, holders FROM plants")}
