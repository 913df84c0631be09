"""Record batches that the client's own reader would stop at for ever: they are read, or handed on whole."""

import tracemalloc

import pytest
from aiokafka.record.memory_records import MemoryRecords
from raw_records import CODECS, a_batch, a_batch_of, a_record, compressed

from monazite_consumers.intake.records import EXPANDED_BYTES_MAX, Batch, Records

GOOD = [a_record(delta, b"key", b"value %d" % delta, [(b"name", b"\xff"), (b"null", None)]) for delta in range(3)]
ODD = a_record(1, b"key", b"value 1", [(b"\xff\x00name", b"x")])


def read(batch: bytes) -> list[tuple[int, bytes | None, list[tuple[str, bytes | None]]]]:
    (found,) = batches(Records(batch))
    assert found.validate_crc()
    return [(record.offset, record.value, list(record.headers)) for record in found]


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
