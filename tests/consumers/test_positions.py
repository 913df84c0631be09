"""Positions move together or not at all."""

import pytest
from aiokafka import TopicPartition
from regulator_desk import Desk

from monazite_consumers.errors import SupersededError
from monazite_consumers.intake.positions import Advance, advance, read
from monazite_consumers.rules.positions import Position

QUIET, TAKEN = TopicPartition("plant-production", 0), TopicPartition("plant-production", 1)
STEPS = [Advance(tp, Position(1, 0), 3, received=2, lost=1) for tp in (TAKEN, QUIET)]


async def test_a_partition_that_a_successor_has_moved_gives_up_all_others_and_is_named(desk: Desk) -> None:
    await desk.open(QUIET, TAKEN)
    await desk.connection.execute("UPDATE intake_positions SET next_offset = 1, received = 1 WHERE partition = 1")
    with pytest.raises(SupersededError, match=r"^plant-production-1 is no longer at 0$"):
        async with desk.connection.transaction():
            await advance(desk.connection, STEPS)
    assert await read(desk.connection, [QUIET, TAKEN]) == {QUIET: Position(1, 0), TAKEN: Position(1, 1)}


async def test_partitions_move_on_with_what_was_received_and_lost(desk: Desk) -> None:
    await desk.open(QUIET, TAKEN)
    async with desk.connection.transaction():
        await advance(desk.connection, STEPS)
    rows = await desk.connection.fetch("SELECT next_offset, received, lost, holes FROM intake_positions")
    assert [tuple(row) for row in rows] == [(3, 2, 1, 0)] * 2
