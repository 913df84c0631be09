"""Record batches written byte by byte: what no client library would send, and any socket can."""

import gzip
import struct
from collections.abc import Sequence

import cramjam
from aiokafka.client import AIOKafkaClient
from aiokafka.codec import lz4_encode
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c, encode_varint

Header = tuple[bytes, bytes | None]

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def a_record(delta: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> bytes:
    """One record of a batch, at an offset after its first."""
    body = bytearray(b"\x00")
    for number in (0, delta):
        encode_varint(number, body.append)
    for field in (key, value):
        _put(body, field)
    encode_varint(len(headers), body.append)
    for name, found in headers:
        _put(body, name)
        _put(body, found)
    whole = bytearray()
    encode_varint(len(body), whole.append)
    return bytes(whole + body)


def _put(body: bytearray, field: bytes | None) -> None:
    encode_varint(-1 if field is None else len(field), body.append)
    body += field or b""


def a_batch(records: Sequence[bytes], codec: str = "none") -> bytes:
    """A whole batch, stamped at the epoch."""
    joined = b"".join(records)
    return a_batch_of(compressed(joined, codec), len(records), codec)


def compressed(plain: bytes, codec: str) -> bytes:
    match codec:
        case "gzip":
            return gzip.compress(plain)
        case "snappy":
            return bytes(cramjam.snappy.compress_raw(plain))
        case "lz4":
            return lz4_encode(plain)  # the broker takes no linked blocks
        case "zstd":
            return bytes(cramjam.zstd.compress(plain))
    return plain


def a_batch_of(payload: bytes, count: int, codec: str) -> bytes:
    """A batch whose records are already compressed."""
    signed = struct.pack(">hiqqqhii", CODECS[codec], count - 1, 0, 0, -1, -1, -1, count) + payload
    crc = calc_crc32c(signed)
    return struct.pack(">qiibI", 0, 9 + len(signed), -1, 2, crc) + signed


async def produce(bootstrap: str, topic: str, partition: int, batch: bytes) -> int:
    """Sends one batch as it is; returns its first offset. Raises KafkaError where the broker refuses it."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        request = ProduceRequest(
            transactional_id=None, required_acks=-1, timeout=30_000, topics=[(topic, [(partition, batch)])]
        )
        response = await client.send(client.get_random_node(), request)
        ((_, ((_, code, offset, *_),)),) = response.topics
        if code:
            raise for_code(code)
        return int(offset)
    finally:
        await client.close()
