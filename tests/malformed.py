"""Malformed messages by mutation: every field of every kind of event against every odd value, and odd records."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nacl.signing import SigningKey

from monazite_contracts import builders as a
from monazite_contracts.partitioner import partition_of
from monazite_contracts.seal import encode_base64url, pae

Json = dict[str, Any]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Raw:
    """Text that goes into the JSON as it is."""

    text: str


NASTY: Sequence[Any] = (
    None, True, False, 0, 1, -1, Raw("-0"), Raw("0.0"), Raw("1.5"), Raw("1e2"), Raw("1e400"), Raw("-1e400"),
    Raw("1E-400"), Raw("NaN"), Raw("Infinity"), Raw("-Infinity"), Raw("01"), Raw("+1"), Raw("0x10"), Raw("."),
    2**31, 2**53, 2**63, 2**64, 10**18, Raw("9" * 400), [], {}, [[]], [None], {"": None}, "", " ", "0", "1", "-0",
    "-1.000", "+1.000", "1,5", "1.0", "1.0000", "0.000", "0.0000", "1e3", "NaN", "Infinity", "null", "true",
    "999999999.999", "1000000000.000", "1" + "0" * 18, "100.0001", "\uff11\uff12.\uff10\uff10\uff10", "12.500\n",
    " 12.500", "12.500 ", "12\u200b.500", "\u0661\u0662.\u0665\u0660\u0660", "x" * 201, "x" * 70_000, "\x00", "a\x00b",
    "\u202e", "\u200d", "\ufeff", "\ufffd", "\U0001f4a3", "\u00e9", "e\u0301", Raw('"\\ud800"'),
    Raw('"\\udfff\\ud800"'), Raw('"\\u0000"'), Raw('"\\x"'), Raw("'x'"), Raw("undefined"), Raw("/*x*/1"),
    "'; DROP TABLE ledger; --", "$(touch /tmp/x)", "`id`", "<script>alert(1)</script>", "{{7*7}}", "%s%n", "../../etc",
    "${jndi:ldap://x}", "\\", '"', "shihe-mine-1/L-1\u200d", "shihe-mine-1/L-\uff11", "other-mine/L-1", "SHIHE/L-1",
    "2023-02-29T00:00:00+08:00", "2024-02-29T00:00:00+08:00", "2023-05-04T08:00:00", "2023-05-04T23:59:60+08:00",
    "2023-05-04T24:00:00+08:00", "2023-05-04 08:00:00+08:00", "2023-05-04T08:00:00+24:00", "2023-05-04T08:00:00+08",
    "2023-05-04T08:00:00Z", "2023-05-04t08:00:00z", "2023-05-04", "1999-12-31T23:59:59Z", "2100-01-01T00:00:00Z",
    "2099-12-31T23:59:59-23:59", "2023-05-04T08:00:00.1234567Z", "2023-06-01T00:00:00+08:00", "2023-05", "2023-13",
    "monazite.production.v2", "monazite.production.v1", "monazite.nothing.v1", "metal", "dry", "as_received", "mined",
    "separated", "recovered", "refused", "accepted", "plant", "named", "ndpr-metal", "ndpr-oxide", "final",
    "provisional",
)  # fmt: skip
"""Values that some reader, writer, database, shell or page somewhere takes badly."""


PLAUSIBLE: dict[str, Sequence[Any]] = {
    "activity": ("mined", "separated", "smelted", "recovered"),
    "product": ("ndpr-metal", "ndpr-oxide", "bastnaesite-concentrate", "magnet-scrap"),
    "outcome": ("accepted", "short", "over", "partly_refused", "refused"),
    "accepted_kg": ("0.000", "1.000"), "refused_kg": ("0.000", "1.000"), "reason": (None, "other", "damaged"),
    "nil": (True, False), "lines": ([], [a.a_flow_line()] * 2), "status": ("final", "provisional"),
    "start": ("2023-04-30T00:00:00+08:00", "2023-05-06T00:00:00+08:00", "2023-05-03T16:00:00Z"),
    "end": ("2023-06-01T00:00:00+08:00", "2023-06-01T00:00:00.000001+08:00"),
    "lot": ("shihe-mine-1/L-1", "shihe-mine-9/L-1"), "source": ("shihe-mine-1", "shihe-mine-9"),
    "recordid": ("R-9",), "sourcesystem": ("scale-2",), "test": (True, False), "datacontenttype": ("application/json",),
    "assay": (a.an_assay(), a.an_oxide_assay(), a.a_metal_assay()),
}  # fmt: skip
"""Values that each field may have, so that what is wrong lies between fields, or nothing is."""


def bases(plant: str, record: str) -> list[Json]:
    """One valid event of every kind, of a plant, under a record of its own."""
    of = {"plant": plant, "record": record}
    line = {"lot": f"{plant}/{record}", "product": "bastnaesite-concentrate", "net_mass_kg": "1.000"}
    stated = a.a_production(plant=plant, record="R-0")
    return [
        a.a_production(**of), a.a_separation(**of), a.an_import(**of), a.a_scrap_intake(**of),
        a.an_opening_inventory(**of), a.a_blend(**of), a.a_loss(**of), a.a_declaration(**of), a.a_stocktake(**of),
        a.a_split(**of, children=[{"lot": f"{plant}/{record}-A", "net_mass_kg": "1.000"}]),
        a.a_dispatch(**of, lines=[line]), a.a_receipt_of_goods(**of), a.a_change_of_destination(**of),
        a.a_void(stated, record=record), a.an_assay_finalised(stated, record=record),
        a.a_correction(stated, {"net_mass_kg": "2.000"}, record=record),
    ]  # fmt: skip


def paths(found: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a document."""
    yield at
    items = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    for name, member in items:
        yield from paths(member, (*at, name))


