"""Malformed messages by hand: what the world is known to send, each with the answer that its sender must read."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from malformed import Json, Raw, Sent, changed, frame_of, sent, written

from monazite_contracts import builders as a

PLANT = "shihe-mine-1"


Answer = tuple[str, str] | None
"""Rule and field."""


@dataclass(frozen=True)
class Case:
    """A record with its answer: (rule, field) of the `whole` message, or of its second `event`; None: applied."""

    record: Sent
    whole: Answer = None
    event: Answer = None


def _envelope(number: int, stated: Sequence[Any], **frame: Any) -> bytes:
    return written(frame_of(PLANT, number, "production") | {"events": list(stated)} | frame).encode()


class _Cases:
    """Numbers the cases, so that each envelope is of an incarnation of its own."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.number = 1_000_000

    def _next(self) -> int:
        self.number += 1
        return self.number

    def neighbour(self) -> Json:
        return a.a_loss(plant=PLANT, record=f"H-{self.number}")

    def event(self, name: str, answer: Answer, at: str, value: Any, base: Json | None = None) -> None:
        """An event with an odd value in one place, a dotted path, beside a good one."""
        number = self._next()
        event = base or a.a_production(plant=PLANT, record=f"E-{number}")
        odd = changed(event, tuple(at.split(".")), lambda _: value) if at else value
        record = sent(_envelope(number, [self.neighbour(), odd]), PLANT, "production")
        self.cases[name] = Case(record, event=answer)

    def frame(self, name: str, rule: str, field: str, **frame: Any) -> None:
        """An envelope with an odd frame."""
        value = _envelope(self._next(), [self.neighbour()], **frame)
        self.cases[name] = Case(sent(value, PLANT, "production"), whole=(rule, field))

    def value(self, name: str, rule: str, value: bytes | None, field: str = "") -> None:
        """Rightly sealed bytes that are no envelope."""
        record = sent(value or b"", PLANT, "production")
        key = record.key if value is not None else b"a tombstone"  # no value has the hash of an empty one
        self.cases[name] = Case(replace(record, value=value, key=key), whole=(rule, field))

    def record(self, name: str, rule: str, field: str = "", **odd: Any) -> None:
        """A right envelope in an odd record."""
        right = sent(_envelope(self._next(), [self.neighbour()]), PLANT, "production")
        self.cases[name] = Case(replace(right, sealed="headers" not in odd, **odd), whole=(rule, field))


EVIL = "'; DROP TABLE ledger; -- $(reboot) <script>alert(1)</script>"


def cases() -> dict[str, Case]:
    """Every case by its name."""
    made = _Cases()
    _records(made)
    _values(made)
    _frames(made)
    _events(made)
    _statements(made)
    return made.cases


def _records(made: _Cases) -> None:
    missing = ("seal-missing", "headers")
    key, seal = (b"key", f"{PLANT}.gw-1.2023".encode()), (b"seal", b"A" * 86)
    made.record("binary header values", *missing, headers=(key, (b"seal", b"\x00\xff" * 32)))
    made.record("null header values", *missing, headers=((b"key", None), (b"seal", None)))
    made.record("no headers", *missing, headers=())
    made.record("two seals", *missing, headers=(key, seal, seal))
    made.record("a seal with padding", *missing, headers=(key, (b"seal", b"A" * 86 + b"==")))
    made.record("a header in other letters", *missing, headers=(key, (b"Seal", b"A" * 86)))
    made.record("a seal of nothing", "seal-false", "headers.seal", headers=(key, seal))
    made.record("a null key", "misplaced", key=None)
    made.record("a binary key", "misplaced", key=b"\x00\xff\xfe")
    made.record("a key that does not match the source", "misplaced", key=b"shihe-mine-2/gw-1")
    made.record("another topic", "misplaced", topic="plant-shipments")
    made.record("another partition", "misplaced", partition=(sent(b"", PLANT, "production").partition + 1) % 6)
    value = _envelope(2_000_000, [made.neighbour()])
    made.cases["a seal over other bytes"] = Case(
        replace(sent(value, PLANT, "production"), value=value + b" ", sealed=False),
        whole=("seal-false", "headers.seal"),
    )


