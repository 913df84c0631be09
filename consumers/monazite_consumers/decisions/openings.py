"""What is noticed about opening inventories: stock of which nobody asks where it came from is there at go-live only."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.books import Month
from monazite_consumers.decisions.noticing import Noticed
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.contradictions import Opening, opened_late
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_contracts.months import day_start, month_end

LOTS_MAX: Final = 10
"""That a finding names one by one."""


async def notice_openings(connection: Connection, registry: Registry, months: Mapping[str, Month]) -> list[Noticed]:
    """Of those of plants' months that came long after the plant's first dealing."""
    opened = {key: known for key, known in months.items() if any(flow.kind == "opening" for flow in known.flows)}
    if not opened:
        return []
    rows = await connection.fetch(statement("months", "first_dealt"), sorted({k.plant for k in opened.values()}))
    first_dealt = {row["plant"]: row["month"] for row in rows}
    asked = [(key, k.plant, day_start(k.first), month_end(k.month)) for key, k in opened.items()]
    openings: dict[str, list[Opening]] = defaultdict(list)
    for row in await connection.fetch(statement("months", "openings"), *transposed(asked, 4)):
        openings[row["key"]].append(Opening(row["lot"], row["arrived_at"], row["net_g"]))
    noticed = []
    for key, known in opened.items():
        first = first_dealt.get(known.plant)
        late = opened_late(openings[key], first, registry.settings.opening_days) if first is not None else []
        if late:
            opened_g, lots = sum(each.net_g for each in late), [each.lot for each in late[:LOTS_MAX]]
            detail = {"month": known.month, "first_dealt": first, "opened_g": opened_g, "lots": lots}
            at = late[0].arrived_at
            noticed.append(Noticed(key, "opening-late", known.plant, known.month, at, opened_g, detail))
    return noticed
