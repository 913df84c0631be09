"""An attacker: may write to every plant topic, has read everything ever published, and runs one plant of its own."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from regulator_desk import (
    ARRIVED_AT,
    Declared,
    Desk,
    Gateway,
    Message,
    a_draw,
    a_key,
    a_message,
    a_plant,
    again,
    an_enterprise,
    key_id_of,
    numbered,
)

from monazite_contracts.builders import a_correction, a_signing_key, a_void, an_envelope
from monazite_contracts.envelope import Source, canonical, record_key
from monazite_contracts.seal import HEARTBEAT_PAYLOAD_TYPE, PAYLOAD_TYPE, encode_base64url, seal_headers
from monazite_contracts.topics import PLANT_TOPICS

EVIL = "evil-mine"
EVIL_KEY = key_id_of(EVIL)
GONE, OVER, EARLY = "{plant}.gw-1.gone", "{plant}.gw-1.over", "{plant}.gw-1.early"
"""Ids of a plant's keys: revoked, expired, not valid yet; the attacker has the private keys of all."""

NOISE = ("seal-false", "source-unknown", "unreadable")
"""All that an attacker can bring about: alerts that say that somebody tries."""


def the_evil_plant() -> list[Declared]:
    """The attacker's own, registered and listed like any other."""
    return [*an_enterprise("evil"), *a_plant(EVIL, "evil")]


def old_keys(plant: str) -> list[Declared]:
    """Keys of a plant that no longer vouch, or not yet."""
    ever = {"since": ARRIVED_AT - timedelta(days=99)}
    hour = timedelta(hours=1)
    named: dict[str, dict[str, Any]] = {
        GONE: ever | {"revoked_from": ARRIVED_AT - hour},
        OVER: ever | {"until": ARRIVED_AT - hour},
        EARLY: {"since": datetime(2024, 6, 1, tzinfo=UTC)},
    }
    return [_old_key(plant, name.format(plant=plant), fields) for name, fields in named.items()]


def _old_key(plant: str, key_id: str, fields: dict[str, Any]) -> Declared:
    return a_key(plant, id=key_id, public=encode_base64url(bytes(a_signing_key(key_id).verify_key)), **fields)


# --- tricks: what to make of two messages that were published


Trick = Callable[[Message, Message], Message]


def document_of(message: Message) -> dict[str, Any]:
    """What an envelope says."""
    found: dict[str, Any] = orjson.loads(message.value or b"")
    return found


def source_of(message: Message) -> Source:
    """Whose envelope it is."""
    return Source.model_validate_json(orjson.dumps(document_of(message)["source"]))


def _edited(message: Message, **fields: Any) -> Message:
    """Other bytes under the same seal."""
    return again(message, value=canonical(document_of(message) | fields))


def _resealed(message: Message, key_id: str, *, key: str | None = None, payload_type: str = PAYLOAD_TYPE) -> Message:
    """The same bytes under a seal of the attacker's making."""
    signed = a_signing_key(key or key_id)
    return again(message, headers=seal_headers(message.value or b"", key_id, signed, payload_type))


def _lies(message: Message, *, sequence: int | None = None) -> bytes:
    """What the victim never said, in its name: a thousand tonnes at the same sequence, or at another."""
    document = document_of(message)
    lie = a_draw(1_000_000, "LIE", plant=document["source"]["plant"])
    return canonical(document | {"events": [lie], "sequence": sequence or document["sequence"]})


def _forged(message: Message, key_id: str, **changes: Any) -> Message:
    sequence = changes.pop("sequence", None)
    lie = replace(message, value=_lies(message, sequence=sequence))
    return replace(_resealed(lie, key_id, key=changes.pop("key", None)), **changes)


def _own_key_id(message: Message) -> str:
    """The genuine one, as the headers name it."""
    return (message.headers[0][1] or b"").decode()


def _of_victim(template: str) -> Trick:
    return lambda m, _: _forged(m, template.format(plant=source_of(m).plant))


def _early(trick: Trick) -> Trick:
    """The same an hour before the genuine message."""
    return lambda m, o: replace(trick(m, o), timestamp=m.timestamp - 3_600_000)


def _header_of(other: Message, message: Message) -> Message:
    (key, _), (_, seal) = message.headers[0], other.headers[1]
    return again(message, headers=[message.headers[0], ("seal", seal)]) if key else message


def _renamed(key_id: str) -> Trick:
    return lambda m, _: again(m, headers=[("key", key_id.encode()), m.headers[1]])


def _elsewhere(message: Message, **where: Any) -> Message:
    return again(message, **where)


