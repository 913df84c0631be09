"""The seal: an Ed25519 signature over DSSE's pre-authentication encoding of the value, in two ASCII headers."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

PAYLOAD_TYPE: Final = "application/vnd.monazite.envelope+json"
HEARTBEAT_PAYLOAD_TYPE: Final = "application/vnd.monazite.heartbeat+json"
"""Sealed apart from envelopes, so that no seal of one can ever be taken for a seal of the other."""

KEY_HEADER: Final = "key"
SEAL_HEADER: Final = "seal"
SIGNATURE_BYTES: Final = 64


def pae(value: bytes, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """DSSE's PAE: `DSSEv1 <len type> <type> <len value> <value>`, lengths in decimal bytes."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(value), value)


def encode_base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str, length: int) -> bytes | None:
    """The bytes of an unpadded base64url text, or None unless they are `length` long and so encoded exactly."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        return None
    return raw if len(raw) == length and encode_base64url(raw) == text else None


def seal_headers(
    value: bytes, key_id: str, key: SigningKey, payload_type: str = PAYLOAD_TYPE
) -> list[tuple[str, bytes]]:
    """The Kafka headers that seal `value` with a gateway's current key."""
    signature = key.sign(pae(value, payload_type)).signature
    return [(KEY_HEADER, key_id.encode()), (SEAL_HEADER, encode_base64url(signature).encode())]


def verifies(value: bytes, signature: bytes, key: VerifyKey, payload_type: str = PAYLOAD_TYPE) -> bool:
    """Whether `signature` is `key`'s over `value`."""
    try:
        key.verify(pae(value, payload_type), signature)
    except (BadSignatureError, ValueError):
        return False
    return True


def public_key(text: str) -> VerifyKey:
    """A verifying key from its base64url form.

    Raises:
        ValueError: the text is not 32 bytes of base64url.
    """
    raw = decode_base64url(text, 32)
    if raw is None:
        raise ValueError("a public key is 32 bytes in base64url without padding (43 characters)")
    return VerifyKey(raw)
