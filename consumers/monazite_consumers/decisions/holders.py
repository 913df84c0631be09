"""Which holders a plant's days post to; sums caps again, and judges them all, when that changes."""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from monazite_consumers.database import Connection
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.caps import Cap
from monazite_consumers.rules.draws import BASES, counts
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.catalogue import CapKind

Spell = tuple[str, str, date, date]
"""A plant, a holder, from a day to the day after the last."""


def counted(registry: Registry) -> list[tuple[str, str]]:
    """(kind, basis) of the draws that count towards caps."""
    return [(kind, basis) for kind in CapKind for basis in BASES if counts(kind, basis, registry.settings)]


def spells(registry: Registry, plants: Iterable[str], years: Iterable[int]) -> list[Spell]:
    """Which holder each plant's days of some years post to, in spells without change."""
    firsts = {date(year, 1, 1) for year in years} | {date(year + 1, 1, 1) for year in years}
    if not firsts:
        return []
    days = sorted({day for day in registry.change_days() if min(firsts) < day < max(firsts)} | firsts)
    found: list[Spell] = []
    for plant in plants:
        for since, until in pairwise(days):
            found += [(plant, holder, since, until) for holder in registry.holders(plant, since)]
    return found


async def resum(connection: Connection, registry: Registry) -> None:
    """Sums every cap again from the draws, by the registry's mapping; never reads an event."""
    plants = [row["plant"] for row in await connection.fetch(statement("draws", "plants"))]
    years = [row["year"] for row in await connection.fetch(statement("caps", "drawn_years"))]
    await connection.execute(statement("caps", "clear_days"))
    await connection.execute(statement("caps", "clear"))
    mapping = transposed(spells(registry, plants, years), 4)
    await connection.execute(statement("caps", "resum_days"), *mapping, *transposed(counted(registry), 2))
    await connection.execute(statement("caps", "resum"))


async def all_caps(connection: Connection, registry: Registry) -> set[Cap]:
    """Every cap that has drawn or is granted; granted ones get their row."""
    granted = sorted(Cap(holder, year, kind) for holder, year, kind in registry.granted_caps())
    if granted:
        columns = transposed([(cap.holder, cap.year, cap.kind, 0, 0) for cap in granted], 5)
        await connection.execute(statement("caps", "post"), *columns)
    rows = await connection.fetch(statement("caps", "all"))
    return {Cap(row["holder"], row["year"], CapKind(row["kind"])) for row in rows}


def same_mapping(before: Registry, after: Registry) -> bool:
    """Whether draws post to the same holders on the same bases as before."""
    nouns = ("plants", "operations", "memberships", "successions")
    unchanged = all(before.entries.get(noun, ()) == after.entries.get(noun, ()) for noun in nouns)
    return unchanged and counted(before) == counted(after)
