"""Verifies what was kept of all events together: findings, lots, draws and caps."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Changes, DrawKey, DrawSum, Place
from monazite_consumers.rules.draws import counts
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import Misfit, Report, differing

Draws = dict[DrawKey, DrawSum]


def compare(report: Report, column: str, expected: set[Any], found: set[Any]) -> None:
    """Rows that only one side has; each begins with message and index."""
    for row in sorted(expected - found, key=repr):
        report.add(Misfit(column, row[2:], None, message=row[0], index=row[1]))
    for row in sorted(found - expected, key=repr):
        report.add(Misfit(column, None, row[2:], message=row[0], index=row[1]))


def findings_in(changes: Changes) -> set[Any]:
    """The findings that should be there, as rows; of one rule the latest about a place, as they are written."""
    latest = {(place, finding.rule): finding for place, finding in changes.findings}
    return {(*place, rule, f.subject, f.period, f.at, f.measure) for (place, rule), f in latest.items()}


def lots_in(changes: Changes) -> set[Any]:
    """The lots that should be there, as rows."""
    return {
        (*place, lot.lot, plant, lot.product, lot.origin, lot.net_g, lot.reo_g, lot.made_at)
        for place, plant, lot in changes.lots_made
    }


def apart_from(rows: Iterable[Any], apart: set[Place]) -> set[Any]:
    """Rows as tuples, without those at given places."""
    return {tuple(row) for row in rows if (row["message"], row["index"]) not in apart}


def only_at(rows: Iterable[Any], places: set[Place]) -> set[Any]:
    """Rows as tuples, of given places."""
    return {tuple(row) for row in rows if (row["message"], row["index"]) in places}


def gather(draws: Draws, changes: Changes) -> None:
    """Adds the draws of some events to all."""
    for key, more in changes.draws.items():
        total = draws.setdefault(key, DrawSum())
        total.drawn_g += more.drawn_g
        total.original_g += more.original_g
        total.events += more.events


async def check_draws(connection: Connection, draws: Draws, report: Report) -> None:
    """The sums of draws by plant and day, against every event."""
    nothing = (0, 0, 0)
    expected = {tuple(key): (t.drawn_g, t.original_g, t.events) for key, t in draws.items()}
    found = {tuple(row)[:4]: tuple(row)[4:] for row in await connection.fetch(statement("verifying", "draw_days"))}
    for key in sorted(expected.keys() | found.keys(), key=repr):
        wanted, kept = expected.get(key, nothing), found.get(key, nothing)
        if wanted != kept:
            detail = " ".join(str(part) for part in key) + ": drawn g, originally g, events"
            report.add(Misfit("draw_days", wanted, kept, detail))


async def check_caps(connection: Connection, registry: Registry, draws: Draws, report: Report) -> None:
    """Caps by day and in all, against the draws and the registry's mapping of plants to holders."""
    days: dict[tuple[str, int, str, date], list[int]] = defaultdict(lambda: [0, 0])
    totals: dict[tuple[str, int, str], list[int]] = defaultdict(lambda: [0, 0])
    for key, total in draws.items():
        if not counts(key.kind, key.basis, registry.settings):
            continue
        for holder in registry.holders(key.plant, key.day):
            for kept in (days[holder, key.day.year, key.kind, key.day], totals[holder, key.day.year, key.kind]):
                kept[0] += total.drawn_g
                kept[1] += total.original_g
    rows = await connection.fetch(statement("verifying", "cap_days"))
    _compare_grams(report, "cap_days", days, {tuple(row)[:4]: list(row)[4:] for row in rows})
    rows = await connection.fetch(statement("caps", "all"))
    _compare_grams(report, "caps", totals, {tuple(row)[:3]: [row["drawn_g"], row["original_g"]] for row in rows})


def _compare_grams(
    report: Report, relation: str, expected: Mapping[Any, list[int]], found: Mapping[Any, list[int]]
) -> None:
    for key in sorted(expected.keys() | found.keys(), key=repr):
        wanted, kept = expected.get(key, [0, 0]), found.get(key, [0, 0])
        for column, due, is_so in differing(
            {f"{relation}.drawn_g": (wanted[0], kept[0]), f"{relation}.original_g": (wanted[1], kept[1])}
        ):
            report.add(Misfit(column, due, is_so, " ".join(str(part) for part in key)))
