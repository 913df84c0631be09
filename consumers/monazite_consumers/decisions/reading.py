"""Turns a Kafka record, or a stored row, into an arrival; whatever it is, without ever raising."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from monazite_consumers.rules.envelopes import Arrival, Coordinate
from monazite_contracts.envelope import record_key, value_hash
from monazite_contracts.opening import Opened, open_value
from monazite_contracts.partitioner import partition_of
from monazite_contracts.seal import KEY_HEADER, SEAL_HEADER, SIGNATURE_BYTES, decode_base64url, encode_base64url
from monazite_contracts.times import INSTANT_MAX, INSTANT_MIN
from monazite_contracts.topics import PARTITIONS, PLANT_TOPICS

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEY_ID_MAX = 64
_FIRST_MS, _AFTER_MS = ((at - _EPOCH) // timedelta(milliseconds=1) for at in (INSTANT_MIN, INSTANT_MAX))

Headers = Sequence[tuple[str, bytes | None]]


class Sealing(NamedTuple):
    """What the headers hold. `odd`: all of them, where they are not exactly one key and one seal in ASCII."""

    key_id: str | None
    seal: bytes | None
    odd: list[list[str | None]] | None


def arrived_at(timestamp_ms: int) -> datetime:
    """The broker's timestamp as an instant; one outside the contract's years is taken as the first of them.

    Only topics of a driven clock let a producer choose one.
    """
    if not _FIRST_MS <= timestamp_ms < _AFTER_MS:
        return INSTANT_MIN
    return _EPOCH + timedelta(milliseconds=timestamp_ms)


def read_headers(headers: Headers) -> Sealing:
    """Key id and seal, if there is exactly one of each and both are what they should be."""
    keys = [value for name, value in headers if name == KEY_HEADER]
    seals = [value for name, value in headers if name == SEAL_HEADER]
    key_id = _ascii(keys[0]) if len(keys) == 1 else None
    text = _ascii(seals[0]) if len(seals) == 1 else None
    seal = decode_base64url(text, SIGNATURE_BYTES) if text is not None else None
    if key_id is not None and seal is not None and len(headers) == 2:
        return Sealing(key_id, seal, None)
    return Sealing(key_id, seal, [[_printable(name), _base64(value)] for name, value in headers])


def _ascii(raw: bytes | None) -> str | None:
    if raw is None or not raw.isascii():
        return None
    text = raw.decode("ascii")
    return text if text.isprintable() and text else None


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name)


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else encode_base64url(raw)


def arrival(coordinate: Coordinate, key: bytes | None, sealing: Sealing, value: bytes | None) -> Arrival:
    """One message, read; one that makes our own code raise is parked."""
    key_id = sealing.key_id if sealing.key_id is None or len(sealing.key_id) <= KEY_ID_MAX else None
    try:
        opened = open_value(value)
        misplaced = _misplaced(coordinate, key, opened)
    except Exception:  # it says of itself that it never raises; one message that proves it wrong halts nobody
        log.exception("platform fault at %s: parked", coordinate)
        opened = Opened(value_hash(value or b""), None, None, None, None, (), None)
        return Arrival(coordinate, key, key_id, sealing.seal, value, opened, misplaced=False, is_parked=True)
    return Arrival(coordinate, key, key_id, sealing.seal, value, opened, misplaced)


def read_row(row: Any) -> Arrival:
    """A message of the ledger, read again."""
    coordinate = coordinate_of(row)
    sealing = Sealing(row["key_id"], row["seal"], None)
    if row["value"] is None and row["size"]:
        opened = Opened(row["hash"], None, None, None, None, (), None)
        return Arrival(
            coordinate, row["record_key"], row["key_id"], row["seal"], None, opened, misplaced=False, is_stripped=True
        )
    return arrival(coordinate, row["record_key"], sealing, row["value"])


def coordinate_of(row: Any) -> Coordinate:
    """The coordinate that a row holds."""
    return Coordinate(row["arrived_at"], row["topic"], row["partition"], row["log_generation"], row["log_offset"])


def _misplaced(coordinate: Coordinate, key: bytes | None, opened: Opened) -> bool:
    source = opened.source
    if source is None:
        return False
    return (
        key != record_key(source.plant, source.gateway)
        or coordinate.topic != PLANT_TOPICS[source.stream]
        or coordinate.partition != partition_of(key, PARTITIONS[coordinate.topic])
    )