def _respelt(message: Message, _: Message) -> Message:
    return again(message, value=orjson.dumps(document_of(message), option=orjson.OPT_INDENT_2))


def _beat(message: Message, _: Message) -> Message:
    """A heartbeat as the victim published it, put among its envelopes."""
    source = source_of(message)
    beat = {
        "type": "monazite.heartbeat.v1",
        "sequence": 1,
        "beat_at": "2023-05-05T06:00:00Z",
        "release": "1",
        "queued": 0,
    }
    value = canonical(beat | {"release": "1"} | source.model_dump(mode="json", exclude={"stream"}))
    key_id = _own_key_id(message)
    headers = seal_headers(value, key_id, a_signing_key(key_id), HEARTBEAT_PAYLOAD_TYPE)
    return again(message, value=value, headers=headers)


def _sealed_as_beat(message: Message, _: Message) -> Message:
    """Even if the victim could be brought to seal it as a heartbeat."""
    key_id = _own_key_id(message)
    return _resealed(replace(message, value=_lies(message)), key_id, payload_type=HEARTBEAT_PAYLOAD_TYPE)


FORGED: dict[str, Trick] = {
    "no key": lambda m, _: again(m, value=_lies(m), headers=[m.headers[1]]),
    "no seal": lambda m, _: again(m, value=_lies(m), headers=[m.headers[0]]),
    "its own key's id": lambda m, _: _forged(m, EVIL_KEY),
    "a stranger's key": lambda m, _: _forged(m, "stranger"),
    "the genuine key's id": lambda m, _: _forged(m, _own_key_id(m), key="a forger"),
    "the genuine value under a false seal": lambda m, _: _resealed(m, _own_key_id(m), key="a forger"),
    "the genuine value under its own key": lambda m, _: _resealed(m, EVIL_KEY),
    "the genuine value under a stranger's key": lambda m, _: _resealed(m, "stranger"),
    "a revoked key": _of_victim(GONE),
    "an expired key": _of_victim(OVER),
    "a key that is not valid yet": _of_victim(EARLY),
    "a later sequence": lambda m, _: _forged(m, "stranger", sequence=document_of(m)["sequence"] + 50),
    "a later sequence and the genuine key's id": lambda m, _: _forged(
        m, _own_key_id(m), key="a forger", sequence=document_of(m)["sequence"] + 1
    ),
    "another gateway of the plant": lambda m, _: again(
        _forged(m, "stranger"), key=record_key(source_of(m).plant, "gw-9")
    ),
    "a heartbeat": _beat,
    "a heartbeat's seal": _sealed_as_beat,
}

REPLAYED: dict[str, Trick] = {
    "in its place": lambda m, _: again(m),
    "a year later": lambda m, _: again(m, timedelta(days=365)),
    "on another topic": lambda m, _: _elsewhere(m, topic=_other_topic(m)),
    "in another partition": lambda m, _: _elsewhere(m, partition=(m.partition + 1) % 6),
    "under another record key": lambda m, o: _elsewhere(m, key=o.key if o.key != m.key else b"x/y"),
    "without a record key": lambda m, _: _elsewhere(m, key=None),
    "under its own record key": lambda m, _: _elsewhere(m, key=record_key(EVIL, "gw-1")),
    "under a stranger's key id": _renamed("stranger"),
    "under its own key id": _renamed(EVIL_KEY),
    "with more headers": lambda m, _: again(m, headers=[*m.headers, ("trace", b"\xff")]),
    "with its seal twice": lambda m, _: again(m, headers=[*m.headers, m.headers[1]]),
    "with two keys": lambda m, _: again(m, headers=[*m.headers, ("key", b"stranger")]),
}

SPLICED: dict[str, Trick] = {
    "another's events": lambda m, o: _edited(m, events=document_of(o)["events"]),
    "all events of two": lambda m, o: _edited(m, events=document_of(m)["events"] + document_of(o)["events"]),
    "some of its events": lambda m, _: _edited(m, events=document_of(m)["events"][:1]),
    "its events in another order": lambda m, _: _edited(m, events=document_of(m)["events"][::-1]),
    "another sequence": lambda m, _: _edited(m, sequence=document_of(m)["sequence"] + 1),
    "another previous": lambda m, _: _edited(m, previous="0" * 64),
    "no previous": lambda m, _: _edited(m, previous=None, sequence=1),
    "another incarnation": lambda m, _: _edited(m, source=document_of(m)["source"] | {"incarnation": "f" * 32}),
    "another plant": lambda m, _: _edited(m, source=document_of(m)["source"] | {"plant": EVIL}),
    "the same meaning spelt otherwise": _respelt,
    "a blank at the end": lambda m, _: again(m, value=(m.value or b"") + b" "),
    "another's seal": lambda m, o: _header_of(o, m),
    "another's value": lambda m, o: again(m, value=o.value),
}


