"""Holds physical counts of a plant's month against the book at their instants."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.decisions.books import Month
from monazite_consumers.decisions.current import read_current
from monazite_consumers.decisions.noticing import Noticed
from monazite_consumers.decisions.obligations import LINES_MAX
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.balances import NONE, UNKNOWN, Flow, Range, stock_g
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.declarations import Stocktake
from monazite_contracts.months import month_end
from monazite_contracts.production import Production
from monazite_contracts.quantities import PPM, grams

Book = Mapping[str, Range]
"""Between how many grams of each product may have been on hand at an instant."""


async def about_counts(connection: Connection, key: str, known: Month, registry: Registry) -> list[Noticed]:
    """One finding for a month, with the lines of every count that differs."""
    lines: list[dict[str, Any]] = []
    arrived: list[datetime] = []
    for taken, arrived_at in sorted(known.counted, key=lambda c: (c[0].taken_at, c[1], c[0].model_dump_json())):
        if differs := await _differing(connection, known, taken, registry):
            lines += [{"taken_at": taken.taken_at.isoformat()} | line for line in differs]
            arrived.append(arrived_at)
    if not lines:
        return []
    detail = {"month": known.month, "lines": lines[:LINES_MAX]}
    return [Noticed(key, "stocktake-differs", known.plant, known.month, min(arrived), len(lines), detail)]


async def _differing(
    connection: Connection, known: Month, taken: Stocktake, registry: Registry
) -> list[dict[str, Any]]:
    """The lines of one count; what production had under way is read only where something differs without it."""
    found: dict[str, int] = {count.product: grams(count.net_mass_kg) for count in taken.counts}
    book = await _book(connection, known, taken.taken_at)
    lines = _apart(found, book, registry)
    if lines:
        lines = _apart(found, await _with_under_way(connection, known, taken.taken_at, book), registry)
    return lines


async def _book(connection: Connection, known: Month, at: datetime) -> Book:
    """The month's end, less what came and went since: most counts are taken when little follows."""
    rows = await connection.fetch(statement("months", "moved_after"), known.plant, at, month_end(known.month))
    since = stock_g(Flow(r["product"], r["kind"], r["step"], r["origin"], r["net_g"], 0, 0, 0) for r in rows)
    end = stock_g([*known.before, *known.flows])
    return {p: Range(g, g) for p in {*end, *since} for g in [end.get(p, 0) - since.get(p, 0)]}


async def _with_under_way(connection: Connection, known: Month, at: datetime, book: Book) -> Book:
    """Production counts at its period's end: of one that spans the instant, any part may have been made and used."""
    moves = await connection.fetch(statement("months", "made_after"), known.plant, at, month_end(known.month))
    places = transposed(sorted({(move["message"], move["index"]) for move in moves}), 2)
    current = await read_current(connection, await connection.fetch(statement("following", "at_places"), *places))
    under_way = {
        now.place for now in current if isinstance(now.said, Production) and now.said.period.start < at
    }  # fmt: skip
    ranges = dict(book)
    for message, index, product, kind, net_g in moves:
        if (message, index) in under_way:
            low_g, high_g = ranges.get(product, NONE)
            ranges[product] = Range(low_g - net_g, high_g) if kind == "used" else Range(low_g, high_g + net_g)
    return ranges


def _apart(found: Mapping[str, int], book: Book, registry: Registry) -> list[dict[str, Any]]:
    """What was counted otherwise than anything that the book allows, beyond the product's tolerance."""
    lines, unknown = [], book.get(UNKNOWN, NONE)
    for product in sorted({*found, *book} - {UNKNOWN}):
        counted_g = found.get(product, 0)
        book_g = book.get(product, NONE).or_any_of(unknown).nearest(counted_g)
        if abs(counted_g - book_g) * PPM > registry.mass_tolerance_ppm(product) * max(abs(counted_g), abs(book_g)):
            lines.append({"product": product, "counted_g": counted_g, "book_g": book_g})
    return lines
