"""The chain numbers, links and limits what a gateway says."""

import pytest

from monazite_contracts.envelope import ENVELOPE_BYTES_MAX, Continues, Source, canonical, value_hash
from monazite_contracts.events import Stream
from monazite_contracts.opening import open_value
from monazite_producers.chain import Chain
from monazite_producers.errors import EnvelopeTooLargeError, EventTooLargeError

SOURCE = Source(plant="mine-1", gateway="gw1", stream=Stream.PRODUCTION, incarnation="0" * 32)


def a_record(number: int, size: int = 10) -> dict[str, object]:
    return {"record": number, "filler": "x" * size}


def test_the_value_is_the_canonical_form_of_the_envelope() -> None:
    formed = Chain(SOURCE).form([a_record(1), a_record(2)])
    assert formed.value == canonical(
        {
            "source": SOURCE.model_dump(mode="json"),
            "sequence": 1,
            "previous": None,
            "events": [a_record(1), a_record(2)],
        }
    )
    assert formed.hash == value_hash(formed.value)


def test_each_envelope_names_the_hash_of_the_one_before() -> None:
    chain = Chain(SOURCE)
    first, second = chain.form([a_record(1)]), chain.form([a_record(2)])
    assert (first.sequence, second.sequence) == (1, 2)
    assert first.previous is None
    assert second.previous == first.hash
    opened = open_value(second.value)
    assert opened.source == SOURCE
    assert opened.previous == first.hash


def test_a_new_incarnation_names_the_last_envelope_of_the_spool_once() -> None:
    earlier = Chain(SOURCE)
    last = earlier.form([a_record(1)])
    assert earlier.last == Continues(incarnation="0" * 32, sequence=1, hash=last.hash.hex())
    chain = Chain(SOURCE.model_copy(update={"incarnation": "1" * 32}), earlier.last)
    first, second = chain.form([a_record(2)]), chain.form([a_record(3)])
    assert open_value(first.value).continues == earlier.last
    assert first.value == canonical(
        {
            "source": chain.source.model_dump(mode="json"),
            "sequence": 1,
            "previous": None,
            "continues": earlier.last.model_dump(mode="json") if earlier.last else None,
            "events": [a_record(2)],
        }
    )
    assert open_value(second.value).continues is None


def test_five_hundred_events_fill_an_envelope() -> None:
    formed = Chain(SOURCE).form_all([a_record(number) for number in range(1001)])
    assert [value.value.count(b'"record"') for value in formed] == [500, 500, 1]
    assert [value.sequence for value in formed] == [1, 2, 3]


def test_an_envelope_stays_within_its_bytes_to_the_last_one() -> None:
    one = Chain(SOURCE).form([a_record(1, 0)])
    frame = len(one.value) - len(canonical(a_record(1, 0)))
    # The frame is reckoned with the longest number and a hash: 64 characters instead of `null`, 15 more digits.
    room = ENVELOPE_BYTES_MAX - frame - (66 - 4) - 15
    size = 60_000
    record = len(canonical(a_record(0, size))) + 1
    full = [a_record(number, size) for number in range(8)]
    rest = room - 8 * record
    fits = a_record(8, rest - len(canonical(a_record(8, 0))))
    assert len(Chain(SOURCE).form_all([*full, fits])) == 1
    over = a_record(8, rest - len(canonical(a_record(8, 0))) + 1)
    split = Chain(SOURCE).form_all([*full, over])
    assert len(split) == 2
    assert all(len(formed.value) <= ENVELOPE_BYTES_MAX for formed in split)


def test_what_needs_two_envelopes_is_not_one_and_takes_no_number() -> None:
    chain = Chain(SOURCE)
    with pytest.raises(EnvelopeTooLargeError):
        chain.form([a_record(number) for number in range(501)])
    with pytest.raises(EnvelopeTooLargeError):
        chain.form([])
    assert chain.form_all([]) == ()
    assert chain.form([a_record(1)]).sequence == 1


def test_an_event_over_its_limit_is_an_error_before_anything_is_numbered() -> None:
    chain = Chain(SOURCE)
    with pytest.raises(EventTooLargeError):
        chain.form_all([a_record(1), a_record(2, 65_536)])
    assert chain.form([a_record(1)]).sequence == 1
