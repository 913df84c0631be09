"""How long an absence may last before it is alerted: within an enterprise minutes, between enterprises days."""

from datetime import timedelta

from monazite_consumers.rules.catalogue import RULES, Rule
from monazite_consumers.rules.entries import Settings


def settle_time(rule: Rule, settings: Settings) -> timedelta:
    """Of one rule; what fires on presence settles at once."""
    if rule.fires_on == "presence" or rule.settles == "at once":
        return timedelta()
    if rule.settles == "across":
        return timedelta(hours=settings.settle_across_hours)
    return timedelta(minutes=settings.settle_minutes)


def settling(settings: Settings) -> list[tuple[list[str], timedelta]]:
    """The rules that fire on absence, by how long they settle."""
    by_time: dict[timedelta, list[str]] = {}
    for rule in RULES.values():
        if rule.fires_on == "absence":
            by_time.setdefault(settle_time(rule, settings), []).append(rule.id)
    return [(rules, time) for time, rules in by_time.items()]
