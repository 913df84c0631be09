"""What is noticed about months' material besides recovery rates: elements that are gained, claims that lean."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.noticing import Noticed
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.material import element_flow_of
from monazite_consumers.rules.balances import Claims, ElementFlow, gained, leaning_ppm
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement

Named = Mapping[str, tuple[str, date, datetime]]
"""Months by key: whose, from which day, and the deadline."""


async def notice_material(connection: Connection, registry: Registry, months: Named) -> list[Noticed]:
    """Of months by key; from their deadlines on, since until then a month may still be told of."""
    columns = transposed([(plant, first) for plant, first, _ in months.values()], 2)
    elements: dict[tuple[str, date], list[ElementFlow]] = defaultdict(list)
    for row in await connection.fetch(statement("months", "elements"), *columns):
        elements[row["plant"], row["month"]].append(element_flow_of(row))
    claims: dict[tuple[str, date], list[Claims]] = defaultdict(list)
    for row in await connection.fetch(statement("months", "claims"), *columns):
        claims[row["plant"], row["month"]].append(Claims(*list(row.values())[2:]))
    noticed: list[Noticed] = []
    for key, (plant, first, at) in months.items():
        noticed += _gained(key, plant, at, elements[plant, first], registry)
        year = claims[plant, first]
        if year and year[-1].month == first:  # one in which nothing was made says nothing new of what was claimed
            noticed += _leaning(key, plant, at, year, registry)
    return noticed


def _gained(key: str, plant: str, at: datetime, flows: Sequence[ElementFlow], registry: Registry) -> Iterator[Noticed]:
    lines = gained(flows, registry.settings.assay_uncertainty_ppm)
    if lines:
        gained_g = sum(line["made_g"] - line["used_g"] for line in lines)
        month = key.rpartition(" ")[2]
        yield Noticed(key, "element-gained", plant, month, at, gained_g, {"month": month, "lines": lines})


MONTHS_MIN: Final = 3
"""That a claim must lean in sum before a year is spoken of: of fewer, each month speaks for itself."""


def _leaning(key: str, plant: str, at: datetime, claims: Sequence[Claims], registry: Registry) -> Iterator[Noticed]:
    year_ppm = leaning_ppm(claims)
    if year_ppm is not None and len(claims) >= MONTHS_MIN and abs(year_ppm) > registry.settings.bias_year_tolerance_ppm:
        month = key.rpartition(" ")[2]
        by_month = [{"month": f"{c.month:%Y-%m}", "claimed_g": c.claimed_g, "computed_g": c.reo_g} for c in claims]
        detail = {"month": month, "bias_ppm": year_ppm, "months": by_month}
        yield Noticed(key, "claimed-bias-year", plant, month, at, abs(year_ppm), detail)