def _values(made: _Cases) -> None:
    good = _envelope(made.number, [made.neighbour()])
    noise = random.Random(4)  # noqa: S311 - a test's dice
    made.value("a tombstone", "not-json", None)
    made.value("an empty value", "not-json", b"")
    made.value("truncated UTF-8", "not-json", good[:-2] + b"\xe7\xa8")
    made.value("overlong UTF-8", "not-json", good.replace(b"gw-1", b"gw\xc0\xad1"))
    made.value("a byte-order mark", "not-json", b"\xef\xbb\xbf" + good)
    made.value("UTF-16", "not-json", good.decode().encode("utf-16"))
    made.value("a megabyte of garbage", "not-json", noise.randbytes(1_000_000))
    made.value("a megabyte of brackets", "not-json", b"[" * 1_000_000)
    made.value("JSON 10,000 levels deep", "not-json", b"[" * 10_000 + b"]" * 10_000)
    made.value("two documents", "not-json", good + good)
    made.value("a number", "not-an-envelope", b"1")
    made.value("a list of envelopes", "not-an-envelope", b"[" + good + b"]")
    made.value("an envelope in a string", "not-an-envelope", written(good.decode()).encode())
    made.value("an empty object", "not-an-envelope", b"{}", "source")
    made.value("a lone surrogate", "not-json", good.replace(b'"spill"', b'"\\ud800"'))
    made.value("a source named twice", "not-an-envelope", b'{"source":1,' + good[1:])


def _frames(made: _Cases) -> None:
    made.frame("an envelope without events", "wrong-format", "events", events=[])
    loss = a.a_loss(plant=PLANT, record="H-501")
    made.frame("an envelope of 501 events", "too-large", "events", events=[loss] * 501)
    made.frame("events that are no list", "wrong-format", "events", events={"0": loss})
    made.frame("a previous that is no hash", "wrong-format", "previous", previous="A" * 64)
    made.frame("an unknown field of the envelope", "unknown-field", "priority", priority=1)
    made.frame("a sequence in a string", "not-an-envelope", "sequence", sequence="1")
    made.frame("a sequence with a point", "not-an-envelope", "sequence", sequence=Raw("1.0"))
    made.frame("a sequence of -0", "not-an-envelope", "sequence", sequence=Raw("-0"))
    made.frame("a sequence of 2^53", "not-an-envelope", "sequence", sequence=2**53)
    made.frame("a sequence of 1e400", "not-json", "", sequence=Raw("1e400"))
    made.frame("a sequence of NaN", "not-json", "", sequence=Raw("NaN"))
    made.frame("Infinity", "not-json", "", sequence=Raw("-Infinity"))
    made.frame("a huge integer", "not-json", "", sequence=Raw("9" * 5_000))
    made.frame("a field twice", "not-an-envelope", "", previous=Raw('null,"previous":null'))
    twice = {"incarnation": "0" * 32, "sequence": 1, "hash": Raw('"x","hash":"' + "0" * 64 + '"')}
    made.frame("a key twice in continues", "duplicate-key", "continues", continues=twice)
    made.frame("an event 300 levels deep", "too-deep", "", events=[loss, Raw("[" * 300 + "]" * 300)])


