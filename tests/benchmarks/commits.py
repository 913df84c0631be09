"""The rate from the moments at which rows became durable; the same rule for every contender."""

from collections.abc import Sequence
from dataclasses import dataclass

WARM_UP = 0.1
"""The first tenth of the events warms caches, connections and compilers up, and is not timed."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One transaction: when it became durable (seconds), and how many events it held."""

    at: float
    events: int


def rate(commits: Sequence[Commit]) -> float:
    """Events a second, from the commit with which the warm-up ended to the last; NaN when there are too few."""
    ordered = sorted(commits, key=lambda commit: commit.at)
    total, seen = sum(commit.events for commit in ordered), 0
    for commit in ordered:
        seen += commit.events
        if seen >= total * WARM_UP:
            span_s = ordered[-1].at - commit.at
            return (total - seen) / span_s if span_s > 0 else float("nan")
    return float("nan")
