"""What a partition's log, as the broker has it now, says of the position at which it was being read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Replaced = Literal["position-above-end", "other-record"]


@dataclass(frozen=True, slots=True)
class Position:
    """The next offset to read, in a generation of the log."""

    log_generation: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Record:
    """What tells one record of a log from any other at its offset."""

    log_offset: int
    arrived_at: datetime
    hash: bytes


@dataclass(frozen=True, slots=True)
class Log:
    """The log from `start` to before `end`, and two readings of it.

    `at_kept`: the first record from the offset of the newest message kept on; None where there is none, or where that
    offset lies below the start. `first`: the offset of the first record from the position on, if there is any.
    """

    start: int
    end: int
    kept: Record | None = None
    at_kept: Record | None = None
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where reading goes on. `replaced`: nowhere, for this is not the log that was being read."""

    next_offset: int
    lost: int = 0
    holes: int = 0
    replaced: Replaced | None = None


def stand(position: Position, log: Log) -> Standing:
    """Judges a position by the log: messages deleted unread are lost, offsets that never held one are holes."""
    replaced = _replaced(position, log)
    if replaced is not None:
        return Standing(position.next_offset, replaced=replaced)
    lowest = max(position.next_offset, log.start)
    following = max(lowest, log.end if log.first is None else log.first)
    return Standing(following, lost=lowest - position.next_offset, holes=following - lowest)


def read_on(read: Mapping[Any, int], ends: Mapping[Any, int]) -> bool:
    """Whether these are the logs that are being read: one that ends before what was read of it is another one."""
    return all(next_offset <= ends.get(partition, next_offset) for partition, next_offset in read.items())


def all_read(read: Mapping[Any, int], ends: Mapping[Any, int]) -> bool:
    """Whether everything before the ends has been read; what nobody has begun to read may be empty."""
    return all(read.get(partition, 0) >= end for partition, end in ends.items())


def _replaced(position: Position, log: Log) -> Replaced | None:
    if position.next_offset > log.end:
        return "position-above-end"
    # A record that is gone, by retention or compaction, says nothing; one that is another's says it all.
    if log.kept is None or log.at_kept is None or log.at_kept.log_offset != log.kept.log_offset:
        return None
    return "other-record" if log.at_kept != log.kept else None
