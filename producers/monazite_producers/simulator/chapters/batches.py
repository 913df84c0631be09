"""The real story of the year: production before the first issue, and batch after batch."""

from collections.abc import Sequence
from datetime import date

from monazite_producers.simulator.chapters.invented import Scene
from monazite_producers.simulator.plan import Chapter


class Batches(Scene):
    """What the registry itself tells."""

    def chapters(self) -> Sequence[Chapter]:
        """The start of the year, and each day on which real allocations are issued."""
        year = self.world.plan.year
        issues: dict[date, int] = {}
        for (holder, _), issued in self.world.register.grants().items():
            if not holder.startswith("example-"):
                for day, tonnes in issued:
                    issues[day] = issues.get(day, 0) + tonnes
        started = Chapter(
            date(year, 1, 2),
            f"Plants produce; no cap of {year} is issued yet.",
            "alert cap-not-issued on each holder's caps",
        )
        return (started, *(self._issue(day, number, issues) for number, day in enumerate(sorted(issues), start=1)))

    def _issue(self, day: date, number: int, issues: dict[date, int]) -> Chapter:
        look_for = "cap-not-issued recovers" if number == 1 else "cap-80 and cap-95 recover where the batch makes room"
        return Chapter(day, f"Batch {number} of the year is issued: {issues[day]:,} t REO over all kinds.", look_for)
