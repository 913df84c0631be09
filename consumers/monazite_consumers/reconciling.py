"""Whether everything that was received is accounted for: counted from the rows, never from running counters alone."""

from dataclasses import dataclass
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.sql import statement

OUTCOMES = ("applied", "awaiting", "duplicate", "refused")


@dataclass(frozen=True, slots=True)
class PartitionAccount:
    """One partition: `received` comes from the position, the outcomes from the rows."""

    topic: str
    partition: int
    log_generation: int
    received: int
    outcomes: dict[str, int]

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

    @property
    def reconciled(self) -> bool:
        """Whether received = applied + awaiting + duplicate + refused, everywhere, and every envelope adds up."""
        return not self.miscounted and not self.tallies_differ and all(not p.difference for p in self.partitions)

    def total(self, outcome: str) -> int:
        """Messages of one outcome."""
        return sum(partition.outcomes[outcome] for partition in self.partitions)

    @property
    def received(self) -> int:
        """Messages in all."""
        return sum(partition.received for partition in self.partitions)


async def reconcile(connection: Connection) -> Account:
    """Counts everything, in one snapshot."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        counted: dict[tuple[str, int, int], dict[str, int]] = {}
        for row in await connection.fetch(statement("envelopes", "by_outcome")):
            key = (row["topic"], row["partition"], row["log_generation"])
            counted.setdefault(key, dict.fromkeys(OUTCOMES, 0))[row["outcome"]] = row["messages"]
        partitions = [
            PartitionAccount(*key, row["received"], counted.get(key, dict.fromkeys(OUTCOMES, 0)))
            for row in await connection.fetch(statement("positions", "all"))
            for key in [(row["topic"], row["partition"], row["log_generation"])]
        ]
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
    )


def _differ(partitions: list[PartitionAccount], tallies: list[Any]) -> bool:
    kept = {(r["topic"], r["partition"], r["log_generation"]): {o: r[o] for o in OUTCOMES} for r in tallies}
    return any(kept[p.topic, p.partition, p.log_generation] != p.outcomes for p in partitions)
