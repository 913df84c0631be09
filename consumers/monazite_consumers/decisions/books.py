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
from monazite_consumers.rules.envelopes import FAULT
from monazite_consumers.rules.keys import month_key
from monazite_consumers.rules.obligations import Filing, Unfiled, differences
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.declarations import Declaration, Stocktake
from monazite_contracts.months import first_day, month_end

STATEMENTS_MAX: Final = 100
"""Of each type about one month: of more declarations the first and the last so many, of more counts the first."""

UNFILED_MAX: Final = 5
"""Of what came and does not count, the newest so many are named; how many there are, a count says."""

EARLY: Final = "month-not-over"
"""Why what is applied does not count: nobody can know a month's flows before its end."""


class Declared(NamedTuple):
    """One declaration that stands. `arrived_at`: of the event that says so.

    `filed_at`: of the first since the month was over, back to the one that it amends; None: nothing came since.
    """

    declaration: Declaration
    place: Place
    arrived_at: datetime
    filed_at: datetime | None


@dataclass(slots=True)
class Month:
    """What is known of a plant's month. `declared`: in the order in which they stand in the log."""

    plant: str
    month: str
    flows: list[Flow] = field(default_factory=list)
    before: list[Flow] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    counted: list[tuple[Stocktake, datetime]] = field(default_factory=list)
    unfiled: list[Unfiled] = field(default_factory=list)
    unfiled_count: int = 0
    set_aside_at: datetime | None = None
    """When something first came on which our own code raised."""

    @property
    def first(self) -> date:
        """Its first day."""
        return first_day(self.month)

    @property
    def newest(self) -> Declared | None:
        """The declaration that holds."""
        return self.declared[-1] if self.declared else None

    @property
    def filing(self) -> Filing | None:
        """The newest declaration; the month was filed when the first one was, and never before it was over."""
        newest, filed = self.newest, [each.filed_at for each in self.declared if each.filed_at is not None]
        return Filing(newest.declaration, min(filed), newest.place) if newest is not None and filed else None

    def differences(self, registry: Registry) -> list[Mapping[str, Any]]:
        """Line by line, what was declared otherwise than the events say, of a record that counts."""
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
    numbers: dict[tuple[str, str], int] = {}
    for row in await connection.fetch(statement("unfiled", "of_months"), *asked, UNFILED_MAX, FAULT.rule):
        known = months[month_key(row["plant"], row["month"])]
        known.unfiled.append(Unfiled(row["outcome"], row["rule"], row["arrived_at"]))
        known.set_aside_at = row["set_aside_at"]
        numbers[row["plant"], row["month"]] = row["number"]
    for known in months.values():
        known.unfiled_count += numbers.get((known.plant, known.month), 0)
        known.unfiled = sorted(known.unfiled, key=lambda each: each.arrived_at)[-UNFILED_MAX:]
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
    ended = {key: month_end(known.month) for key, known in months.items()}
    asked = [(row["message"], row["index"], ended[row["key"]]) for row in rows if row["type"] == Declaration.__name__]
    filed_at = {
        (row["message"], row["index"]): row["filed_at"]
        for row in await connection.fetch(statement("months", "filed"), *transposed(asked, 3))
    }
    for row in rows:
        known, data, place = months[row["key"]], orjson.dumps(row["data"]), (row["message"], row["index"])
        if row["type"] == Declaration.__name__:
            said = Declaration.model_validate_json(data)
            known.declared.append(Declared(said, place, row["arrived_at"], filed_at[place]))
        else:
            known.counted.append((Stocktake.model_validate_json(data), row["arrived_at"]))
    for known in months.values():
        early = [each.arrived_at for each in known.declared if each.filed_at is None]
        known.unfiled += [Unfiled("applied", EARLY, at) for at in sorted(early)[-UNFILED_MAX:]]
        known.unfiled_count += len(early)
