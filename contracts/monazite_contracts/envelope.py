"""The envelope: a source's next number, the hash of its previous envelope, and 1 to 500 events; one Kafka message."""

from hashlib import sha256
from typing import Annotated, Any, Final

import orjson
from pydantic import Field, TypeAdapter

from monazite_contracts.events import Event, Stream
from monazite_contracts.identifiers import GatewayCode, Incarnation, PlantCode, Sha256
from monazite_contracts.model import Contract, Form

ENVELOPE_BYTES_MAX: Final = 512 * 1024
"""Kafka refuses 1.1 MB, and 500 full production events measured 0.77 MB: an envelope closes before that."""

EVENTS_MAX: Final = 500

SEQUENCE_MAX: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly (RFC 8785)."""

Sequence = Annotated[int, Field(ge=1, le=SEQUENCE_MAX), Form("A number of a chain, from 1, without gaps.")]
"""A place in a chain, from 1."""


class Source(Contract):
    """Who numbers the envelopes: one stream of one start (incarnation) of one gateway of one plant."""

    plant: PlantCode
    gateway: GatewayCode
    stream: Stream
    incarnation: Incarnation


class Continues(Contract):
    """The last source and hash that the gateway's spool held when this incarnation began."""

    incarnation: Incarnation
    sequence: Sequence
    hash: Sha256


class Frame(Contract):
    """An envelope with its events left as they came."""

    source: Source
    sequence: Sequence
    previous: Sha256 | None
    """Hash of the source's previous value; null at sequence 1."""
    continues: Continues | None = None
    """At sequence 1, when the spool held an earlier incarnation of this stream."""
    events: Annotated[tuple[Any, ...], Field(min_length=1, max_length=EVENTS_MAX)]


class Envelope(Frame):
    """The whole message value."""

    events: Annotated[tuple[Event, ...], Field(min_length=1, max_length=EVENTS_MAX)]
    """What the plant states, in its own order."""


ENVELOPE: Final[TypeAdapter[Envelope]] = TypeAdapter(Envelope)
FRAME: Final[TypeAdapter[Frame]] = TypeAdapter(Frame)
SOURCE: Final[TypeAdapter[Source]] = TypeAdapter(Source)


def canonical(value: Any) -> bytes:
    """The RFC 8785 form of a JSON value without floating-point numbers and with ASCII keys.

    For such values sorted keys, no spaces and UTF-8 are the whole rule; a test holds this against the RFC's own
    implementation.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def value_hash(value: bytes) -> bytes:
    """An envelope's identity: SHA-256 of its value bytes. The seal is no part of it."""
    return sha256(value).digest()


def event_hash(event: Any) -> bytes:
    """An event's identity beside its id: SHA-256 of its RFC 8785 form; `event` as decoded JSON."""
    return sha256(canonical(event)).digest()


def record_key(plant: str, gateway: str) -> bytes:
    """The Kafka key: all of a gateway's streams of one topic share a partition."""
    return f"{plant}/{gateway}".encode()
