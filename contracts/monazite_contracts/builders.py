"""Valid messages to start from: name the one thing that matters, the rest is plausible. For tests and integrators.

Events come as decoded JSON with the right id, envelopes as canonical bytes. The plants here are invented. Keywords
of an event builder replace fields of its `data`; `plant` and `record` say whose event it is, `test=True` makes it a
rehearsal.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from nacl.signing import SigningKey

from monazite_contracts.envelope import Continues, Source, canonical, event_hash, value_hash
from monazite_contracts.events import STREAMS_OF_TYPE, Stream
from monazite_contracts.identifiers import event_id
from monazite_contracts.seal import seal_headers

Json = dict[str, Any]

MINE: Final = "shihe-mine"
SEPARATION_PLANT: Final = "shihe-separation"
METAL_MAKER: Final = "shihe-metal"
IMPORTER: Final = "shihe-trade"
KEY_ID: Final = "shihe-mine.gw-1.2023"
DAY: Final = {"start": "2023-05-04T00:00:00+08:00", "end": "2023-05-05T00:00:00+08:00"}
NOON: Final = "2023-05-04T12:00:00+08:00"


def a_signing_key(seed_text: str = "gw-1") -> SigningKey:
    """A signing key that always follows from the same text. Never for anything real."""
    return SigningKey(sha256(seed_text.encode()).digest())


def a_source(plant: str = MINE, **fields: Any) -> Source:
    """A source: gateway `gw-1`, stream production, a fixed incarnation."""
    known = {"gateway": "gw-1", "stream": "production", "incarnation": sha256(b"1").hexdigest()[:32]}
    return Source.model_validate_json(canonical({"plant": plant} | known | fields))


def an_assay(**fields: Any) -> Json:
    """A final dry assay: 8 % moisture, 60 % TREO."""
    return {"status": "final", "basis": "dry", "moisture_pct": "8.0000", "treo_pct": "60.0000"} | fields


def an_oxide_assay(**fields: Any) -> Json:
    """A final as-received assay of an almost pure oxide."""
    return {"status": "final", "basis": "as_received", "treo_pct": "99.5000"} | fields


def a_metal_assay(**elements: str) -> Json:
    """A final metal assay; keywords are elements with their mass fraction, NdPr metal by default."""
    return {"status": "final", "basis": "metal", "elements_pct": elements or {"Nd": "75.0000", "Pr": "24.5000"}}


def an_event(kind: str, data: Json, *, plant: str = MINE, record: str = "R-1", **fields: Any) -> Json:
    """Any event: `kind` as in `production`, keywords replace CloudEvents fields. The id follows unless it is given."""
    system = fields.get("sourcesystem", "mes")
    made = {
        "specversion": "1.0",
        "id": event_id(plant, system, record),
        "source": plant,
        "type": f"monazite.{kind}.v1",
        "time": "2023-05-05T06:00:00+08:00",
        "datacontenttype": "application/json",
        "sourcesystem": system,
        "recordid": record,
        "data": data,
    }
    return made | fields


def _event(kind: str, data: Json, changes: Json) -> Json:
    envelope_fields = {name: changes.pop(name) for name in ("plant", "record", "test") if name in changes}
    return an_event(kind, data | changes, **envelope_fields)


def _new_lot(changes: Json, default_plant: str) -> str:
    changes.setdefault("plant", default_plant)
    return f"{changes['plant']}/{changes.setdefault('record', 'R-1')}"


def a_lot_line(**changes: Any) -> Json:
    """What a statement says of a whole lot: 20 t of bastnaesite concentrate, 11.04 t REO."""
    return {
        "lot": f"{MINE}/R-1",
        "product": "bastnaesite-concentrate",
        "net_mass_kg": "20000.000",
        "assay": an_assay(),
        "claimed_reo_kg": "11040.000",
    } | changes


def a_production(**changes: Any) -> Json:
    """A day's lot of concentrate from the mine. Its lot is `plant/record` unless `lot` says otherwise."""
    lot = _new_lot(changes, MINE)
    return _event(
        "production", a_lot_line(lot=lot) | {"activity": "mined", "origin": "domestic", "period": dict(DAY)}, changes
    )


def an_input(**changes: Any) -> Json:
    """A lot that a production used: 18 t of the mine's concentrate."""
    return {
        "lot": f"{MINE}/R-1",
        "product": "bastnaesite-concentrate",
        "net_mass_kg": "18000.000",
        "assay": an_assay(),
    } | changes


