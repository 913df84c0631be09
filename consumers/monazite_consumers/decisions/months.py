"""Judges plants' months anew: is the flow record filed, does it agree with the events, does the material balance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import orjson

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.noticing import Noticed, state
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.decisions.reported import amended_since, restate
from monazite_consumers.material import ANY_PRODUCT, flow_of
from monazite_consumers.rules.balances import Band, Flow, bias_ppm, out_of_band, recoveries, stock_g
from monazite_consumers.rules.obligations import (
    ESCALATED_AFTER,
    REMINDERS_DAYS,
    Filing,
    Obligation,
    Outage,
    Status,
    differences,
    extended,
    owed,
    statutory_deadline,
)
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.declarations import Declaration, Stocktake
from monazite_contracts.months import day_start, month_end
from monazite_contracts.quantities import PPM, grams, ppm

MONTHS: Final = 50
"""That one portion judges."""

STATEMENTS_MAX: Final = 100
"""About one month: more than so many say the same, and the first of them decide."""

LINES_MAX: Final = 20
"""Differences that a finding names one by one."""


@dataclass(slots=True)
class _Month:
    """What is known of a plant's month."""

    plant: str
    month: str
    flows: list[Flow] = field(default_factory=list)
    before: list[Flow] = field(default_factory=list)
    declared: list[tuple[Declaration, datetime]] = field(default_factory=list)
    counted: list[tuple[Stocktake, datetime]] = field(default_factory=list)

    @property
    def first(self) -> date:
        return date(int(self.month[:4]), int(self.month[5:]), 1)

    @property
    def filing(self) -> Filing | None:
        """The newest declaration; it was filed when the first one was."""
        if not self.declared:
            return None
        arrivals = [arrived_at for _, arrived_at in self.declared]
        return Filing(max(self.declared, key=lambda each: each[1])[0], min(arrivals))


async def judge_months(
    connection: Connection, registry: Registry, judged_at: datetime, keys: Sequence[str], changes: Changes
) -> None:
    """Judges months and keeps what comes of it, in the caller's transaction."""
    await state(connection, "month", keys, await examine_months(connection, registry, judged_at, keys), changes)
    await restate(connection, keys)


async def examine_months(
    connection: Connection, registry: Registry, judged_at: datetime, keys: Sequence[str]
) -> Sequence[Noticed]:
    """What is noticed about months; writes nothing."""
    months = await _read(connection, keys)
    first = min(month_end(known.month) for known in months.values())
    rows = await connection.fetch(statement("months", "outages"), first - timedelta(days=31))
    outages = [Outage(row["since"], row["until"]) for row in rows]
    noticed: list[Noticed] = []
    for key, known in months.items():
        noticed += _about_agreement(key, known, registry)
        if month_end(known.month) <= judged_at:
            noticed += _about_obligation(key, known, obligation_of(known, outages, registry))
        noticed += _about_balance(key, known, registry)
        for taken, arrived_at in known.counted:
            noticed += await _about_count(connection, key, known, (taken, arrived_at), registry)
    return noticed + await amended_since(connection, keys)


async def _read(connection: Connection, keys: Sequence[str]) -> Mapping[str, _Month]:
    months = {}
    for key in keys:
        plant, _, month = key.partition(" ")
        months[key] = _Month(plant, month)
    named = [(known.plant, known.first) for known in months.values()]
    for row in await connection.fetch(statement("months", "flows"), *transposed(named, 2), ANY_PRODUCT):
        known = months[f"{row['plant']} {row['month']:%Y-%m}"]
        side = known.before if row["before"] else known.flows
        side.append(flow_of(list(row.values())[3:]))
    for row in await connection.fetch(statement("following", "stated"), "month", list(keys), STATEMENTS_MAX):
        if row["type"] == Declaration.__name__:
            months[row["key"]].declared.append(
                (Declaration.model_validate_json(orjson.dumps(row["data"])), row["arrived_at"])
            )
        else:
            months[row["key"]].counted.append(
                (Stocktake.model_validate_json(orjson.dumps(row["data"])), row["arrived_at"])
            )
    return months


