"""The books of plants' months: flows, declarations and counts that stand, and what came and does not count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import orjson

from monazite_consumers.database import Connection
from monazite_consumers.decisions.changes import Place
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.material import ANY_PRODUCT, flow_of
from monazite_consumers.rules.balances import Flow
from monazite_consumers.rules.moves import month_key
from monazite_consumers.rules.obligations import Filing, Unfiled, differences
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.declarations import Declaration, Stocktake

STATEMENTS_MAX: Final = 100
"""Of each type about one month: of more declarations the first and the last so many, of more counts the first."""

UNFILED_MAX: Final = 5
"""Of what came and does not count, the newest so many are named; how many there are, a count says."""


class Declared(NamedTuple):
    """One declaration that stands. `arrived_at`: of the event that says so; `filed_at`: of the one it goes back to."""

    declaration: Declaration
    place: Place
    arrived_at: datetime
    filed_at: datetime


@dataclass(slots=True)
class Month:
    """What is known of a plant's month."""

    plant: str
    month: str
    flows: list[Flow] = field(default_factory=list)
    before: list[Flow] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    counted: list[tuple[Stocktake, datetime]] = field(default_factory=list)
    unfiled: list[Unfiled] = field(default_factory=list)
    unfiled_count: int = 0

    @property
    def first(self) -> date:
        """Its first day."""
        return date(int(self.month[:4]), int(self.month[5:]), 1)

    @property
    def filing(self) -> Filing | None:
        """The newest declaration; the month was filed when the first one was."""
        if not self.declared:
            return None
        # Two that arrived at one instant are told apart by what they say, never by our own numbers.
        newest = max(self.declared, key=lambda d: (d.arrived_at, d.filed_at, d.declaration.model_dump_json()))
        return Filing(newest.declaration, min(each.filed_at for each in self.declared), newest.place)

    def differences(self, registry: Registry) -> list[Mapping[str, Any]]:
        """Line by line, what was declared otherwise than the events say."""
        filing = self.filing
        if filing is None:
            return []
        return list(differences(filing.declaration, self.flows, self.before, registry.settings.mass_tolerance_ppm))


async def read_months(connection: Connection, keys: Sequence[str]) -> Mapping[str, Month]:
    """What is known of plants' months, by key."""
    months = _named(keys)
    named = [(known.plant, known.first) for known in months.values()]
    for row in await connection.fetch(statement("months", "flows"), *transposed(named, 2), ANY_PRODUCT):
        known = months[f"{row['plant']} {row['month']:%Y-%m}"]
        side = known.before if row["before"] else known.flows
        side.append(flow_of(list(row.values())[3:]))
    await _read_stated(connection, months)
    asked = transposed([(known.plant, known.month) for known in months.values()], 2)
    for row in await connection.fetch(statement("unfiled", "of_months"), *asked, UNFILED_MAX):
        known = months[month_key(row["plant"], row["month"])]
        known.unfiled.append(Unfiled(row["outcome"], row["rule"], row["arrived_at"]))
        known.unfiled_count = row["number"]
    return months


def _named(keys: Sequence[str]) -> dict[str, Month]:
    months = {}
    for key in keys:
        plant, _, month = key.partition(" ")
        months[key] = Month(plant, month)
    return months


async def read_filings(connection: Connection, keys: Sequence[str]) -> dict[str, Filing | None]:
    """Whether each of plants' months was filed, and nothing else of it; by key."""
    months = _named(keys)
    await _read_stated(connection, months)
    return {key: known.filing for key, known in months.items()}


async def _read_stated(connection: Connection, months: Mapping[str, Month]) -> None:
    rows = await connection.fetch(statement("months", "stated"), list(months), Declaration.__name__, STATEMENTS_MAX)
    declared = [(row["message"], row["index"]) for row in rows if row["type"] == Declaration.__name__]
    filed_at = {
        (row["message"], row["index"]): row["arrived_at"]
        for row in await connection.fetch(statement("months", "filed"), *transposed(declared, 2))
    }
    for row in rows:
        known, data, place = months[row["key"]], orjson.dumps(row["data"]), (row["message"], row["index"])
        if row["type"] == Declaration.__name__:
            said = Declaration.model_validate_json(data)
            # What has been decided since and not been followed yet has no way back; it is in doubt again in a moment.
            known.declared.append(Declared(said, place, row["arrived_at"], filed_at.get(place, row["arrived_at"])))
        else:
            known.counted.append((Stocktake.model_validate_json(data), row["arrived_at"]))