def changed(found: Any, at: Path, change: Any) -> Any:
    """The document with what stands at a place put through `change`."""
    if not at:
        return change(found)
    copy = dict(found) if isinstance(found, dict) else list(found)
    there = found.get(at[0]) if isinstance(found, dict) else found[int(at[0])]
    copy[at[0]] = changed(there, at[1:], change)
    return copy


def _without(at: Path) -> Any:
    def drop(parent: Any) -> Any:
        if isinstance(parent, dict):
            return {name: member for name, member in parent.items() if name != at[-1]}
        return [member for number, member in enumerate(parent) if number != at[-1]]

    return drop


def _renamed(name: Any, other: str) -> Any:
    return lambda parent: {other if key == name else key: member for key, member in parent.items()}


def _twice(name: Any, second: Any) -> Any:
    def double(parent: Json) -> Raw:
        return Raw(written(parent)[:-1] + f",{json.dumps(name)}:{written(second)}}}")

    return double


def _nested(levels: int) -> Raw:
    return Raw("[" * levels + "]" * levels)


def mutate(document: Json, random_: random.Random) -> Any:
    """One document with one oddity in one place."""
    places = list(paths(document))
    likely = [at for at in places if at and at[-1] in PLAUSIBLE]
    if likely and random_.random() < 0.2:
        at = random_.choice(likely)
        return changed(document, at, lambda _: random_.choice(PLAUSIBLE[str(at[-1])]))
    at = random_.choice(places)
    named = bool(at) and isinstance(at[-1], str)
    if named and random_.random() < 0.15:
        return changed(document, at[:-1], lambda parent: _odd_key(parent, str(at[-1]), random_))
    if at and random_.random() < 0.06:
        return changed(document, at[:-1], _without(at))
    return changed(document, at, lambda member: _odd(member, random_))


def _odd_key(parent: Json, name: str, random_: random.Random) -> Any:
    if random_.random() < 0.5:
        return _twice(name, random_.choice((parent[name], None, "x")))(parent)
    other = random_.choice((name.upper(), name + " ", name[:-1], name.replace("e", "\u0435"), "__proto__", ""))
    return _renamed(name, other)(parent)


def _odd(member: Any, random_: random.Random) -> Any:
    shape = random_.randrange(12)
    if shape == 0:
        return random_.choice(([member], {"value": member}, [member, member], written(member)))
    if shape == 1:
        return _nested(random_.choice((20, 300, 5_000)))
    if shape == 2:
        return member | {"extra": 1} if isinstance(member, dict) else [member] * 101
    if shape < 5 and isinstance(member, str):
        return _spelled(member, random_)
    return random_.choice(NASTY)