def obligation_of(known: _Month, outages: Sequence[Outage], registry: Registry) -> Obligation | None:
    """What a plant owes for a month; None where it owes nothing."""
    if not owed(known.plant, known.month, registry):
        return None
    grace = timedelta(hours=registry.settings.outage_grace_hours)
    deadline = extended(statutory_deadline(known.month, registry), outages, grace)
    return Obligation(known.plant, known.month, deadline, (known.plant, known.month) in registry.excuses, known.filing)


def _about_agreement(key: str, known: _Month, registry: Registry) -> Iterator[Noticed]:
    """Line by line, what was declared and what the events say."""
    filing, tolerance_ppm = known.filing, registry.settings.mass_tolerance_ppm
    if filing is None:
        return
    lines = list(differences(filing.declaration, known.flows, known.before, tolerance_ppm))
    if lines:
        arrived_at = max(arrived for _, arrived in known.declared)
        detail = {"month": known.month, "lines": [dict(line) for line in lines[:LINES_MAX]]}
        yield Noticed(key, "declaration-differs", known.plant, known.month, arrived_at, len(lines), detail)


def _about_obligation(key: str, known: _Month, obligation: Obligation | None) -> Iterator[Noticed]:
    """Of a month that has ended."""
    if obligation is None or obligation.excused:
        return
    filing = obligation.filing
    detail = {"month": known.month, "deadline": obligation.deadline.isoformat()}
    if filing is not None:
        if obligation.status(filing.arrived_at) is Status.LATE:
            late = detail | {"filed_at": filing.arrived_at.isoformat()}
            yield Noticed(key, "declaration-late", known.plant, known.month, filing.arrived_at, 1, late)
        return
    due = [(f"declaration-due-{days}", obligation.reminded_at(days)) for days in REMINDERS_DAYS]
    due += [
        ("declaration-missing", obligation.deadline),
        ("declaration-escalated", obligation.deadline + ESCALATED_AFTER),
    ]
    for rule, at in due:
        yield Noticed(key, rule, known.plant, known.month, at, 1, detail)


def _about_balance(key: str, known: _Month, registry: Registry) -> Iterator[Noticed]:
    """From the deadline on: until then a month may still be told of."""
    at, settings = statutory_deadline(known.month, registry), registry.settings
    for recovery in recoveries(known.flows):
        band = registry.recoveries.get(recovery.step)
        if band is None:
            continue
        odd = out_of_band(recovery, Band(ppm(band.low_pct), ppm(band.high_pct)), settings.assay_uncertainty_ppm)
        if odd is not None:
            rule = f"recovery-{recovery.step}"
            yield Noticed(key, rule, known.plant, known.month, at, abs(recovery.made_g - recovery.used_g), odd)
    bias = bias_ppm(known.flows)
    if bias is not None and abs(bias) > settings.bias_tolerance_ppm:
        detail = {"month": known.month, "bias_ppm": bias}
        yield Noticed(key, "claimed-bias", known.plant, known.month, at, abs(bias), detail)


async def _about_count(
    connection: Connection, key: str, known: _Month, counted: tuple[Stocktake, datetime], registry: Registry
) -> list[Noticed]:
    """A physical count against what the events say was on hand at that instant."""
    taken, arrived_at = counted
    first = day_start(known.first)
    rows = await connection.fetch(statement("months", "moved_until"), known.plant, first, taken.taken_at)
    moved = [Flow(r["product"], r["kind"], r["step"], r["origin"], r["net_g"], 0, 0, 0) for r in rows]
    book = stock_g([*known.before, *moved])
    found: dict[str, int] = {count.product: grams(count.net_mass_kg) for count in taken.counts}
    lines = [
        {"product": product, "counted_g": found.get(product, 0), "book_g": book.get(product, 0)}
        for product in sorted({*found, *(p for p, net_g in book.items() if net_g)})
        if _apart(found.get(product, 0), book.get(product, 0), registry.mass_tolerance_ppm(product))
    ]
    if not lines:
        return []
    detail = {"taken_at": taken.taken_at.isoformat(), "lines": lines[:LINES_MAX]}
    return [Noticed(key, "stocktake-differs", known.plant, known.month, arrived_at, len(lines), detail)]


def _apart(counted_g: int, book_g: int, tolerance_ppm: int) -> bool:
    return abs(counted_g - book_g) * PPM > tolerance_ppm * max(abs(counted_g), abs(book_g))
