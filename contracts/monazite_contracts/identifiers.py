"""Codes and identities: what may name a plant, a lot, an event, and how an event's id follows from the plant's record."""

from typing import Annotated, Final
from uuid import UUID, uuid5

from pydantic import StringConstraints

PlantCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,31}$")]
"""A plant: lower-case ASCII letters, digits and hyphens, 2 to 32 characters, as registered."""

GatewayCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
"""A gateway of a plant, the same alphabet as a plant's code."""

LotCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,31}/[A-Z0-9][A-Z0-9._-]{0,47}$")]
"""A lot: the code of the plant that made it, a slash, and that plant's own number in upper-case ASCII."""

EventId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
]
"""A UUIDv5 of (plant, source system, record id), lower case."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in lower-case hexadecimal."""

Incarnation = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""The random 128-bit id of one start of a gateway, lower-case hexadecimal."""

SystemCode = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
"""The plant's own system that a record comes from, `mes` or `scale-2` say."""

Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
"""Printable text of 1 to 200 characters, no control characters."""

KeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""The id of a signing key, as registered."""

EVENT_NAMESPACE: Final = UUID("6d6f6e61-7a69-5465-8000-000000000071")
"""The fixed namespace of every event id."""


def event_id(plant: str, system: str, record: str) -> str:
    """The id of the event that states `record` of the plant's `system`: the same at every re-send, from any gateway."""
    return str(uuid5(EVENT_NAMESPACE, f"{plant}/{system}/{record}"))


def lot_plant(lot: str) -> str:
    """The plant that made a lot."""
    return lot.partition("/")[0]
