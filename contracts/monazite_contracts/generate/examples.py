"""One realistic example of every message: a mine, a separation plant, a metal maker and a trader in May 2023.

They belong together: lots descend from lots, amendments name the hashes of what they amend, the receipt answers the
envelope. Plants, people and numbers are invented.
"""

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import orjson
from nacl.signing import SigningKey

from monazite_contracts import builders as a
from monazite_contracts.deadletters import HEAD_BYTES
from monazite_contracts.envelope import record_key, value_hash
from monazite_contracts.generate.example_report import an_example_report
from monazite_contracts.months import SHANGHAI
from monazite_contracts.seal import encode_base64url
from monazite_contracts.topics import PLANT_TOPICS

Json = dict[str, Any]

KEY_SEED_TEXT: Final = "monazite contract example"
KEY_ID: Final = "gw-1.2023"
SOURCE: Final = a.a_source(a.MINE, incarnation="5b0c1f0e9a7d4c3e8f21d6b7a4905c3e")
RECEIVED_AT: Final = "2023-05-05T06:00:04.218113+08:00"


def a_key() -> SigningKey:
    """The key that seals the examples. Its seed is public: never for anything real."""
    return a.a_signing_key(KEY_SEED_TEXT)


def days_production(day: int, record: str) -> Json:
    """What the mine made on a day of May 2023."""
    start = datetime(2023, 5, day, tzinfo=SHANGHAI)
    period = {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}
    figures = {"energy_kwh": "18250.000", "water_m3": "640.000", "carbon_kg": "10412.500"}
    return a.a_production(record=record, lot=f"{a.MINE}/C-{record}", period=period, **figures)


def example_events() -> dict[str, Json]:
    """An example of each event type by its name."""
    production = days_production(4, "230504-1")
    lot = production["data"]["lot"]
    used = a.an_input(lot=lot)
    moved = {"lot": lot, "product": "bastnaesite-concentrate", "net_mass_kg": "18000.000"}
    separation = a.a_separation(record="S-230520", lot=f"{a.SEPARATION_PLANT}/N-230520", inputs=[used])
    split_parts = [{"lot": f"{lot}-{half}", "net_mass_kg": "1000.000"} for half in "AB"]
    parents = [{"lot": f"{lot}-A", "net_mass_kg": "1000.000"}, {"lot": f"{a.MINE}/C-2022", "net_mass_kg": "4000.000"}]
    return {
        "production": production,
        "import": a.an_import(record="I-0007", assay=a.an_assay(status="provisional")),
        "scrap-intake": a.a_scrap_intake(record="SC-0031"),
        "opening-inventory": a.an_opening_inventory(
            record="C-2022", net_mass_kg="52000.000", claimed_reo_kg="28704.000"
        ),
        "split": a.a_split(record="SP-11", parent={"lot": lot, "net_mass_kg": "2000.000"}, children=split_parts),
        "blend": a.a_blend(record="BL-3", parents=parents, net_mass_kg="5000.000"),
        "loss": a.a_loss(record="LO-2", lot=f"{lot}-B", note="torn big bag, swept up and weighed"),
        "assay-finalised": a.an_assay_finalised(production, assay=a.an_assay(certificate="LAB-2023-0588")),
        "dispatched": a.a_dispatch(
            record="WB-20230504-001",
            lines=[moved],
            buyer={"kind": "plant", "plant": a.SEPARATION_PLANT},
            expected_at="2023-05-06T12:00:00+08:00",
            invoice={"number": "23152000000012345678", "issued_on": "2023-05-04"},
        ),
        "received": a.a_receipt_of_goods(
            record="GR-0412",
            outcome="short",
            lines=[{"lot": lot, "accepted_kg": "17992.000", "refused_kg": "0.000", "reason": "mass_differs"}],
        ),
        "destination-changed": a.a_change_of_destination(record="WB-20230504-001.2"),
        "declaration": a.a_declaration(record="2023-05"),
        "stocktake": a.a_stocktake(record="ST-2023-05"),
        "void": a.a_void(separation, note="booked twice"),
        "correction": a.a_correction(production, {"net_mass_kg": "19980.000", "claimed_reo_kg": "11028.960"}),
    }


def chain_of_three() -> list[bytes]:
    """Three values of one source, each naming the hash of the one before."""
    events = [days_production(day, f"2305{day:02}-1") for day in (4, 5, 6, 7)]
    first = a.an_envelope(events[:2], source=SOURCE)
    second = a.an_envelope(events[2:3], source=SOURCE, sequence=2, previous=value_hash(first))
    third = a.an_envelope(events[3:], source=SOURCE, sequence=3, previous=value_hash(second))
    return [first, second, third]


