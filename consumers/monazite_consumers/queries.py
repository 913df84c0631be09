"""What the command line and the console ask of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from monazite_consumers import register
from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.licences import read_drawn
from monazite_consumers.decisions.rebuilding import Difference, rebuild
from monazite_consumers.rules.exports import shown_as
from monazite_consumers.rules.moves import KINDS, Column
from monazite_consumers.rules.shipment_states import State, task_of
from monazite_consumers.rules.waybills import came_before_they_left
from monazite_consumers.sql import statement
from monazite_contracts.months import day_of, day_start, first_day, month_end
from monazite_contracts.quantities import grams

LOT_COLUMNS: Final = tuple(f"{column}_g" for column in Column if column is not Column.NONE)
"""Of the balance of a lot."""

SHIPMENTS_MAX: Final = 1_000
"""That are listed at once."""


async def caps(connection: Connection) -> list[dict[str, Any]]:
    """Every cap with its holder's name, and the group above it if any; masses in grams, as integers."""
    registry = await register.load(connection)
    found = []
    for row in await connection.fetch(statement("caps", "all")):
        holder = registry.enterprises.get(row["holder"])
        group = registry.group(row["holder"], registry.day_within(row["year"], date.max))
        found.append({**dict(row), "name": holder.name if holder else row["holder"], "group": group})
    return found


async def notices(connection: Connection) -> list[str]:
    """What every screen must say: that data are simulated, that the clock is driven."""
    platform = await read_platform(connection)
    said = []
    if (await register.load(connection)).simulated:
        said.append("Plants and production on this platform are SIMULATED; misconduct is at INVENTED enterprises only.")
    if platform.instant is not None:
        said.append(f"The clock is DRIVEN: it stands at {platform.instant:%Y-%m-%d %H:%M} UTC.")
    if platform.awaited_digest is not None:
        said.append(
            "This database was RESTORED from a backup: nothing is decided until the registry that was in force last "
            "is applied again (monazite registry apply)."
        )
    return said


async def alerts(connection: Connection, conditions: list[str] | None, rule: str | None) -> list[dict[str, Any]]:
    """Alerts with their handling, gravest first; None does not narrow."""
    return [dict(row) for row in await connection.fetch(statement("alerts", "listed"), conditions, rule)]


async def alerts_begun(connection: Connection, begun: str, most: int) -> list[dict[str, Any]]:
    """Alerts whose id begins so, with who handled them: `handled_by`, `handled_at`, `note`."""
    return [dict(row) for row in await connection.fetch(statement("alerts", "begun"), begun, most)]


async def alert_ids(connection: Connection) -> list[str]:
    """Of every alert that was ever raised."""
    return [row["alert"] for row in await connection.fetch(statement("alerts", "ids"))]


@dataclass(frozen=True)
class Wanted:
    """Which shipments: of plants on either side, dispatched (or else received) in a month, in a state, of a waybill.

    None does not narrow. `only_open`: where somebody must act.
    """

    plants: Sequence[str] | None = None
    month: str | None = None
    state: State | None = None
    waybill: str | None = None
    only_open: bool = False

    @property
    def arguments(self) -> tuple[Any, ...]:
        """As the statements take them."""
        first = None if self.month is None else day_start(first_day(self.month))
        return self.plants, first, None if self.month is None else month_end(self.month), self.state, self.waybill


class Shipments(NamedTuple):
    """Of `total` shipments, of which so many are late, those that are listed."""

    rows: list[dict[str, Any]]
    total: int
    late: int


async def shipments(connection: Connection, wanted: Wanted) -> Shipments:
    """Shipments: open ones by when somebody must act, others the newest first.

    `late_days` by the platform's clock: whole days since somebody should have acted, None: it is not due. `task`: what
    whoever must act is to do. `is_early`: received before it was dispatched. Masses in grams.
    """
    asked = statement("shipments", "open") if wanted.only_open else statement("shipments", "all")
    rows = await connection.fetch(asked, *wanted.arguments, SHIPMENTS_MAX)
    now = (await read_platform(connection)).instant or datetime.now(UTC)
    (counted,) = await connection.fetch(statement("shipments", "counted"), *wanted.arguments, wanted.only_open, now)
    settings = (await register.load(connection)).settings
    listed = []
    for row in rows:
        is_late = row["due_at"] is not None and row["due_at"] < now
        sent_at, received_at, products = row["dispatched_at"], row["received_at"], [x["product"] for x in row["lines"]]
        listed.append({
            **dict(row),
            **{name: shown_as(row[name], products) for name in ("shipment", "consignor", "consignee")},
            "task": task_of(State(row["state"]), row["consignor"]) if row["actor"] else None,
            "late_days": (now - row["due_at"]).days if is_late else None,
            "is_early": None not in (sent_at, received_at) and came_before_they_left(sent_at, received_at, settings),
        })  # fmt: skip
    return Shipments(listed, counted["total"], counted["late"])


