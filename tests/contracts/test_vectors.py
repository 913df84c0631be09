"""The test vectors hold by other means than ours, and a plant that is not written in Python can follow the page."""

import json
import shutil
import subprocess
from base64 import urlsafe_b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import orjson
import pytest
import rfc8785
from aiokafka.partitioner import DefaultPartitioner, murmur2
from hypothesis import given
from hypothesis import strategies as st
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from monazite_contracts.opening import open_value
from monazite_contracts.partitioner import murmur2 as our_murmur2
from monazite_contracts.partitioner import partition_of
from monazite_contracts.seal import HEARTBEAT_PAYLOAD_TYPE, PAYLOAD_TYPE, pae, verifies

FOLDER = Path(__file__).parents[2] / "docs" / "contracts"
VECTORS: dict[str, Any] = json.loads((FOLDER / "vectors.json").read_text(encoding="utf-8"))
FOREIGN_PLANT = Path(__file__).parent / "foreign_plant.mjs"


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def dsse(payload_type: str, value: bytes) -> bytes:
    """Written from DSSE's own text."""
    parts = (b"DSSEv1", str(len(payload_type)).encode(), payload_type.encode(), str(len(value)).encode(), value)
    return b" ".join(parts)


def test_the_key_pair_belongs_together() -> None:
    key = VECTORS["signing_key"]
    assert decoded(key["public_key"]) == bytes(SigningKey(bytes.fromhex(key["seed_hex"])).verify_key)


def test_event_ids_are_uuids_of_version_five() -> None:
    namespace = UUID(VECTORS["event_ids"]["namespace"])
    for row in VECTORS["event_ids"]["ids"]:
        assert row["id"] == str(uuid5(namespace, f"{row['source']}/{row['sourcesystem']}/{row['recordid']}"))


def test_event_hashes_are_those_of_rfc_8785() -> None:
    for row in VECTORS["events"]:
        form = rfc8785.dumps(row["event"])
        assert form.hex() == row["canonical_hex"]
        assert sha256(form).hexdigest() == row["hash"]


def test_seals_are_ed25519_over_dsse() -> None:
    key = VerifyKey(decoded(VECTORS["signing_key"]["public_key"]))
    for row in VECTORS["pae"]:
        encoded = dsse(row["payload_type"], bytes.fromhex(row["value_hex"]))
        assert encoded.hex() == row["pae_hex"]
        key.verify(encoded, decoded(row["seal"]))
    for row in VECTORS["chain"]:
        encoded = dsse(PAYLOAD_TYPE, row["value"].encode())
        assert sha256(encoded).hexdigest() == row["pae_sha256"]
        key.verify(encoded, decoded(row["seal"]))
        with pytest.raises(BadSignatureError):
            key.verify(encoded + b" ", decoded(row["seal"]))


def test_a_seal_of_a_heartbeat_is_none_of_an_envelope() -> None:
    row = next(row for row in VECTORS["pae"] if row["payload_type"] == HEARTBEAT_PAYLOAD_TYPE)
    key, value = VerifyKey(decoded(VECTORS["signing_key"]["public_key"])), bytes.fromhex(row["value_hex"])
    assert verifies(value, decoded(row["seal"]), key, HEARTBEAT_PAYLOAD_TYPE)
    assert not verifies(value, decoded(row["seal"]), key)
    assert pae(value) != pae(value, HEARTBEAT_PAYLOAD_TYPE)


def test_the_chain_is_one() -> None:
    previous = None
    for sequence, row in enumerate(VECTORS["chain"], start=1):
        document = json.loads(row["value"])
        assert (document["sequence"], document["previous"]) == (sequence, previous)
        previous = sha256(row["value"].encode()).hexdigest()
        assert row["hash"] == previous
        assert all(event.event for event in open_value(row["value"].encode()).events)
    assert len(VECTORS["chain"]) == 3


def test_record_keys_fall_where_the_default_partitioner_puts_them() -> None:
    choose = DefaultPartitioner()
    for row in VECTORS["record_keys"]:
        key = row["key"].encode()
        assert row["murmur2"] == murmur2(key) & 0xFFFFFFFF
        for count, partition in row["partition_of"].items():
            everywhere = list(range(int(count)))
            assert partition == choose(key, everywhere, everywhere)


@given(st.binary(max_size=64), st.integers(1, 64))
def test_our_partitioner_agrees_with_that_of_the_client(key: bytes, partitions: int) -> None:
    everywhere = list(range(partitions))
    assert our_murmur2(key) == murmur2(key) & 0xFFFFFFFF
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everywhere, everywhere)


def foreign_plant(vectors: Path) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is needed to act as a plant that is not written in Python, and is not here")
    command = [node, str(FOREIGN_PLANT), str(vectors)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_plant_in_another_language_follows_the_page() -> None:
    done = foreign_plant(FOLDER / "vectors.json")
    assert done.returncode == 0, done.stdout + done.stderr
    made = orjson.loads(done.stdout)
    assert made["checked"] == sum(len(VECTORS[name]) for name in ("events", "pae", "chain", "record_keys")) + 3
    value, key = made["value"].encode(), VerifyKey(decoded(VECTORS["signing_key"]["public_key"]))
    assert verifies(value, decoded(made["headers"]["seal"]), key)
    opened = open_value(value)
    assert opened.refusal is None
    assert [event.refusal for event in opened.events] == [None]


@pytest.mark.parametrize("place", ["hash", "seal", "partition_of", "id"])
def test_the_foreign_plant_would_notice_a_wrong_vector(place: str, tmp_path: Path) -> None:
    wrong = json.loads(json.dumps(VECTORS))
    if place == "hash":
        wrong["events"][0]["hash"] = "0" * 64
    elif place == "seal":
        wrong["chain"][1]["seal"] = wrong["chain"][0]["seal"]
    elif place == "partition_of":
        wrong["record_keys"][2]["partition_of"]["12"] += 1
    else:
        wrong["event_ids"]["ids"][0]["id"] = wrong["event_ids"]["ids"][1]["id"]
    (tmp_path / "vectors.json").write_text(json.dumps(wrong))
    assert foreign_plant(tmp_path / "vectors.json").returncode == 1
