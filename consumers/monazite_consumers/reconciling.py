"""Whether everything that was received is accounted for: counted from the rows, never from running counters alone."""

from dataclasses import dataclass
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement

OUTCOMES = ("applied", "awaiting", "duplicate", "refused")


@dataclass(frozen=True, slots=True)
class PartitionAccount:
    """One generation of a partition's log: `received` comes from the position, the outcomes from the rows."""

    topic: str
    partition: int
    log_generation: int
    offsets: int
    """How many lie between where it began and its position."""
    received: int
    holes: int
    lost: int
    outcomes: dict[str, int]

    @property
    def adds_up(self) -> bool:
        """Whether every offset was received, a hole or lost, and every message received has an outcome."""
        return not self.difference and self.offsets == self.received + self.holes + self.lost

    @property
    def difference(self) -> int:
        """Messages that no outcome accounts for."""
        return self.received - sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Account:
    """The whole: partitions, events by outcome, standing envelopes whose events do not add up, and the chains."""

    partitions: list[PartitionAccount]
    events: dict[str, int]
    test_events: int
    miscounted: list[dict[str, Any]]
    missing: int
    tallies_differ: bool
    skips_differ: bool

    @property
    def reconciled(self) -> bool:
        """Whether received = applied + awaiting + duplicate + refused, everywhere, and every envelope adds up."""
        differ = self.miscounted or self.tallies_differ or self.skips_differ
        return not differ and all(partition.adds_up for partition in self.partitions)

    def total(self, outcome: str) -> int:
        """Messages of one outcome."""
        return sum(partition.outcomes[outcome] for partition in self.partitions)

    @property
    def received(self) -> int:
        """Messages in all."""
        return sum(partition.received for partition in self.partitions)

    @property
    def holes(self) -> int:
        """Offsets that never held a message."""
        return sum(partition.holes for partition in self.partitions)

    @property
    def lost(self) -> int:
        """Messages that the broker deleted before they were read."""
        return sum(partition.lost for partition in self.partitions)


async def reconcile(connection: Connection) -> Account:
    """Counts everything, in one snapshot."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        counted: dict[tuple[str, int, int], dict[str, int]] = {}
        for row in await connection.fetch(statement("envelopes", "by_outcome")):
            counted.setdefault(_key(row), dict.fromkeys(OUTCOMES, 0))[row["outcome"]] = row["messages"]
        rows = await connection.fetch(statement("positions", "all"))
        partitions = [_partition(row, counted.get(_key(row), dict.fromkeys(OUTCOMES, 0))) for row in rows]
        skipped = await connection.fetch(statement("positions", "skipped"))
        events = await connection.fetch(statement("events", "by_outcome"))
        miscounted = [dict(row) for row in await connection.fetch(statement("events", "miscounted"))]
        missing = sum(row["missing"] for row in await connection.fetch(statement("envelopes", "chain")))
        tallies = await connection.fetch(statement("tallies", "all"))
    return Account(
        partitions,
        {o: sum(row["events"] for row in events if row["outcome"] == o and not row["test"]) for o in OUTCOMES},
        sum(row["events"] for row in events if row["test"]),
        miscounted,
        missing,
        _differ(partitions, tallies),
        {_key(row): (row["holes"], row["lost"]) for row in skipped}
        != {(p.topic, p.partition, p.log_generation): (p.holes, p.lost) for p in partitions if p.holes or p.lost},
    )


def _key(row: Any) -> tuple[str, int, int]:
    return row["topic"], row["partition"], row["log_generation"]


def _partition(row: Any, outcomes: dict[str, int]) -> PartitionAccount:
    offsets = row["next_offset"] - row["start_offset"]
    return PartitionAccount(*_key(row), offsets, row["received"], row["holes"], row["lost"], outcomes)


def _differ(partitions: list[PartitionAccount], tallies: list[Any]) -> bool:
    kept = {_key(row): {o: row[o] for o in OUTCOMES} for row in tallies}
    return any(kept[p.topic, p.partition, p.log_generation] != p.outcomes for p in partitions)
