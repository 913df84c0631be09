"""Test vectors by which a plant in any language checks its envelopes, chain, seal and keys."""

from hashlib import sha256
from typing import Any, Final

from nacl.signing import SigningKey

from monazite_contracts import builders as a
from monazite_contracts.envelope import canonical, event_hash, value_hash
from monazite_contracts.generate.examples import KEY_ID, KEY_SEED_TEXT, a_key, chain_of_three, days_production
from monazite_contracts.identifiers import EVENT_NAMESPACE, event_id
from monazite_contracts.partitioner import murmur2, partition_of
from monazite_contracts.seal import HEARTBEAT_PAYLOAD_TYPE, PAYLOAD_TYPE, encode_base64url, pae

Json = dict[str, Any]

_RECORDS: Final = (
    ("shihe-mine", "mes", "230504-1"),
    ("shihe-separation", "scale-2", "2023/05/04 #17"),
    ("a1", "MES", "发货单 2023-001"),
)
_KEYS: Final = ("shihe-mine/gw-1", "shihe-separation/gw-1", "shihe-metal/gw-1", "a1/g", "a1/gw", "a1/gw-", "ab/gw-12")
_PARTITIONS: Final = (1, 3, 6, 12)


def _event_vectors() -> list[Json]:
    odd = a.a_loss(record="发货单 1", note='quote " backslash \\ slash / 稀土 é')
    return [
        {"event": event, "canonical_hex": canonical(event).hex(), "hash": event_hash(event).hex()}
        for event in (days_production(4, "230504-1"), odd)
    ]


def _sealed(value: bytes, key: SigningKey) -> Json:
    encoded = pae(value)
    return {
        "value": value.decode(),
        "hash": value_hash(value).hex(),
        "pae_sha256": sha256(encoded).hexdigest(),
        "seal": encode_base64url(key.sign(encoded).signature),
    }


def _pae_vectors(key: SigningKey) -> list[Json]:
    shorts = [(PAYLOAD_TYPE, b""), (PAYLOAD_TYPE, '{"稀":1}'.encode()), (HEARTBEAT_PAYLOAD_TYPE, b"{}")]
    return [
        {
            "payload_type": payload_type,
            "value_hex": value.hex(),
            "pae_hex": pae(value, payload_type).hex(),
            "seal": encode_base64url(key.sign(pae(value, payload_type)).signature),
        }
        for payload_type, value in shorts
    ]


def vectors() -> Json:
    """All vectors, as they stand in `vectors.json`."""
    key = a_key()
    return {
        "signing_key": {
            "id": KEY_ID,
            "comment": f"the seed is SHA-256 of {KEY_SEED_TEXT!r}; public, so never for anything real",
            "seed_hex": bytes(key).hex(),
            "public_key": encode_base64url(bytes(key.verify_key)),
        },
        "event_ids": {
            "namespace": str(EVENT_NAMESPACE),
            "ids": [
                {"source": plant, "sourcesystem": system, "recordid": record, "id": event_id(plant, system, record)}
                for plant, system, record in _RECORDS
            ],
        },
        "events": _event_vectors(),
        "pae": _pae_vectors(key),
        "chain": [_sealed(value, key) for value in chain_of_three()],
        "record_keys": [_placed(text.encode()) for text in _KEYS],
    }


def _placed(key: bytes) -> Json:
    partitions = {str(count): partition_of(key, count) for count in _PARTITIONS}
    return {"key": key.decode(), "murmur2": murmur2(key), "partition_of": partitions}