async def lot(connection: Connection, name: str) -> list[dict[str, Any]]:
    """What each plant did with a lot and what it has of it, in grams; no rows: nobody speaks of it.

    Keyed by column of the flow record: `opening_g`, `in_g`, `made_g`, `used_g`, `shipped_g`, `lost_g`.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in await connection.fetch(statement("moves", "holdings"), [name]):
        held = found.setdefault(row["plant"], dict.fromkeys(LOT_COLUMNS, 0) | {"on_hand_g": 0})
        kind = KINDS[row["kind"]]
        if kind.sign:
            held[f"{kind.column}_g"] += row["net_g"]
            held["on_hand_g"] += kind.sign * row["net_g"]
    return [{"plant": plant, **held} for plant, held in sorted(found.items())]


async def licences(connection: Connection) -> list[dict[str, Any]]:
    """Every export licence: what it grants, what was exported on it and what is left, in grams; below zero: too much.

    `in_date`: by the platform's clock. `until`: the first day on which it no longer holds. End users are not shown.
    """
    registry = await register.load(connection)
    drawn = await read_drawn(connection, registry, list(registry.licences))
    today = day_of((await read_platform(connection)).instant or datetime.now(UTC))
    listed = []
    for number, licence in sorted(registry.licences.items()):
        granted_g, used = grams(licence.net_mass_kg), drawn.get(number)
        exported_g = used.net_g if used else 0
        listed.append({
            "licence": number, "enterprise": licence.enterprise, "form": licence.form, "products": licence.products,
            "destination": licence.destination, "since": licence.since, "until": licence.until,
            "last_day": licence.last_day,
            "in_date": licence.holds_on(today), "declarations": used.declarations if used else 0,
            "granted_g": granted_g, "exported_g": exported_g, "left_g": granted_g - exported_g,
            "draws": [each.told() for each in used.draws] if used else [],
        })  # fmt: skip
    return listed


async def plants_of(connection: Connection, enterprise: str) -> list[str]:
    """The plants that an enterprise, or a group through its members, runs or succeeded to on the day judged."""
    registry = await register.load(connection)
    today = day_of((await read_platform(connection)).instant or datetime.now(UTC))
    return [plant for plant in registry.plants if enterprise in registry.answerable(plant, today)]


async def reports(connection: Connection, level: str | None) -> list[dict[str, Any]]:
    """Every stored revision, the newest month first; None does not narrow."""
    return [dict(row) for row in await connection.fetch(statement("reports", "listed"), level)]


async def months_waiting(connection: Connection) -> int:
    """How many closed months are to be compared with what was reported of them."""
    waiting: int = await connection.fetchval(statement("reports", "waiting"))
    return waiting


async def refusals(connection: Connection) -> list[dict[str, Any]]:
    """Messages and events that are refused or await, by rule and sender, with one message that stands for all."""
    found = [{"what": "message", **dict(row)} for row in await connection.fetch(statement("envelopes", "refusals"))]
    return found + [{"what": "event", **dict(row)} for row in await connection.fetch(statement("events", "refusals"))]


async def message(connection: Connection, number: int) -> dict[str, Any] | None:
    """One message as it was received: its coordinate, key, headers, hash and kept bytes; None: there is no such one."""
    rows = await connection.fetch(statement("ledger", "arrivals"), [number])
    return dict(rows[0]) if rows else None


async def rebuilt(connection: Connection, *, keep: bool) -> list[Difference]:
    """Rebuilds under the exclusive lock; without `keep` everything is rolled back."""
    await connection.execute(
        "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0"
    )
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", REGISTRY_LOCK)
        differences = await rebuild(connection, await register.load(connection), keep=keep)
    except BaseException:
        await transaction.rollback()
        raise
    if keep:
        await transaction.commit()
    else:
        await transaction.rollback()
    return differences
