"""What one transaction may hold: so many events, or so many bytes where there are none."""

from typing import Any, NamedTuple

import pytest

from monazite_consumers.intake.batches import Reading, fetched


class Record(NamedTuple):
    offset: int
    key: bytes | None = None
    value: bytes | None = b"{}"
    headers: tuple[tuple[str, bytes | None], ...] = ()
    topic: str = "plant-production"
    partition: int = 0
    timestamp: int = 1_700_000_000_000


async def transactions(records: list[Record], *, events_max: int = 1_000, bytes_max: int = 1_000) -> list[list[int]]:
    """The offsets of each."""
    reading, found = Reading([fetched(record, 1) for record in records], events_max, bytes_max), []
    while (batch := await reading.batch()) is not None:
        found.append([arrival.coordinate.log_offset for arrival, _ in batch.arrivals])
    return found


@pytest.mark.parametrize(
    "large",
    [{"value": bytes(600)}, {"key": bytes(600)}, {"headers": (("n", bytes(600)),)}, {"headers": (("n" * 600, None),)}],
)
async def test_a_transaction_ends_when_it_holds_so_many_bytes_of_any_kind(large: dict[str, Any]) -> None:
    assert await transactions([Record(n, **large) for n in range(5)]) == [[0, 1], [2, 3], [4]]


async def test_a_message_larger_than_a_transaction_may_hold_has_one_of_its_own() -> None:
    assert await transactions([Record(n, value=bytes(2_000)) for n in range(2)]) == [[0], [1]]


async def test_what_holds_no_events_counts_as_one_each() -> None:
    assert await transactions([Record(n) for n in range(5)], events_max=2) == [[0, 1], [2, 3], [4]]