def _events(made: _Cases) -> None:
    mass, start, lot = "data.net_mass_kg", "data.period.start", "data.lot"
    for name, value in _MASSES.items():
        made.event(f"a mass {name}", ("wrong-format", mass), mass, value)
    for name, value in _STARTS.items():
        made.event(name, ("wrong-format", start), start, value)
    made.event("a lot with full-width digits", ("wrong-format", lot), lot, f"{PLANT}/L-\uff11")
    made.event("a lot with a zero-width joiner", ("wrong-format", lot), lot, f"{PLANT}/L\u200d-1")
    made.event("a lot of another plant", ("lot-of-another-plant", "data"), lot, "shihe-mine-2/L-1")
    across = ("period-straddles", "data.period")
    made.event("a period across a month end", across, start, "2023-04-30T00:00:00+08:00")
    made.event("a period that ends first", ("contradiction", "data.period"), start, "2023-05-06T00:00:00+08:00")
    made.event("a string of 70,000 characters", ("wrong-format", "recordid"), "recordid", "x" * 70_000)
    made.event("a control character", ("wrong-format", "recordid"), "recordid", "R\x00-1")
    made.event("another id", ("event-id", "id"), "id", "65b80601-7791-58d7-934d-814b485addbc")
    made.event("an unknown type", ("unknown-type", "type"), "type", "monazite.magic.v1")
    made.event("an unknown version", ("unknown-type", "type"), "type", "monazite.production.v9")
    made.event("an unknown field", ("unknown-field", "data.colour"), "data", _production("X") | {"colour": 1})
    made.event("an unknown product", ("not-in-list", "data.product"), "data.product", "unobtainium")
    made.event("a key twice in an event", ("duplicate-key", ""), mass, Raw('"1.000","net_mass_kg":"2.000"'))
    made.event("an event that is no object", ("wrong-format", ""), "", "x")
    made.event("no data", ("wrong-format", "data"), "data", None)
    for field in ("specversion", "id", "source", "time", "datacontenttype", "sourcesystem"):
        made.event(f"SQL, shell and markup in {field}", _evil(field), field, EVIL)
    for field in ("lot", "product", "net_mass_kg", "claimed_reo_kg", "activity", "origin"):
        made.event(f"SQL, shell and markup in data.{field}", _evil(f"data.{field}"), f"data.{field}", EVIL)


_MASSES: Json = {
    "as a number": Raw("12.500"), "of -0": "-0.000", "of zero": "0.000", "of 10^18 g": "1" + "0" * 15 + ".000",
    "in another script": "\uff11\uff12.\uff15\uff10\uff10", "with a comma": "12,500", "with a line feed": "12.500\n",
    "that is true": True,
}  # fmt: skip

_STARTS: Json = {
    "a date without offset": "2023-05-04T00:00:00", "a leap second": "2023-05-03T23:59:60+08:00",
    "29 February 2023": "2023-02-29T00:00:00+08:00", "a Unix time": 1_683_129_600,
}  # fmt: skip


def _evil(field: str) -> tuple[str, str]:
    listed = {"specversion", "datacontenttype", "data.product", "data.activity", "data.origin"}
    return "not-in-list" if field in listed else "wrong-format", field


def _production(record: str) -> Json:
    found: Json = a.a_production(plant=PLANT, record=record)["data"]
    return found


def _statements(made: _Cases) -> None:
    made.event("a mined compound", ("product-activity", "data"), "data.product", "ndpr-oxide")
    made.event("a concentrate with a metal assay", ("assay-basis", "data"), "data.assay", a.a_metal_assay())
    other = a.a_loss(plant="shihe-mine-2", record="W-1")
    made.event("an event of another plant", ("wrong-source", "source"), "", other)
    dispatched = a.a_dispatch(plant=PLANT, record="W-2")
    made.event("an event on the wrong topic", ("wrong-stream", "type"), "", dispatched)
    note = a.a_loss(plant=PLANT, record="NOTE")
    made.event("SQL, shell and markup where text is free", None, "data.note", EVIL, note)
    inputs = {"inputs": [a.an_input() | {"lot": f"{PLANT}/I-{n}"} for n in range(101)]}
    made.event("101 inputs", ("too-large", "data.inputs"), "data", _production("I") | inputs)