def a_separation(**changes: Any) -> Json:
    """A lot of NdPr oxide from the separation plant, with the concentrate it used."""
    data = {
        "activity": "separated",
        "lot": _new_lot(changes, SEPARATION_PLANT),
        "product": "ndpr-oxide",
        "net_mass_kg": "1900.000",
        "assay": an_oxide_assay(),
        "claimed_reo_kg": "1890.500",
        "inputs": [an_input()],
        "origin": "domestic",
        "period": dict(DAY),
        "losses_kg": "120.500",
    }
    return _event("production", data, changes)


def an_import(**changes: Any) -> Json:
    """A lot of concentrate that entered under a customs declaration."""
    data = a_lot_line(lot=_new_lot(changes, IMPORTER)) | {
        "declaration": "420220230000012345",
        "country_of_origin": "MM",
        "exporter": "Invented Minerals Ltd",
        "imported_at": NOON,
    }
    return _event("import", data, changes)


def a_scrap_intake(**changes: Any) -> Json:
    """A lot of magnet sludge taken in."""
    data = a_lot_line(lot=_new_lot(changes, METAL_MAKER)) | {
        "product": "magnet-sludge",
        "net_mass_kg": "800.000",
        "assay": an_oxide_assay(status="provisional", treo_pct="27.0000"),
        "claimed_reo_kg": "216.000",
        "supplier": "Invented Magnets Co., Ltd",
        "taken_in_at": NOON,
    }
    return _event("scrap-intake", data, changes)


def an_opening_inventory(**changes: Any) -> Json:
    """A lot that was there at go-live."""
    data = a_lot_line(lot=_new_lot(changes, MINE)) | {"origin": "domestic", "counted_at": "2023-01-01T00:00:00+08:00"}
    return _event("opening-inventory", data, changes)


def a_split(**changes: Any) -> Json:
    """One lot of 20 t becomes two."""
    lot = _new_lot(changes, MINE)
    children = [{"lot": f"{lot}-{name}", "net_mass_kg": "10000.000"} for name in "AB"]
    parent = {"lot": f"{MINE}/R-1", "net_mass_kg": "20000.000"}
    return _event("split", {"parent": parent, "children": children, "split_at": NOON}, changes)


def a_blend(**changes: Any) -> Json:
    """Parts of two lots become one."""
    data = {
        "parents": [{"lot": f"{MINE}/R-{number}", "net_mass_kg": "5000.000"} for number in (1, 2)],
        "lot": _new_lot(changes, MINE),
        "product": "bastnaesite-concentrate",
        "net_mass_kg": "10000.000",
        "assay": an_assay(),
        "blended_at": NOON,
    }
    return _event("blend", data, changes)


def a_loss(**changes: Any) -> Json:
    """Mass that is gone outside production."""
    data = {"lot": f"{MINE}/R-1", "net_mass_kg": "12.500", "reason": "spill", "lost_at": NOON}
    return _event("loss", data, changes)


def a_dispatch(**changes: Any) -> Json:
    """The mine sends 18 t to the separation plant."""
    data = {
        "waybill": "WB-20230504-001",
        "consignee": {"kind": "plant", "plant": SEPARATION_PLANT},
        "end_use": "separation",
        "lines": [{"lot": f"{MINE}/R-1", "product": "bastnaesite-concentrate", "net_mass_kg": "18000.000"}],
        "dispatched_at": NOON,
    }
    return _event("dispatched", data, changes)


def a_receipt_of_goods(**changes: Any) -> Json:
    """The separation plant takes all of that in."""
    changes.setdefault("plant", SEPARATION_PLANT)
    data = {
        "waybill": "WB-20230504-001",
        "consignor": {"kind": "plant", "plant": MINE},
        "outcome": "accepted",
        "lines": [{"lot": f"{MINE}/R-1", "accepted_kg": "18000.000", "refused_kg": "0.000"}],
        "received_at": "2023-05-06T09:30:00+08:00",
    }
    return _event("received", data, changes)


def a_change_of_destination(**changes: Any) -> Json:
    """The mine sends the same goods elsewhere while they are under way."""
    data = {
        "waybill": "WB-20230504-001",
        "consignee": {"kind": "plant", "plant": "shihe-separation-2"},
        "reason": "kiln repair at the consignee",
        "changed_at": "2023-05-05T08:00:00+08:00",
    }
    return _event("destination-changed", data, changes)


