"""What plants owe for their months: whether it was filed, in time, and as the events say."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.books import Month
from monazite_consumers.decisions.flagging import Flag
from monazite_consumers.decisions.noticing import Noticed
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.obligations import (
    ESCALATED_AFTER,
    REMINDERS_DAYS,
    Obligation,
    Outage,
    Status,
    deadline_of,
    owing,
    statutory_deadline,
    wording,
)
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.settling import Instants
from monazite_consumers.sql import statement
from monazite_contracts.months import month_end

LINES_MAX: Final = 20
"""Differences that a finding names one by one."""


async def read_outages(connection: Connection, months: Iterable[Month], registry: Registry) -> Sequence[Outage]:
    """The outages that deadlines of these months may rest on."""
    first = min((month_end(known.month) for known in months), default=None)
    if first is None:
        return []
    rows = await connection.fetch(statement("outages", "since"), first - registry.duties.outage_grace_max)
    return [Outage(*row.values()) for row in rows]


def obligation_of(known: Month, outages: Sequence[Outage], registry: Registry) -> Obligation | None:
    """What a plant owes for a month; None where it owes nothing."""
    enterprises = owing(known.plant, known.month, registry)
    if not enterprises:
        return None
    return Obligation(
        known.plant, known.month, enterprises, statutory_deadline(known.month, registry),
        deadline_of(known.month, outages, registry),
        registry.duties.is_excused(known.plant, known.month), known.filing, tuple(known.unfiled), known.unfiled_count,
        known.set_aside_at,
    )  # fmt: skip


def about_agreement(key: str, known: Month, registry: Registry) -> Iterator[Noticed]:
    lines = known.differences(registry)
    if lines:
        arrived_at = max(each.arrived_at for each in known.declared)
        detail = {"month": known.month, "lines": [dict(line) for line in lines[:LINES_MAX]]}
        yield Noticed(key, "declaration-differs", known.plant, known.month, arrived_at, len(lines), detail)


def flag_of(noticed: Noticed, months: Mapping[str, Month], registry: Registry, instants: Instants) -> Flag | None:
    """What the plant is told, once a difference has settled: until then the events may be under way."""
    rule = RULES[noticed.rule]
    newest = months[noticed.key].newest
    if rule.id != "declaration-differs" or newest is None:
        return None
    if noticed.at > instants.settled_before(rule, registry.settings):
        return None
    field_path, remedy = wording(newest.declaration, noticed.detail["lines"], noticed.measure)
    return Flag(noticed.key, newest.place, rule.id, field_path, f"{remedy} {rule.remedy}")


def about_obligation(key: str, known: Month, obligation: Obligation | None) -> Iterator[Noticed]:
    """Of a month that has ended."""
    if obligation is None or obligation.excused:
        return
    filing = obligation.filing
    detail: dict[str, Any] = {
        "month": known.month, "enterprise": obligation.debtor, "deadline": obligation.deadline.isoformat(),
    }  # fmt: skip
    if filing is not None:
        if obligation.status(filing.arrived_at) is Status.LATE:
            late = detail | {"filed_at": filing.arrived_at.isoformat()}
            yield Noticed(key, "declaration-late", known.plant, known.month, filing.arrived_at, 1, late)
        return
    detail |= _not_filed(obligation)
    due = [(f"declaration-due-{days}", obligation.reminded_at(days)) for days in REMINDERS_DAYS]
    ends = {"declaration-missing": obligation.deadline, "declaration-escalated": obligation.deadline + ESCALATED_AFTER}
    due += [(rule, end) for rule, end in ends.items() if obligation.passes(end)]
    for rule, at in due:
        yield Noticed(key, rule, known.plant, known.month, at, 1, detail)


def _not_filed(obligation: Obligation) -> dict[str, Any]:
    """That something came, and why it does not count."""
    if not obligation.unfiled:
        return {}
    named = [each._asdict() | {"arrived_at": each.arrived_at.isoformat()} for each in obligation.unfiled]
    return {"not_filed": named, "not_filed_count": obligation.unfiled_count}
