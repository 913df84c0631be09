"""Opening never raises, whatever arrives, and says the same of the same content however it is written."""

import json
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monazite_contracts import builders as a
from monazite_contracts.envelope import ENVELOPE_BYTES_MAX, canonical, event_hash, value_hash
from monazite_contracts.events import EVENT_BYTES_MAX
from monazite_contracts.opening import VALUE_BYTES_MAX, Opened, open_event, open_value
from monazite_contracts.refusals import REMEDIES

GOOD = a.a_production()


def envelope_with(**fields: Any) -> bytes:
    return canonical(orjson.loads(a.an_envelope([GOOD])) | fields)


def is_whole(opened: Opened) -> bool:
    """What every answer has in common, whatever was asked."""
    refusals = [opened.refusal, *(event.refusal for event in opened.events)]
    named = [refusal for refusal in refusals if refusal is not None]
    return (
        len(opened.hash) == 32
        and (opened.source is None) == (opened.sequence is None)
        and (opened.refusal is not None or bool(opened.events))
        and not (opened.refusal is not None and opened.events)
        and (opened.source is not None or opened.refusal is not None)
        and all((event.event is None) != (event.refusal is None) for event in opened.events)
        and all(refusal.rule in REMEDIES and refusal.remedy and len(refusal.field) <= 200 for refusal in named)
        and all("\x00" not in refusal.field + refusal.remedy for refusal in named)
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**63 - 2, max_value=2**64 + 2)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["monazite.production.v1", "1.0", "12.500", "2023-05-04T12:00:00+08:00", a.MINE]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8) | st.sampled_from(["type", "data", "source", "id"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A valid envelope in which some value, somewhere, is something else."""
    document = orjson.loads(a.an_envelope([a.a_production(), a.a_separation(), a.a_correction(GOOD, {})]))
    place: Any = document
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    place[key] = draw(JSON)
    return json.dumps(document).encode()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example(b"NaN")
@example(b'"\\ud800"')
@example(b"1" * 5000)
@example(b"1e400")
@example(b"-0")
@example(b"\xff\xfe{\x00}\x00")
@example(b"\x00")
def test_no_bytes_make_it_raise(value: bytes) -> None:
    assert is_whole(open_value(value))


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_no_json_makes_it_raise(document: Any) -> None:
    assert is_whole(open_value(json.dumps(document).encode()))


@settings(max_examples=400, deadline=None)
@given(mangled())
def test_no_value_in_a_wrong_place_makes_it_raise(value: bytes) -> None:
    assert is_whole(open_value(value))


@pytest.mark.parametrize("depth", [50, 150, 199, 200, 201, 253, 254, 255, 256, 500, 990, 1000, 1024, 1025, 100_000])
@pytest.mark.parametrize("spaced", [b"", b" "])
def test_no_depth_makes_it_raise(depth: int, spaced: bytes) -> None:
    nested = b"[" * depth + b"]" * depth
    for value in (
        nested + spaced,
        a.an_envelope([GOOD]).replace(b'"1.0"', nested, 1) + spaced,
        envelope_with(further="@").replace(b'"@"', nested) + spaced,
        envelope_with(source="@").replace(b'"@"', nested) + spaced,
        b'{"a":' * depth + b"1" + b"}" * depth + spaced,
    ):
        assert is_whole(open_value(value))


def test_nothing_is_refused_as_no_json() -> None:
    opened = open_value(None)
    assert opened.refusal is not None
    assert opened.refusal.rule == "not-json"


def test_an_event_nested_too_deep_still_lets_its_envelope_occupy_its_number() -> None:
    value = a.an_envelope([GOOD]).replace(b'"1.0"', b"[" * 300 + b"]" * 300, 1)
    opened = open_value(value)
    assert (opened.sequence, opened.events) == (1, ())
    assert opened.refusal is not None
    assert opened.refusal.rule == "too-deep"


def test_one_bad_event_leaves_its_neighbours_alone() -> None:
    bad: list[Any] = [None, 7, [], {}, {"type": []}, {"type": {}}, GOOD | {"specversion": 1.0}, "text", 1e300]
    opened = open_value(a.an_envelope([GOOD, *bad, a.a_production(record="R-2")], source=a.a_source()))
    assert [event.event is not None for event in opened.events] == [True, *[False] * len(bad), True]
    assert is_whole(opened)


def test_the_way_of_writing_changes_the_values_hash_and_nothing_else() -> None:
    document = orjson.loads(a.an_envelope([GOOD, a.a_loss(note="稀土 \u00e9")]))
    forms = [
        canonical(document),
        json.dumps(document).encode(),
        json.dumps(document, indent=3).encode(),
        json.dumps(dict(reversed(document.items())), separators=(",", ":"), ensure_ascii=False).encode(),
        b" \n" + canonical(document) + b"\r\n",
    ]
    opened = [open_value(form) for form in forms]
    assert len({one.hash for one in opened}) == len(forms)
    assert len({tuple(event.hash for event in one.events) for one in opened}) == 1
    assert all(one.events == opened[0].events and one.refusal is None for one in opened)
    assert all(one.hash == value_hash(form) for one, form in zip(opened, forms, strict=True))


def doubled(value: bytes, member: bytes) -> bytes:
    """The value with a member written again, with something else in its first place."""
    name = member.partition(b":")[0]
    assert value.count(member) >= 1
    return value.replace(member, name + b":null," + member, 1)


@pytest.mark.parametrize(
    "member", [b'"specversion":"1.0"', b'"lot":"shihe-mine/R-1"', b'"start":"2023-05-04T00:00:00+08:00"']
)
def test_a_key_that_stands_twice_in_an_event_refuses_that_event_only(member: bytes) -> None:
    value = a.an_envelope([GOOD, a.a_production(record="R-2")])
    opened = open_value(doubled(value, member))
    first, second = opened.events
    assert first.refusal is not None
    assert first.refusal.rule == "duplicate-key"
    assert second.event is not None


def test_a_key_that_stands_twice_by_an_escape_is_found() -> None:
    value = a.an_envelope([GOOD]).replace(b'"specversion":', b'"specversio\\u006e":"1.0","specversion":')
    refusal = open_value(value).events[0].refusal
    assert refusal is not None
    assert refusal.rule == "duplicate-key"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_key_written_twice_anywhere_is_never_understood(data: st.DataObject) -> None:
    document = orjson.loads(a.an_envelope([a.a_separation(), a.a_correction(a.a_separation(), {})]))
    assert all(event.event for event in open_value(canonical(document)).events)
    places: list[dict[str, Any]] = []

    def collect(found: Any) -> None:
        if isinstance(found, dict):
            places.append(found)
        for inner in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
            collect(inner)

    collect(document)
    place = data.draw(st.sampled_from(places))
    key = data.draw(st.sampled_from(sorted(place)))
    # A marker of the same length as the key, so that only the writing of it twice makes the difference.
    marker = "\x7f" * len(key)
    place[marker] = data.draw(st.sampled_from([place[key], "", 0, None]))
    value = canonical(document).replace(marker.encode(), key.encode())
    opened = open_value(value)
    assert opened.refusal is not None or any(event.refusal for event in opened.events)


def test_a_key_that_stands_twice_in_the_envelope_or_its_source_makes_it_none() -> None:
    for member in (b'"sequence":1', b'"plant":"shihe-mine"'):
        opened = open_value(doubled(a.an_envelope([GOOD]), member))
        assert opened.source is None
        assert opened.refusal is not None
        assert opened.refusal.rule == "not-an-envelope"


def test_a_key_that_stands_twice_elsewhere_in_the_frame_occupies_the_number() -> None:
    continued = envelope_with(continues={"incarnation": "0" * 32, "sequence": 4, "hash": "0" * 64})
    opened = open_value(doubled(continued, b'"sequence":4'))
    assert opened.sequence == 1
    assert opened.refusal is not None
    assert (opened.refusal.rule, opened.refusal.field) == ("duplicate-key", "continues")


@pytest.mark.parametrize(
    ("fields", "rule", "field"),
    [
        ({"events": []}, "wrong-format", "events"),
        ({"events": [GOOD] * 501}, "too-large", "events"),
        ({"events": {}}, "wrong-format", "events"),
        ({"previous": "abc"}, "wrong-format", "previous"),
        ({"previous": 1}, "wrong-format", "previous"),
        ({"further": 1}, "unknown-field", "further"),
        ({"continues": {"incarnation": "0" * 32}}, "missing-field", "continues.sequence"),
    ],
)
def test_content_out_of_contract_occupies_its_number(fields: dict[str, Any], rule: str, field: str) -> None:
    opened = open_value(envelope_with(**fields))
    assert opened.source == a.a_source()
    assert opened.sequence == 1
    assert opened.refusal is not None
    assert (opened.refusal.rule, opened.refusal.field) == (rule, field)


@pytest.mark.parametrize("sequence", [0, -1, 1.0, "1", True, None, 2**53, 2**70, [1]])
def test_without_a_whole_number_it_is_no_envelope(sequence: Any) -> None:
    opened = open_value(json.dumps(orjson.loads(a.an_envelope([GOOD])) | {"sequence": sequence}).encode())
    assert opened.source is None
    assert opened.refusal is not None
    assert (opened.refusal.rule, opened.refusal.field) == ("not-an-envelope", "sequence")


@pytest.mark.parametrize(
    "change",
    [
        {"plant": "UPPER"},
        {"plant": "shihe-mine\n"},
        {"stream": "else"},
        {"incarnation": "x"},
        {"gateway": 1},
        {"more": 1},
    ],
)
def test_without_a_readable_source_it_is_no_envelope(change: dict[str, Any]) -> None:
    source = a.a_source().model_dump(mode="json") | change
    opened = open_value(envelope_with(source=source))
    assert opened.source is None
    assert opened.refusal is not None
    assert opened.refusal.field == f"source.{next(iter(change))}"


def test_500_events_are_an_envelope_and_the_size_limit_is_exact() -> None:
    assert len(open_value(a.an_envelope([a.a_loss()] * 500, source=a.a_source())).events) == 500
    value = a.an_envelope([GOOD])
    fits, exceeds = (value + b" " * (size - len(value)) for size in (ENVELOPE_BYTES_MAX, ENVELOPE_BYTES_MAX + 1))
    assert open_value(fits).refusal is None
    refusal = open_value(exceeds).refusal
    assert refusal is not None
    assert refusal.rule == "too-large"


def test_the_size_limit_of_an_event_is_exact() -> None:
    def sized(characters: int) -> dict[str, Any]:
        inputs = [a.an_input(assay=a.an_assay(certificate="稀" * 190)) for _ in range(85)]
        last = a.an_input(assay=a.an_assay(certificate="x" * characters))
        return a.a_separation(inputs=[*inputs, last])

    room = EVENT_BYTES_MAX - len(canonical(sized(1))) + 1
    for characters, fits in ((room, True), (room + 1, False)):
        (event,) = open_value(a.an_envelope([sized(characters)])).events
        assert (event.event is not None) == fits
        assert fits or (event.refusal is not None and event.refusal.rule == "too-large")


def test_previous_and_continues_are_read() -> None:
    continues = {"incarnation": "a" * 32, "sequence": 9, "hash": "b" * 64}
    opened = open_value(envelope_with(previous="c" * 64, continues=continues))
    assert opened.previous == b"\xcc" * 32
    assert opened.continues is not None
    assert opened.continues.sequence == 9


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    )
)
def test_the_canonical_form_is_that_of_rfc_8785(document: Any) -> None:
    assert canonical(document) == rfc8785.dumps(document)
    assert event_hash(document) == value_hash(rfc8785.dumps(document))


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_no_other_compact_form_is_shorter_than_the_canonical_one(document: Any) -> None:
    """The length alone tells that no key stands twice; fractions are the exception, and no valid envelope has one."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    if not any(isinstance(part, float) for part in _parts(orjson.loads(text))):
        assert len(canonical(orjson.loads(text))) <= len(text.encode())


def _parts(document: Any) -> list[Any]:
    if isinstance(document, dict):
        return [part for inner in document.values() for part in _parts(inner)]
    if isinstance(document, list):
        return [part for inner in document for part in _parts(inner)]
    return [document]


def test_one_event_is_judged_at_a_gateways_door_as_in_an_envelope() -> None:
    source = a.a_source()
    for raw in (GOOD, GOOD | {"extra": 1}, a.a_dispatch(), a.a_production(plant="other"), None, {"type": 1}):
        assert open_event(raw, source) == open_value(a.an_envelope([raw], source=source)).events[0]


def test_what_a_sender_chose_is_shown_short_and_visible() -> None:
    name = "\x00\u202e" + "x" * 5000
    refusal = open_value(a.an_envelope([GOOD | {name: 1}])).events[0].refusal
    assert refusal is not None
    assert refusal.field.startswith("\ufffd\ufffdxxx")
    assert len(refusal.field) == 200


def test_a_value_that_no_broker_takes_uncompressed_is_not_even_read() -> None:
    value = b"[" * (VALUE_BYTES_MAX + 1)
    opened = open_value(value)
    assert (opened.source, opened.refusal and opened.refusal.rule) == (None, "too-large")
    assert open_value(b" " * VALUE_BYTES_MAX).refusal == open_value(b" ").refusal, "one byte less is read"