def example_record() -> Json:
    """A whole Kafka record: topic, key, headers, and the value's exact text."""
    value = chain_of_three()[0]
    return {
        "topic": PLANT_TOPICS[SOURCE.stream],
        "key": record_key(SOURCE.plant, SOURCE.gateway).decode(),
        "headers": {name: header.decode() for name, header in a.sealed_headers(value, a_key(), KEY_ID)},
        "value": value.decode(),
    }


def _source() -> Json:
    return SOURCE.model_dump(mode="json")


def _heartbeat() -> Json:
    return {
        "type": "monazite.heartbeat.v1",
        "plant": SOURCE.plant,
        "gateway": SOURCE.gateway,
        "incarnation": SOURCE.incarnation,
        "sequence": 412,
        "beat_at": "2023-05-05T06:05:00+08:00",
        "release": "0.1.0",
        "queued": 3,
        "oldest_unsent_at": "2023-05-05T06:04:58.120000+08:00",
        "clock_offset_ms": -12,
        "disk_free_bytes": 48_318_382_080,
        "sources": [{"name": "mes", "healthy": True}, {"name": "scale-2", "healthy": False, "detail": "no answer"}],
    }


def _receipt(values: list[bytes]) -> Json:
    of_third = {"sequence": 3, "envelope_hash": value_hash(values[2]).hex(), "index": 0}
    event = orjson.loads(values[2])["events"][0]
    return {
        "type": "monazite.receipt.v1",
        "source": _source(),
        "epoch": 1,
        "number": 2,
        "decided_through": 3,
        "decided_hash": value_hash(values[2]).hex(),
        "decided_beyond": [],
        "entries": [
            of_third | {"event_id": event["id"], "outcome": "applied", "flagged": True, "rule": "over-the-cap"},
        ],
        "issued_at": RECEIVED_AT,
    }


def _alert_id() -> str:
    return sha256(b"over-the-cap\x00example-mining/2023/mining_rock\x002023").hexdigest()[:32]


def _alert() -> Json:
    return {
        "type": "monazite.alert.v1",
        "id": _alert_id(),
        "epoch": 1,
        "revision": 3,
        "rule": "over-the-cap",
        "basis": "Decree 785 art. 21",
        "severity": "critical",
        "subject": {"kind": "cap", "code": "example-mining/2023/mining_rock"},
        "period": "2023",
        "condition": "raised",
        "handling": "new",
        "percent": 101,
        "summary": "Example Mining has drawn 101 % of its 2023 cap for rock-type ore.",
        "evidence": {"granted_g": "1000000000", "drawn_g": "1010400000", "over_g": "10400000"},
        "raised_at": RECEIVED_AT,
        "changed_at": RECEIVED_AT,
    }


def _dead_letter() -> Json:
    value = b'{"source":{"plant":"shihe-mine","gatew'
    return {
        "type": "monazite.dead-letter.v1",
        "topic": "plant-production",
        "partition": 2,
        "log_generation": 1,
        "offset": 90_412,
        "arrived_at": RECEIVED_AT,
        "hash": value_hash(value).hex(),
        "head": encode_base64url(value[:HEAD_BYTES]),
        "rule": "not-json",
        "remedy": "Send one JSON document in UTF-8 without a byte-order mark.",
    }


def _answers(values: list[bytes]) -> dict[str, Json]:
    return {
        "receipt": _receipt(values),
        "resend-request": {
            "type": "monazite.resend-request.v1",
            "source": _source(),
            "missing": [{"first": 4, "last": 6}],
            "issued_at": "2023-05-05T06:20:00+08:00",
        },
        "alert": _alert(),
        "alert-acknowledged": {
            "type": "monazite.alert-acknowledged.v1",
            "alert": _alert_id(),
            "handling": "acknowledged",
            "by": "duty officer 7",
            "note": "asked the enterprise for an explanation",
            "handled_at": "2023-05-05T08:41:00+08:00",
        },
        "report-ready": {
            "type": "monazite.report-ready.v1",
            "month": "2023-05",
            "level": "plant",
            "subject": a.MINE,
            "revision": 1,
            "hash": sha256(b"an example report").hexdigest(),
            "ready_at": "2023-06-10T00:05:00+08:00",
        },
        "dead-letter": _dead_letter(),
        "relay-control": {
            "type": "monazite.relay-control.v1",
            "epoch": 1,
            "publication": 51_204,
            "registry_digest": sha256(b"an example registry").hexdigest(),
            "written_at": RECEIVED_AT,
        },
    }


def examples() -> dict[str, Json]:
    """An example of each message by its title, as decoded JSON."""
    values = chain_of_three()
    records = {"envelope": orjson.loads(values[0]), "heartbeat": _heartbeat()} | _answers(values)
    records["traceability-report"] = an_example_report()
    return {f"{name}.v1": example for name, example in (records | example_events()).items()}
