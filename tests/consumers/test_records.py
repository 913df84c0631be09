"""Record batches that the client's own reader would stop at for ever: they are read, or handed on whole."""

import random
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.record.memory_records import MemoryRecords
from raw_records import CODECS, a_batch, a_batch_of, a_record, compressed

from monazite_consumers.intake.codecs import EXPANDED_BYTES_MAX
from monazite_consumers.intake.fields import HEADERS_MAX, LARGE_BYTES, RECORD_BYTES_MAX
from monazite_consumers.intake.records import FETCH_BYTES_MAX, Batch, PartitionRecords, Records

GOOD = [a_record(delta, b"key", b"value %d" % delta, [(b"name", b"\xff"), (b"null", None)]) for delta in range(3)]
ODD = a_record(1, b"key", b"value 1", [(b"\xff\x00name", b"x")])


def read(batch: bytes) -> list[tuple[int, bytes | None, list[tuple[str, bytes | None]]]]:
    (found,) = batches(Records(batch))
    assert found.validate_crc()
    return [(record.offset, record.value, list(record.headers)) for record in found]


@contextmanager
def memory_within(bytes_max: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < bytes_max
    finally:
        tracemalloc.stop()


def fetch(fetched: bytes, begin: int = 0) -> tuple[list[Any], int]:
    """What the client hands out of one fetch, and from where it fetches next."""
    without_deserializers_but_checked = (None, None, True, 0)
    reading = PartitionRecords(
        TopicPartition("t", 0), Records(fetched), None, begin, *without_deserializers_but_checked
    )
    found = list(reading)
    return found, reading.next_fetch_offset


def fetched_on(batch: bytes, count: int, fetches_max: int) -> list[Any]:
    """Fetch after fetch, until all offsets of the batch are passed; each is bounded and goes on."""
    found, begin = list[Any](), 0
    for _ in range(fetches_max):
        with memory_within(5 * EXPANDED_BYTES_MAX // 2):
            handed, after = fetch(batch, begin)
        assert begin < after
        read_ones = [record for record in handed if record.value != batch]
        assert sum(len(record.value) for record in read_ones) <= FETCH_BYTES_MAX + RECORD_BYTES_MAX
        found += handed
        begin = after
        if begin == count:
            return found
    raise AssertionError(f"at {begin} after {fetches_max} fetches")


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - nobody is to be kept from guessing it


def batches(records: Records) -> list[Batch]:
    found = []
    while records.has_next():
        found.append(records.next_batch())
    return found


@pytest.mark.parametrize("codec", CODECS)
def test_batches_of_every_codec_are_read(codec: str) -> None:
    headers = [("name", b"\xff"), ("null", None)]
    assert read(a_batch(GOOD, codec)) == [(n, b"value %d" % n, headers) for n in range(3)]


def test_snappy_in_the_blocks_of_the_java_library_is_read() -> None:
    from aiokafka.codec import snappy_encode

    payload = snappy_encode(b"".join(GOOD), xerial_compatible=True, xerial_blocksize=16)
    assert [offset for offset, _, _ in read(a_batch_of(payload, 3, "snappy"))] == [0, 1, 2]


def test_gzip_in_several_members_is_read() -> None:
    payload = b"".join(compressed(record, "gzip") for record in GOOD)
    assert [offset for offset, _, _ in read(a_batch_of(payload, 3, "gzip"))] == [0, 1, 2]


@pytest.mark.parametrize("codec", CODECS)
def test_a_header_whose_name_is_no_utf_8_is_spelled_out_and_its_neighbours_are_read(codec: str) -> None:
    found = read(a_batch([GOOD[0], ODD, GOOD[2]], codec))
    assert [(offset, value) for offset, value, _ in found] == [(n, b"value %d" % n) for n in range(3)]
    assert found[1][2] == [("\\xff\x00name", b"x")]


def test_the_clients_own_reader_still_stops_at_it() -> None:
    """When this fails, the client has learned it, and the lenient reader can go."""
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(a_batch([ODD])).next_batch())


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "none"])
@pytest.mark.parametrize("count", [1, 1_000])
def test_a_batch_that_expands_hugely_is_one_record_with_its_bytes_and_takes_no_memory(codec: str, count: int) -> None:
    plain = a_record(0, None, bytes(2 * EXPANDED_BYTES_MAX)) if count == 1 else bytes(2 * EXPANDED_BYTES_MAX)
    bomb = a_batch_of(compressed(plain, codec), count, codec)
    del plain
    tracemalloc.start()
    (found,) = read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[:2] == (0, bomb)
    assert found[2][0][0].startswith("unreadable batch: ")
    assert peak < 3 * EXPANDED_BYTES_MAX
    assert next(iter(batches(Records(bomb)))).next_offset == count


def test_bombs_that_wait_to_be_decided_hold_on_to_nothing_that_was_expanded() -> None:
    bomb = a_batch_of(compressed(noise(200_000) + bytes(EXPANDED_BYTES_MAX), "zstd"), 1, "zstd")
    with memory_within(EXPANDED_BYTES_MAX):
        waiting = [iter(Records(bomb).next_batch()) for _ in range(8)]
        assert [next(found).value for found in waiting] == 8 * [bomb]


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "none"])
def test_a_batch_that_only_says_that_it_is_compressed_is_one_record_with_its_bytes(codec: str) -> None:
    batch = a_batch_of(b"not compressed at all", 3, codec)
    assert [(offset, value) for offset, value, _ in read(batch)] == [(0, batch)]