def _spelled(text: str, random_: random.Random) -> str:
    at = random_.randrange(len(text) + 1)
    odd = random_.choice(("\u200b", "\u200d", " ", "\n", "\x00", "0", "-", "\u202e", "\uff10", "A", "a", "/", ".", "'"))
    full = text.translate({ord("0") + digit: 0xFF10 + digit for digit in range(10)})
    return random_.choice((text[:at] + odd + text[at:], text[:at] + text[at + 1 :], full, text.upper(), text * 2))


def written(found: Any) -> str:
    """JSON, with raw text where it stands."""
    if isinstance(found, Raw):
        return found.text
    if isinstance(found, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(member)}" for name, member in found.items()) + "}"
    if isinstance(found, list):
        return "[" + ",".join(written(member) for member in found) + "]"
    return json.dumps(found, ensure_ascii=False)


# --- records


@dataclass(frozen=True)
class Sent:
    """One record; `sealed`: its headers hold exactly one right seal of `key_id` over the value."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[bytes, bytes | None], ...]
    sealed: bool = True
    good: bool = False


def seal(value: bytes, key_id: str, by: SigningKey) -> tuple[tuple[bytes, bytes | None], ...]:
    return (b"key", key_id.encode()), (b"seal", encode_base64url(by.sign(pae(value)).signature).encode())


def sent(value: bytes, plant: str, stream: str, **changes: Any) -> Sent:
    """A value as its plant would send it."""
    key = f"{plant}/gw-1".encode()
    headers = seal(value, f"{plant}.gw-1.2023", a.a_signing_key(plant))
    return replace(Sent(f"plant-{stream}", partition_of(key, 6), key, value, headers), **changes)


def frame_of(plant: str, number: int, stream: str) -> Json:
    source = {"plant": plant, "gateway": "gw-1", "stream": stream, "incarnation": f"{number:032x}"}
    return {"source": source, "sequence": 1, "previous": None}


def enveloped(events: Sequence[Any], plant: str, number: int, stream: str) -> bytes:
    """An envelope of an incarnation of its own."""
    return written(frame_of(plant, number, stream) | {"events": list(events)}).encode("utf-8")


def around(record: Sent, random_: random.Random) -> Sent:
    """The same record with something odd around or within its bytes."""
    value, (key, sealing) = record.value or b"", record.headers
    at = random_.randrange(len(value))
    bad_bytes = (
        value[:at], value[at:], value[:at] + bytes([random_.randrange(256)]) + value[at + 1 :],
        value[:at] + random_.choice((b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8", b"\x00")) + value[at:],
        b"\xef\xbb\xbf" + value, value.decode().encode("utf-16"), value + value, value + b"\n{}", b"", value[::-1],
        random_.randbytes(random_.randrange(1, 3_000)), b"[" + value + b"]", json.dumps(value.decode()).encode(),
    )  # fmt: skip
    if random_.random() < 0.6:
        plant, stream = (record.key or b"").decode().partition("/")[0], record.topic.partition("-")[2]
        odd = random_.choice(bad_bytes)
        made = sent(odd, plant, stream)
        return made if random_.random() < 0.8 else replace(made, headers=record.headers, sealed=odd == value)
    odd_headers = random_.choice(
        (
            (), (key,), (sealing,), (key, sealing, sealing), (key, key, sealing), (key, (b"seal", None)),
            ((b"key", None), sealing), (key, (b"seal", random_.randbytes(64))), ((b"key", b"\xff\x00"), sealing),
            (key, (b"seal", (sealing[1] or b"")[:-1])), (key, (b"seal", (sealing[1] or b"") + b"=")),
            (key, (b"SEAL", sealing[1])), (key, (b"\xff\xfeseal", sealing[1])), ((b"key", b"k" * 65), sealing),
            (key, (b"seal", encode_base64url(random_.randbytes(64)).encode())),
        )
    )  # fmt: skip
    return replace(record, headers=odd_headers, sealed=False)


def misplaced(record: Sent, random_: random.Random) -> Sent:
    """Rightly sealed, but not where it belongs."""
    other = {"plant-production": "plant-shipments"}.get(record.topic, "plant-production")
    return random_.choice(
        (
            replace(record, key=None), replace(record, key=b""), replace(record, key=random_.randbytes(9)),
            replace(record, key=b"shihe-mine-2/gw-1"), replace(record, partition=(record.partition + 1) % 6),
            replace(record, topic=other),
        )
    )  # fmt: skip