def _other_topic(message: Message) -> str:
    topics = list(PLANT_TOPICS.values())
    return topics[(topics.index(message.topic) + 1) % len(topics)]


def _says(make: Callable[[dict[str, Any]], dict[str, Any]]) -> Trick:
    """Under the attacker's own seal, in its own name, about the victim's first statement."""

    def trick(message: Message, _: Message) -> Message:
        event = make(document_of(message)["events"][0])
        gateway = Gateway(EVIL, incarnation=f"{event['id']} {event['type']} {message.timestamp}")
        return again(numbered(gateway.send(event)), timestamp=message.timestamp + 60_000)

    return trick


def _owned(event: dict[str, Any]) -> dict[str, Any]:
    return a_draw(7, event["recordid"], plant=EVIL)


OWN: dict[str, Trick] = {
    "says the victim's event": _says(lambda event: event),
    "says it under its own name": _says(lambda event: event | {"source": EVIL}),
    "makes the victim's lot": _says(lambda event: a_draw(7, "EVIL", plant=EVIL, lot=_lot(event))),
    "uses the same record id": _says(_owned),
    "voids it": _says(lambda event: a_void(event, plant=EVIL, record="V")),
    "corrects it": _says(lambda event: a_correction(event, {}, plant=EVIL, record="C")),
    "states it under the victim's event id": _says(lambda event: _owned(event) | {"id": event["id"]}),
}


def _lot(event: dict[str, Any]) -> str:
    found: str = event["data"].get("lot", "somebody/L-1")
    return found


TRICKS: dict[str, Trick] = {
    **{f"forged under {name}": trick for name, trick in FORGED.items()},
    **{f"forged early under {name}": _early(trick) for name, trick in FORGED.items()},
    **{f"replayed {name}": trick for name, trick in REPLAYED.items()},
    **{f"spliced with {name}": trick for name, trick in SPLICED.items()},
    **{f"its own plant {name}": trick for name, trick in OWN.items()},
}


# --- what must be as if there were no attacker

_GENUINE = {
    "draw_days": "SELECT * FROM draw_days WHERE (drawn_g, original_g, events) <> (0, 0, 0) AND plant <> $1",
    "cap_days": "SELECT * FROM cap_days WHERE (drawn_g, original_g) <> (0, 0) AND holder <> 'evil'",
    "caps": "SELECT * FROM caps WHERE holder <> 'evil' AND ((drawn_g, original_g) <> (0, 0) OR granted_g IS NOT NULL)",
    "lots": "SELECT lot, index, plant, net_g, topic, partition, log_offset FROM lots JOIN ledger USING (message)"
    " WHERE plant <> $1",
    "events": (
        "SELECT index, plant, event_id, t.hash, outcome, effective, t.rule, topic, partition, log_offset"
        " FROM events t JOIN ledger l USING (message) WHERE plant <> $1"
    ),
    "decided": (
        "SELECT plant, gateway, stream, incarnation, decided::text FROM source_states JOIN sources USING (source)"
        " WHERE decided <> '{}' AND plant <> $1"
    ),
    "alerts": (
        "SELECT rule, subject, period, severity, percent, evidence FROM alerts WHERE condition = 'raised'"
        " AND split_part(subject, '/', 1) NOT IN ($1, 'evil') AND rule <> ALL ($2::text[])"
    ),
}


async def genuine(desk: Desk) -> dict[str, list[str]]:
    """What the platform says of everybody but the attacker's own plant, by coordinates, without the noise."""
    found = {}
    for name, query in _GENUINE.items():
        arguments = [EVIL, list(NOISE)][: 2 if "$2" in query else 1 if "$1" in query else 0]
        rows = await desk.connection.fetch(query, *arguments)
        found[name] = sorted(repr(dict(row)) for row in rows)
    return found


def an_envelope_of(gateway: Gateway, value: bytes, key_id: str, at: datetime) -> Message:
    """A value as somebody who has the key of that id would send it in a gateway's name."""
    return a_message(value, gateway.source, at, key_id=key_id)


def a_lie(gateway: Gateway, sequence: int, record: str = "LIE", reo_kg: int = 1_000_000) -> bytes:
    """An envelope that a gateway never formed."""
    return an_envelope(
        [a_draw(reo_kg, record, plant=gateway.plant)], source=gateway.source, sequence=sequence, previous=b"\1" * 32
    )