@pytest.mark.parametrize("records", [[GOOD[0], b"\x40nonsense"], [GOOD[0], GOOD[1][:-3]], [GOOD[0], b""]])
def test_where_records_make_no_sense_the_batch_is_kept_and_what_was_read_before_goes_on(records: list[bytes]) -> None:
    batch = a_batch(records)
    assert [(offset, value) for offset, value, _ in read(batch)] == [(0, b"value 0"), (1, batch)]


def test_what_is_cut_off_at_the_end_of_a_fetch_is_left_for_the_next() -> None:
    whole = a_batch(GOOD)
    for length in range(len(whole)):
        records = Records(whole + whole[:length])
        assert records.size_in_bytes() == len(whole) + length
        assert len(batches(records)) == 1
    assert len(batches(Records(whole + whole))) == 2
    assert batches(Records(b"")) == []


def test_what_expands_to_hundreds_of_times_its_size_is_not_expanded() -> None:
    batch = a_batch([a_record(delta, None, 18 * noise(50_000)) for delta in range(30)], "zstd")
    assert len(batch) < EXPANDED_BYTES_MAX / 100
    with memory_within(EXPANDED_BYTES_MAX // 4):
        found = read(batch)
    assert [(offset, value) for offset, value, _ in found] == [(0, batch)]


@pytest.mark.parametrize("beside", [b"", noise(2 * LARGE_BYTES)])
def test_a_record_of_too_many_headers_is_kept_with_its_batch_and_what_was_before_it_goes_on(beside: bytes) -> None:
    few, many = ([(b"n", b"")] * number for number in (HEADERS_MAX, HEADERS_MAX + 1))
    batch = a_batch([a_record(0, None, beside, few), a_record(1, None, b"{}", many), a_record(2, None, b"{}")])
    found = read(batch)
    assert [(offset, value) for offset, value, _ in found] == [(0, beside), (1, batch)]
    assert len(found[0][2]) == HEADERS_MAX


def test_headers_without_number_never_become_objects() -> None:
    """A header may travel as two bytes; the client makes two hundred of them."""
    batch = a_batch([a_record(0, b"k", b"{}", [(b"", b"")] * 400_000)])
    with memory_within(8 * len(batch)):
        assert [(offset, value) for offset, value, _ in read(batch)] == [(0, batch)]


@pytest.mark.parametrize("at", ["key", "value", "header"])
def test_a_record_larger_than_the_broker_takes_uncompressed_is_not_read(at: str) -> None:
    size = RECORD_BYTES_MAX
    repeated = 8 * noise(size // 8)
    fields = {"key": (repeated, b""), "value": (None, repeated), "header": (None, b"")}[at]
    batch = a_batch([a_record(0, *fields, [(b"n", repeated)] if at == "header" else [])], "zstd")
    assert [(offset, value) for offset, value, _ in read(batch)] == [(0, batch)]


@pytest.mark.parametrize("size", [900, 300_000, RECORD_BYTES_MAX - 100])
def test_one_fetch_hands_out_a_portion_and_the_next_ones_the_rest(size: int) -> None:
    count = 7 * FETCH_BYTES_MAX // size
    content = 4 * noise(max(size, 500_000))
    values = [content[17 * n : 17 * n + size] for n in range(count)]
    batch = a_batch([a_record(n, b"k", value, [(b"n", b"x")]) for n, value in enumerate(values)], "zstd")
    found = fetched_on(batch, count, 20)
    assert [(record.offset, record.value) for record in found] == list(enumerate(values))
    assert {record.headers for record in found} == {(("n", b"x"),)}


def test_one_fetch_of_many_batches_ends_when_enough_has_been_expanded() -> None:
    batch = a_batch([a_record(0, None, 3 * noise(300_000))], "zstd")
    records = Records(20 * batch)
    read_ones = 0
    while records.has_next():
        read_ones += len(list(records.next_batch()))
    assert read_ones == 1 + FETCH_BYTES_MAX // 900_000


def test_one_fetch_of_many_bombs_ends_when_enough_was_tried() -> None:
    bomb = a_batch_of(compressed(bytes(2 * EXPANDED_BYTES_MAX), "zstd"), 1, "zstd")
    records = Records(200 * bomb)
    tried = 0
    while records.has_next():
        tried += len(list(records.next_batch()))
    assert 0 < tried < 10


@pytest.mark.parametrize(
    "odd",
    [
        b"\xff" * 11,
        b"\x01",
        a_record(20, None, b"{}", [(b"n", b"")] * (HEADERS_MAX + 1)),
        a_record(20, None, bytes(RECORD_BYTES_MAX)),
    ],
    ids=["no number", "less than nothing", "headers", "large"],
)
def test_an_odd_record_in_a_later_portion_is_kept_where_it_stands(odd: bytes) -> None:
    good = [a_record(n, None, 2 * noise(150_000, n)) for n in range(20)]
    batch = a_batch([*good, odd, *(a_record(21 + n, None, 2 * noise(150_000, n)) for n in range(20))], "zstd")
    found = fetched_on(batch, 41, 20)
    assert [record.offset for record in found] == list(range(21))
    assert found[-1].value == batch


def test_offsets_that_stand_still_inside_a_batch_do_not_make_the_fetches_stand_still() -> None:
    batch = a_batch([a_record(0, None, 2 * noise(150_000)) for _ in range(40)], "zstd")
    assert fetched_on(batch, 40, 41)