def a_flow_line(**changes: str) -> Json:
    """A month in which 20 t were made and 18 t shipped."""
    masses = dict.fromkeys(("opening_kg", "in_kg", "used_kg", "lost_kg"), "0.000")
    line = {"product": "bastnaesite-concentrate", "made_kg": "20000.000", "shipped_kg": "18000.000"}
    return line | masses | {"closing_kg": "2000.000"} | changes


def a_declaration(**changes: Any) -> Json:
    """The mine's flow record of May 2023."""
    return _event("declaration", {"month": "2023-05", "nil": False, "lines": [a_flow_line()]}, changes)


def a_nil_declaration(**changes: Any) -> Json:
    """A month in which nothing was held and nothing moved."""
    return a_declaration(**({"nil": True, "lines": []} | changes))


def a_stocktake(**changes: Any) -> Json:
    """A physical count at the mine."""
    counts = [{"product": "bastnaesite-concentrate", "net_mass_kg": "2000.000"}]
    return _event("stocktake", {"counts": counts, "taken_at": "2023-05-31T18:00:00+08:00"}, changes)


def a_target(event: Mapping[str, Any]) -> Json:
    """Names a version of a statement, as amendments do."""
    return {"id": event["id"], "hash": event_hash(event).hex()}


def _amendment(kind: str, target: Json, data: Json, changes: Json) -> Json:
    changes.setdefault("plant", target["source"])
    changes.setdefault("record", f"{target['recordid']}.{kind}")
    return _event(kind, {"target": a_target(target)} | data, changes)


def an_assay_finalised(target_event: Json, **changes: Any) -> Json:
    """The laboratory's final assay of the lot that an event made."""
    data = {"lot": target_event["data"]["lot"], "assay": an_assay(treo_pct="59.5000")}
    return _amendment("assay-finalised", target_event, data | {"finalised_at": "2023-05-20T15:00:00+08:00"}, changes)


def a_void(target_event: Json, **changes: Any) -> Json:
    """Takes an event back."""
    data = {"reason": "data_entry", "voided_at": "2023-05-06T10:00:00+08:00"}
    return _amendment("void", target_event, data, changes)


def a_correction(target_event: Json, data: Json, **changes: Any) -> Json:
    """Puts the target's statement, with the fields in `data` changed, in its place."""
    replacement = {"type": target_event["type"], "data": target_event["data"] | data}
    stated = {"reason": "weighing", "replacement": replacement, "corrected_at": "2023-05-06T10:00:00+08:00"}
    return _amendment("correction", target_event, stated, changes)


def an_envelope(
    events: Sequence[Any],
    *,
    source: Source | None = None,
    sequence: int = 1,
    previous: bytes | None = None,
    continues: Continues | None = None,
) -> bytes:
    """A value in canonical form; `previous` is the hash of the source's previous value. Seals nothing."""
    document: Json = {
        "source": (source or source_of(events)).model_dump(mode="json"),
        "sequence": sequence,
        "previous": previous.hex() if previous else None,
        "events": list(events),
    }
    if continues is not None:
        document["continues"] = continues.model_dump(mode="json")
    return canonical(document)


def source_of(events: Sequence[Any]) -> Source:
    """A source that may carry these events: the plant and the first stream of the first of them."""
    allowed = STREAMS_OF_TYPE[events[0]["type"]]
    return a_source(events[0]["source"], stream=next(stream for stream in Stream if stream in allowed))


def envelopes_of(events: Iterable[Any], per: int = 50, source: Source | None = None) -> list[bytes]:
    """The events in a chain of values, `per` in each, from sequence 1."""
    waiting = list(events)
    values: list[bytes] = []
    for sequence, start in enumerate(range(0, len(waiting), per), start=1):
        previous = value_hash(values[-1]) if values else None
        carried = source or source_of(waiting)
        values.append(an_envelope(waiting[start : start + per], source=carried, sequence=sequence, previous=previous))
    return values


def sealed_headers(value: bytes, key: SigningKey | None = None, key_id: str = KEY_ID) -> list[tuple[str, bytes]]:
    """The Kafka headers that seal a value, by default with `a_signing_key()`."""
    return seal_headers(value, key_id, key or a_signing_key())
