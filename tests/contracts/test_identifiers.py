"""What names something has one spelling, can be told apart by a person, and is safe wherever it is stored."""

from typing import Any
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from monazite_contracts.identifiers import (
    EVENT_NAMESPACE,
    EventId,
    GatewayCode,
    KeyId,
    LotCode,
    PlantCode,
    Reference,
    SystemCode,
    Text,
    event_id,
    lot_plant,
)


def accepts(kind: Any, value: Any) -> bool:
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@given(st.text(max_size=40), st.text(max_size=10), st.text(max_size=60))
def test_an_event_id_is_the_uuid_of_version_five(plant: str, system: str, record: str) -> None:
    found = event_id(plant, system, record)
    assert found == str(uuid5(EVENT_NAMESPACE, f"{plant}/{system}/{record}"))
    assert accepts(EventId, found)


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{1,31}/[A-Z0-9][A-Z0-9._-]{0,47}", fullmatch=True))
def test_a_lot_names_its_plant(lot: str) -> None:
    assert accepts(LotCode, lot)
    assert accepts(PlantCode, lot_plant(lot))


@pytest.mark.parametrize("kind", [PlantCode, GatewayCode, LotCode, SystemCode, KeyId, Reference, EventId])
@pytest.mark.parametrize(
    "text", ["", " ", "a b\n", "ab\n", "\x00", "ａｂ", "аb", "a\u200bb", "é", "ab\u00a0", "\u202eab", "𝐚b"]
)
def test_no_code_admits_what_only_looks_like_another(kind: Any, text: str) -> None:
    assert not accepts(kind, text)


@pytest.mark.parametrize("text", ["WB-1", "发货单2023-001", "京A-12345", "2023/05/04 #17", "~!"])
def test_a_reference_is_ascii_and_ideographs(text: str) -> None:
    assert accepts(Reference, text)


@pytest.mark.parametrize("text", ["Чайка Co.", "Ørsted A/S", "株式会社 テスト", "emoji 🙂 too", "بريد", "稀土（集团）"])
def test_a_name_may_be_written_in_any_script(text: str) -> None:
    assert accepts(Text, text)


@pytest.mark.parametrize("kind", [Text, Reference])
@pytest.mark.parametrize(
    "text",
    [
        "", " a", "a ", "a\u3000", "\u00a0a", "a\tb", "a\nb", "a\x00b", "a\x7fb", "a\x85b", "a\u00adb",
        "a\u200bb", "a\u200db",
        "a\u202eb", "a\u2028b", "a\u2066b", "\ufeffa", "a\ufff9b", "a\uffff", "\u3164", "x" * 201,
    ],
)  # fmt: skip
def test_text_is_visible_and_begins_and_ends_with_something(kind: Any, text: str) -> None:
    assert not accepts(kind, text)


@pytest.mark.parametrize("kind", [Text, Reference])
def test_a_lone_surrogate_is_no_text(kind: Any) -> None:
    assert not accepts(kind, "a\ud800")


@given(st.text(max_size=210))
def test_whatever_is_text_can_be_stored_and_shown(text: str) -> None:
    if accepts(Text, text):
        assert text == text.strip()
        assert 0 < len(text) <= 200
        assert text.isprintable() or not any(character in text for character in "\x00\n\r\t\u2028\u2029\u202e")
    if accepts(Reference, text):
        assert accepts(Text, text)
