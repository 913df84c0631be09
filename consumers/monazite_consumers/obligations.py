"""What is owed, by whom, and how it stands; and which outages moved deadlines: `monazite declarations`, `outages`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from monazite_consumers import register
from monazite_consumers.database import Connection
from monazite_consumers.decisions.books import Month, read_months
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.obligations import obligation_of, read_outages
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.rules.keys import month_key
from monazite_consumers.rules.obligations import Obligation, Outage, Status, moved_months, owing
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.unfiled import last_month
from monazite_consumers.sql import statement
from monazite_contracts.months import MICROSECOND, day_of, month_end

AT_ONCE = 200
"""Months that are read together."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which obligations are asked for; None does not narrow. Without a month: of the one that ended last.

    `enterprise`: who owes it, or a group above.
    """

    month: str | None = None
    plant: str | None = None
    enterprise: str | None = None
    state: Status | None = None


@dataclass(frozen=True, slots=True)
class Stand:
    """How obligations stand. `known_until`: at this instant; what came later may not have been read yet.

    `outage_revision`: the number of the newest outage that deadlines rest on; 0: there was none.
    `first_duty`: the first day on which the register has anybody owe a record; None: nobody does.
    """

    month: str
    known_until: datetime
    outage_revision: int
    first_duty: date | None
    obligations: list[dict[str, Any]]


async def stand(connection: Connection, asked: Asked) -> Stand:
    """One row for each plant's month that is owed, under the enterprise that owes it. Masses in grams."""
    registry, platform = await register.load(connection), await read_platform(connection)
    known_until = min(platform.judged_at, platform.known_until)
    month = asked.month or last_month(platform.instant or platform.judged_at)
    keys = [month_key(plant, month) for plant in sorted(registry.plants) if _is_asked(plant, month, asked, registry)]
    rows: list[dict[str, Any]] = []
    for start in range(0, len(keys), AT_ONCE):
        months = await read_months(connection, keys[start : start + AT_ONCE])
        outages = await read_outages(connection, months.values(), registry)
        rows += await _rows(connection, months.values(), outages, registry, known_until)
    revision: int = await connection.fetchval(statement("outages", "revision"))
    wanted = [row for row in rows if asked.state is None or row["state"] == asked.state]
    return Stand(
        month,
        known_until,
        revision,
        registry.duties.first_day,
        sorted(wanted, key=lambda row: (row["enterprise"], row["plant"])),
    )


def _is_asked(plant: str, month: str, asked: Asked, registry: Registry) -> bool:
    owed_by = owing(plant, month, registry)
    if not owed_by or asked.plant not in {None, plant}:
        return False
    last_day = day_of(month_end(month) - MICROSECOND)
    return asked.enterprise in {None, owed_by[-1], *registry.groups(owed_by[-1], last_day)}


async def outages(connection: Connection) -> list[dict[str, Any]]:
    """Every outage that was recorded, with the months whose deadlines it moved beside the earlier ones."""
    registry = await register.load(connection)
    before: list[Outage] = []
    found = []
    for row in await connection.fetch(statement("outages", "listed")):
        outage = Outage(row["since"], row["until"])
        moved = [each._asdict() for each in moved_months(outage, before, registry)] if registry.duties.first_day else []
        found.append({**dict(row), "months": moved})
        before.append(outage)
    return found


async def _rows(
    connection: Connection, months: Iterable[Month], outages: Sequence[Outage], registry: Registry, at: datetime
) -> list[dict[str, Any]]:
    found = [(known, o) for known in months if (o := obligation_of(known, outages, registry)) is not None]
    places = [o.filing.place for _, o in found if o.filing is not None]
    rows = await connection.fetch(statement("events", "ids"), *transposed(places, 2))
    events = {(row["message"], row["index"]): str(row["event_id"]) for row in rows}
    return [_row(known, obligation, events, registry, at) for known, obligation in found]


def _row(
    known: Month, o: Obligation, events: Mapping[tuple[int, int], str], registry: Registry, at: datetime
) -> dict[str, Any]:
    enterprise, plant = registry.enterprises.get(o.debtor), registry.plants[o.plant]
    return {
        "enterprise": o.debtor,
        "name": enterprise.name if enterprise is not None else o.debtor,
        "before_it": list(o.owing[:-1]),
        "plant": o.plant,
        "province": plant.province,
        "month": o.month,
        "state": o.status(at).value,
        "due_at": o.due_at,
        "deadline": o.deadline,
        "filed_at": o.filing.arrived_at if o.filing is not None else None,
        "event_id": events.get(o.filing.place) if o.filing is not None else None,
        "differences": [dict(line) for line in known.differences(registry)],
        "not_filed": [each._asdict() for each in o.unfiled] if o.filing is None else [],
        "not_filed_count": o.unfiled_count if o.filing is None else 0,
    }
