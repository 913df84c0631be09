"""How much is measured: for the record, or in a few minutes."""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Sizes:
    """`slow_events`: of those that reach hundreds a second. `full_events`: in the grown ledger, and in the move."""

    rounds: int = 3
    events: int = 120_000
    slow_events: int = 3_000
    full_events: int = 5_000_000
    filled_from: int = 100_000
    latency_s: int = 90
    latency_rate: int = 200
    trace_lots: int = 2_000_000
    trace_queries: int = 300

    @property
    def for_the_record(self) -> bool:
        """Whether nothing is smaller than what the page claims."""
        return all(getattr(self, size.name) >= size.default for size in fields(self))


RECORD = Sizes()
QUICK = Sizes(
    rounds=1,
    events=20_000,
    slow_events=1_000,
    full_events=200_000,
    filled_from=10_000,
    latency_s=15,
    latency_rate=200,
    trace_lots=60_000,
    trace_queries=60,
)
