"""Events, streams, seals, topics and messages: the tables agree with each other, and the builders with the models."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monazite_contracts import builders as a
from monazite_contracts import statements
from monazite_contracts.envelope import Continues, canonical, event_hash, record_key, value_hash
from monazite_contracts.events import EVENT, KNOWN_TYPES, STREAMS_OF_TYPE, Stream, made_lots, target_of
from monazite_contracts.generate.pages import messages_page, topics_page
from monazite_contracts.identifiers import EVENT_NAMESPACE
from monazite_contracts.messages import MESSAGES, find_message, near_names
from monazite_contracts.opening import open_value
from monazite_contracts.receipts import Range
from monazite_contracts.seal import (
    HEARTBEAT_PAYLOAD_TYPE,
    PAYLOAD_TYPE,
    decode_base64url,
    encode_base64url,
    public_key,
    seal_headers,
    verifies,
)
from monazite_contracts.topics import (
    HEARTBEATS,
    PLANT_TOPICS,
    RELAY_CONTROL,
    TOPICS,
    YEAR_MS,
    cleanup_policy,
    compaction_lag_ms,
    province_topic,
    receipts_topic,
)

PAGE = (Path(__file__).parents[2] / "docs" / "contracts" / "README.md").read_text(encoding="utf-8")
GOOD = a.a_production()
BUILDERS: list[Callable[..., dict[str, Any]]] = [
    a.a_production, a.a_separation, a.an_import, a.a_scrap_intake, a.an_opening_inventory, a.a_split, a.a_blend,
    a.a_loss, a.a_dispatch, a.a_receipt_of_goods, a.a_change_of_destination, a.a_declaration, a.a_nil_declaration,
    a.a_stocktake,
]  # fmt: skip
EVENTS = [build() for build in BUILDERS] + [a.a_void(GOOD), a.a_correction(GOOD, {}), a.an_assay_finalised(GOOD)]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["type"])
def test_every_builder_builds_what_is_understood(event: dict[str, Any]) -> None:
    (opened,) = open_value(a.an_envelope([event])).events
    assert opened.refusal is None
    assert opened.hash == event_hash(event)


def test_there_is_a_builder_for_every_type() -> None:
    assert {event["type"] for event in EVENTS} == KNOWN_TYPES


def test_a_builder_takes_what_the_test_is_about() -> None:
    event = a.a_production(plant="ab", record="X-1", test=True, net_mass_kg="1.000")
    assert (event["source"], event["recordid"], event["test"]) == ("ab", "X-1", True)
    assert event["data"]["lot"] == "ab/X-1"
    assert event["data"]["net_mass_kg"] == "1.000"


def test_envelopes_of_many_events_are_a_chain() -> None:
    events = [a.a_production(record=f"R-{number}") for number in range(7)]
    values = a.envelopes_of(events, per=3)
    opened = [open_value(value) for value in values]
    assert [one.sequence for one in opened] == [1, 2, 3]
    assert [one.previous for one in opened] == [None, value_hash(values[0]), value_hash(values[1])]
    assert sum(len(one.events) for one in opened) == 7
    continued = Continues(incarnation="0" * 32, sequence=3, hash=value_hash(values[2]).hex())
    assert open_value(a.an_envelope(events, continues=continued)).continues == continued


def test_an_amendment_names_its_target() -> None:
    assert target_of(EVENT.validate_json(canonical(a.a_void(GOOD)))) == (UUID(GOOD["id"]), event_hash(GOOD))
    assert target_of(EVENT.validate_json(canonical(GOOD))) is None


def test_the_lots_a_statement_makes_are_those_of_what_it_puts_in_place() -> None:
    def lots(event: dict[str, Any]) -> tuple[str, ...]:
        return made_lots(EVENT.validate_json(canonical(event)).data)

    assert lots(GOOD) == lots(a.a_correction(GOOD, {})) == (f"{a.MINE}/R-1",)
    assert lots(a.a_split()) == (f"{a.MINE}/R-1-A", f"{a.MINE}/R-1-B")
    assert lots(a.a_dispatch()) == lots(a.a_void(GOOD)) == ()


def test_every_statement_states_its_instant_but_productions_and_declarations() -> None:
    for event in EVENTS:
        data = EVENT.validate_json(canonical(event)).data
        timeless = isinstance(data, statements.Production | statements.Declaration)
        assert (statements.acted_at(data) is None) == timeless


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event["type"])
@pytest.mark.parametrize("stream", list(Stream))
def test_a_type_is_taken_on_its_streams_only(event: dict[str, Any], stream: Stream) -> None:
    (opened,) = open_value(a.an_envelope([event], source=a.a_source(event["source"], stream=stream))).events
    replaced = event["data"].get("replacement", event)["type"]
    assert (opened.refusal is None) == (stream in STREAMS_OF_TYPE[replaced])


@given(st.binary(max_size=200))
def test_a_seal_verifies_under_its_own_key_and_bytes_only(value: bytes) -> None:
    key, other = a.a_signing_key(), a.a_signing_key("other")
    headers = dict(seal_headers(value, a.KEY_ID, key))
    assert headers == dict(a.sealed_headers(value))
    signature = decode_base64url(headers["seal"].decode("ascii"), 64)
    assert signature is not None
    assert verifies(value, signature, key.verify_key)
    assert not verifies(value + b"x", signature, key.verify_key)
    assert not verifies(value, signature, other.verify_key)
    assert not verifies(value, signature, key.verify_key, HEARTBEAT_PAYLOAD_TYPE)
    assert not verifies(value, signature[:-1], key.verify_key)


@given(st.binary(min_size=1, max_size=70), st.text(max_size=4))
def test_base64url_has_one_spelling(raw: bytes, extra: str) -> None:
    text = encode_base64url(raw)
    assert text == urlsafe_b64encode(raw).decode().rstrip("=")
    assert decode_base64url(text, len(raw)) == raw
    assert decode_base64url(text, len(raw) + 1) is None
    assert decode_base64url(text + extra, len(raw)) == (raw if not extra else None)
    assert decode_base64url(f"{text}=", len(raw)) is None


def test_a_public_key_is_43_characters() -> None:
    key = a.a_signing_key().verify_key
    assert public_key(encode_base64url(bytes(key))) == key
    for wrong in ("", "x" * 43, encode_base64url(bytes(31)), "é" * 43):
        with pytest.raises(ValueError, match="32 bytes"):
            public_key(wrong)


def test_topics_have_names_that_kafka_takes_and_are_not_repeated() -> None:
    names = [topic.name.format(plant="p", province="q") for topic in TOPICS]
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz-") for name in names)
    assert set(PLANT_TOPICS.values()) <= set(names)
    assert receipts_topic("p") in names
    assert province_topic("q") in names


def test_retention_and_compaction_fit_each_other() -> None:
    for topic in TOPICS:
        kept = topic.retention_ms == -1
        assert cleanup_policy(topic) == ("delete" if not topic.compacted else "compact" if kept else "compact,delete")
        newest_only = topic.name in {HEARTBEATS, RELAY_CONTROL} or not topic.compacted
        assert compaction_lag_ms(topic) == (0 if newest_only else YEAR_MS)
        assert topic.partitions > 0


def test_messages_are_found_by_name_and_near_ones_are_named() -> None:
    assert all(find_message(message.title) is message for message in MESSAGES)
    assert all(find_message(message.name) is message for message in MESSAGES)
    assert find_message("resend_request") is find_message("resend-request")
    assert find_message("nonsense") is None
    assert near_names("dispached")[0] == "dispatched"
    assert near_names("0000") == []


def test_every_type_has_its_stream_in_the_table() -> None:
    assert {message.type for message in MESSAGES if message.travels == "event"} == set(STREAMS_OF_TYPE)


def test_the_pages_name_every_topic_and_message() -> None:
    assert all(f"`{topic.name}`" in topics_page() for topic in TOPICS)
    assert all(f"`{message.title}`" in messages_page() for message in MESSAGES)


def test_the_page_for_other_languages_states_what_the_code_does() -> None:
    for stated in (
        str(EVENT_NAMESPACE),
        PAYLOAD_TYPE,
        HEARTBEAT_PAYLOAD_TYPE,
        HEARTBEATS,
        "0x7fffffff",
        "512 KiB",
        "64 KiB",
    ):
        assert stated in PAGE
    assert record_key("plant", "gateway").decode() in PAGE
    assert all(str(stream) in PAGE for stream in Stream)


def test_the_source_in_an_envelope_is_that_of_its_first_event_unless_stated() -> None:
    assert orjson.loads(a.an_envelope([a.a_dispatch()]))["source"]["stream"] == "shipments"
    assert orjson.loads(a.an_envelope([a.a_void(GOOD)]))["source"]["stream"] == "production"


def test_a_range_of_sequences_runs_forward() -> None:
    assert Range(first=3, last=3).last == 3
    with pytest.raises(ValidationError):
        Range(first=3, last=2)


def test_what_counts_as_assayed_is_every_statement_with_the_assay_of_a_whole_lot() -> None:
    assayed = {kind for kind in get_args(statements.Statement) if issubclass(kind, statements.AssayedLot)}
    assert assayed == set(get_args(statements.AssayedStatement))
