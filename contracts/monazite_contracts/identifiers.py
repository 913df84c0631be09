"""Codes and identities: what may name a plant, a lot or an event, and how an event's id follows from its record."""

from hashlib import sha1
from typing import Annotated, Final
from uuid import UUID

from pydantic import StringConstraints

from monazite_contracts.model import Form

PlantCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,31}$"),
    Form("A plant's registered code: lower-case letters, digits, hyphens.", "shihe-mine"),
]
"""A plant: lower-case ASCII letters, digits and hyphens, 2 to 32 characters, as registered."""

GatewayCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$"),
    Form("A gateway's registered code within its plant: lower-case letters, digits, hyphens.", "gw-1"),
]
"""A gateway of a plant, the same alphabet as a plant's code."""

LotCode = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,31}/[A-Z0-9][A-Z0-9._-]{0,47}$"),
    Form("Code of the plant that made the lot, a slash, that plant's number in capitals and digits.", "shihe-mine/L-1"),
]
"""A lot: the code of the plant that made it, a slash, and that plant's own number in upper-case ASCII."""

EventId = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"),
    Form("UUIDv5 of `source/sourcesystem/recordid` in the contract's namespace, lower case."),
]
"""A UUIDv5 of (plant, source system, record id), lower case."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Form("A SHA-256 in lower-case hexadecimal.")]
"""A SHA-256 in lower-case hexadecimal."""

Incarnation = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{32}$"),
    Form("The random 128-bit id of one start of a gateway, lower-case hexadecimal."),
]
"""The random 128-bit id of one start of a gateway, lower-case hexadecimal."""

SystemCode = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"),
    Form("The plant's own system that a record comes from: letters, digits, `.`, `_`, `-`.", "mes"),
]
"""The plant's own system that a record comes from, `mes` or `scale-2` say."""

_UNSEEN: Final = (
    r"\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ufeff\uffa0\ufff0-\uffff"
)
"""Control, zero-width, filler and direction-changing characters: text that looks the same must be the same."""

_BLANK: Final = r" \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"

Text = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, pattern=rf"^[^{_UNSEEN}{_BLANK}]([^{_UNSEEN}]*[^{_UNSEEN}{_BLANK}])?$"
    ),
    Form("Visible text without control or invisible characters, no blank at either end."),
]
"""Visible text of 1 to 200 characters without control or invisible characters, and no blank at either end."""

Reference = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, pattern=r"^[!-~\u4e00-\u9fff]([ -~\u4e00-\u9fff]*[!-~\u4e00-\u9fff])?$"
    ),
    Form("Printable ASCII and Chinese ideographs, no blank at either end.", "WB-20230504-001"),
]
"""A document's or record's number: 1 to 200 printable ASCII characters or Chinese ideographs, no blank at either end.

Two sides must write the same number and a person must be able to tell two apart, so letters of other scripts that
look like ASCII (Cyrillic, Greek, full-width) are refused. Upper and lower case differ.
"""

KeyId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$"), Form("The registered id of a signing key.", "gw-1.2023")
]
"""The id of a signing key, as registered."""

EVENT_NAMESPACE: Final = UUID("6d6f6e61-7a69-5465-8000-000000000071")
"""The fixed namespace of every event id."""

_NAMESPACE_BYTES: Final = EVENT_NAMESPACE.bytes
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def event_id(plant: str, system: str, record: str) -> str:
    """The id of the event that states `record` of the plant's `system`: the same at every re-send, from any gateway.

    A UUIDv5 (RFC 9562), written out because `uuid.uuid5` takes three times as long and every event is checked.
    """
    digest = sha1(_NAMESPACE_BYTES + f"{plant}/{system}/{record}".encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{_VARIANT[digest[16]]}{digest[17:20]}-{digest[20:32]}"


def lot_plant(lot: str) -> str:
    """The plant that made a lot."""
    return lot.partition("/")[0]
