"""How long an absence may last before it is alerted: within an enterprise minutes, between enterprises days."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from monazite_consumers.rules.catalogue import RULES, Rule
from monazite_consumers.rules.entries import Settings


class Instants(NamedTuple):
    """Two instants at which absences are judged.

    `judged_at`: now. `known_until`: everything that had arrived by then has been decided and followed; nobody is held
    to an instant that lies later, for what would have met it may lie unread.
    """

    judged_at: datetime
    known_until: datetime

    def of(self, rule: Rule) -> datetime:
        """The one that counts for a rule: a holding must be known until then."""
        return min(self) if rule.about == "holding" else self.judged_at

    def settled_before(self, rule: Rule, settings: Settings) -> datetime:
        """By when an absence must have begun that holds."""
        return self.of(rule) - settle_time(rule, settings)


def settle_time(rule: Rule, settings: Settings) -> timedelta:
    """Of one rule; what fires on presence settles at once."""
    if rule.fires_on == "presence" or rule.settles == "at once":
        return timedelta()
    if rule.settles == "across":
        return timedelta(hours=settings.settle_across_hours)
    return timedelta(minutes=settings.settle_minutes)


def settling(settings: Settings, before: Instants, now: Instants) -> list[tuple[list[str], datetime, datetime]]:
    """The rules that fire on absence, by when what settles meanwhile began: after one instant and by another."""
    by_time: dict[tuple[datetime, datetime], list[str]] = defaultdict(list)
    for rule in RULES.values():
        if rule.fires_on == "absence":
            began = before.settled_before(rule, settings), now.settled_before(rule, settings)
            by_time[began].append(rule.id)
    return [(rules, *began) for began, rules in by_time.items()]
