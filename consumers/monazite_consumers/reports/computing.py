"""Reads a month out of one snapshot: sums, plant by plant, of what custody keeps; never an event."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple

import orjson

from monazite_consumers import material
from monazite_consumers.database import Connection
from monazite_consumers.decisions.alerting import state_of
from monazite_consumers.decisions.books import read_filings
from monazite_consumers.decisions.deciding import Platform
from monazite_consumers.decisions.reported import IDLE
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.caps import Cap
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.keys import month_key
from monazite_consumers.rules.month_rows import (
    FROM_THE_START,
    UNKNOWN,
    Amended,
    Counted,
    MonthRows,
    OpenShipment,
    PlantRows,
    Since,
    balance_line,
    cap_lines,
    flow_lines,
    plant_of,
    span,
)
from monazite_consumers.rules.obligations import Obligation, Outage, deadline_of, owing, statutory_deadline
from monazite_consumers.rules.registry import Registry
from monazite_consumers.rules.reports import LINES_MAX, Basis
from monazite_consumers.rules.summaries import summary
from monazite_consumers.sql import statement
from monazite_contracts.months import first_day, month_end, month_start
from monazite_contracts.report_lines import (
    AmendmentLine,
    ConditionLine,
    CoverageLine,
    DeclarationLine,
    DeclaredFigure,
    OutputLine,
    ShipmentTotal,
)
from monazite_contracts.reports import PartitionPosition, Position
from monazite_contracts.times import INSTANT_MAX

CONDITIONS = [r.id for r in RULES.values() if r.subject in {"plant", "gateway", "enterprise", "cap"} and not r.quiet]
"""Rules of whose alerts a report tells: what topics and the platform suffer is no plant's."""

_KINDS = {"correction": "correction", "void": "void", "assay-finalised": "assay"}


class Reached(NamedTuple):
    """Where a computation stands. `message`: the newest that plays a part."""

    position: Position
    message: int


async def read_position(connection: Connection, registry: Registry, platform: Platform) -> Reached:
    """The position of the snapshot that the caller's transaction sees."""
    rows = await connection.fetch(statement("reports", "position"))
    position = Position(
        partitions=tuple(
            PartitionPosition(
                topic=row["topic"], partition=row["partition"], generation=row["log_generation"],
                next_offset=row["next_offset"],
            )
            for row in rows
        ),
        registry_revision=registry.revision,
        outage_revision=await connection.fetchval(statement("outages", "revision")),
        judged_at=platform.judged_at, known_until=platform.known_until, release=version("monazite"),
    )  # fmt: skip
    return Reached(position, rows[0]["message"] if rows else 0)


async def compute(
    connection: Connection, registry: Registry, month: str, position: Position, sinces: Iterable[Since]
) -> Basis:
    """The rows of a month, as the transaction sees them, with the amendments decided since each of `sinces`."""
    plants = await _plants(connection, registry, month)
    await _shipments(connection, plants, month)
    await _declarations(connection, registry, plants, (month, position))
    answering, held = await _conditions(connection, plants, month)
    _, last = span(month)
    drawn = {
        (row["holder"], row["kind"]): (row["days"], row["drawn_g"])
        for row in await connection.fetch(statement("reports", "caps"), last.year, last)
    }
    before = month_end(month)
    pairs = await connection.fetch(statement("reports", "open_pairs"), before, position.judged_at)
    open_shipments = await connection.fetch(statement("reports", "open_shipments"), before, LINES_MAX)
    told = {code: each for code, each in plants.items() if registry_ran(code, month, registry) or not each.is_silent}
    rows = MonthRows(
        month, told, tuple(cap_lines(month, drawn, registry)), answering, held,
        _open_shipments(open_shipments),
        {(row["consignor"], row["consignee"]): Counted(row["open"], row["overdue"]) for row in pairs},
        {since: await _amended(connection, plants, month, since) for since in {FROM_THE_START, *sinces}},
    )  # fmt: skip
    return Basis(rows, registry, position)


def registry_ran(code: str, month: str, registry: Registry) -> bool:
    """Whether somebody ran a plant in a month."""
    return plant_of(code, month, registry)[1]


async def _plants(connection: Connection, registry: Registry, month: str) -> dict[str, PlantRows]:
    """Every registered plant with what it made, moved and balanced; none but these has a statement that stands."""
    plants = {code: PlantRows(plant_of(code, month, registry)[0]) for code in sorted(registry.plants)}
    codes = list(plants)
    for each in await material.outputs(connection, month, codes):
        plants[each.plant].output.append(
            OutputLine(
                plant=each.plant, activity=each.activity, product=each.product or UNKNOWN, origin=each.origin,
                net_g=each.net_g, reo_g=each.reo_g,
            )
        )  # fmt: skip
    for plant, product, net, reo in await material.flow_lines(connection, month, codes):
        plants[plant].flows += flow_lines(plant, product, net, reo)
    for plant, recovery in await material.process_steps(connection, month, codes):
        plants[plant].balances.append(balance_line(plant, "REO", recovery, registry))
    for plant, element, recovery in await material.element_steps(connection, month, codes):
        plants[plant].balances.append(balance_line(plant, element, recovery, registry))
    for covered in await material.coverage(connection, month, codes):
        plants[covered.plant].coverage.append(
            CoverageLine(
                plant=covered.plant, product=covered.product or UNKNOWN, made_g=covered.made_g,
                lawful_g=covered.lawful_g,
            )
        )  # fmt: skip
    for rows in plants.values():
        rows.sort()
    return plants


async def _shipments(connection: Connection, plants: Mapping[str, PlantRows], month: str) -> None:
    """How the month's shipments stand."""
    found = await connection.fetch(statement("reports", "shipments"), month_start(month), month_end(month))
    for row in sorted(found, key=lambda each: each["state"]):
        if row["consignor"] in plants:
            plants[row["consignor"]].shipments.append(
                ShipmentTotal(
                    plant=row["consignor"], state=row["state"], shipments=row["shipments"], net_g=row["net_g"]
                )
            )


async def _declarations(
    connection: Connection, registry: Registry, plants: Mapping[str, PlantRows], at: tuple[str, Position]
) -> None:
    """Who owed the month's record, and whether it came."""
    month, position = at
    owed_by = {code: found for code in plants if (found := owing(code, month, registry))}
    filings = await read_filings(connection, [month_key(code, month) for code in owed_by])
    differing = {
        row["plant"]: (row["measure"], row["lines"])
        for row in await connection.fetch(statement("reports", "differences"), month)
    }
    due = statutory_deadline(month, registry)
    rows = await connection.fetch(statement("outages", "of_revision"), position.outage_revision)
    outages = [Outage(*row.values()) for row in rows]
    deadline = deadline_of(month, outages, registry)
    for code, enterprises in owed_by.items():
        plants[code].owing = enterprises
        excused, filed = registry.duties.is_excused(code, month), filings[month_key(code, month)]
        obligation = Obligation(code, month, enterprises, due, deadline, excused, filed)
        filing = obligation.filing
        count, lines = differing.get(code, (0, ()))
        plants[code].declarations.append(
            DeclarationLine(
                plant=code, enterprise=obligation.debtor,
                status=obligation.status(min(position.judged_at, position.known_until)).value,
                deadline=deadline if deadline < INSTANT_MAX else None,
                filed_at=filing.arrived_at if filing is not None else None, differences=count,
                differing=tuple(DeclaredFigure.model_validate(line) for line in lines),
            )
        )  # fmt: skip


async def _conditions(
    connection: Connection, plants: Mapping[str, PlantRows], month: str
) -> tuple[dict[str, list[ConditionLine]], frozenset[str]]:
    """What holds about each plant; returned: what does about enterprises and caps, and the ids of all of it."""
    answering: dict[str, list[ConditionLine]] = defaultdict(list)
    # A month, its year and its days sort before the month followed by the last letter of ASCII.
    rows = await connection.fetch(statement("reports", "conditions"), CONDITIONS, f"{month}~")
    for row in sorted(rows, key=lambda each: (each["rule"], each["subject"], each["period"])):
        key = AlertKey(row["rule"], row["subject"], row["period"])
        rule = RULES[key.rule]
        line = ConditionLine(
            alert=key.id, rule=rule.id, severity=rule.severity.value, subject=key.subject, period=key.period,
            summary=summary(state_of(row, key)), basis=rule.basis,
        )  # fmt: skip
        subject = key.subject.partition("/")[0]
        if rule.subject == "cap":
            answering[Cap.named(key.subject, key.period).holder].append(line)
        elif rule.subject == "enterprise":
            answering[subject].append(line)
        elif subject in plants:
            plants[subject].conditions.append(line)
    return dict(answering), frozenset(row["alert"] for row in rows)


async def _amended(
    connection: Connection, plants: Mapping[str, PlantRows], month: str, since: Since
) -> dict[str, Amended]:
    first, until = month_start(month), month_end(month)
    found: dict[str, Amended] = {}
    asked = (list(plants), since.message, first, until, IDLE, LINES_MAX, first_day(month), since.judged_at)
    async for row in connection.cursor(statement("reports", "amendments"), *asked, prefetch=100):
        of_plant = found.setdefault(row["plant"], Amended([], row["amendments"]))
        said: Any = orjson.loads(row["value"])["events"][row["index"]]
        of_plant.lines.append(
            AmendmentLine(
                plant=row["plant"], kind=_KINDS[row["type"].split(".")[1]], event=str(row["named"]),
                arrived_at=row["arrived_at"], reason=said["data"].get("reason", ""),
            )
        )  # fmt: skip
    return found


def _open_shipments(rows: list[Any]) -> tuple[OpenShipment, ...]:
    """Each once, the most urgent first, as everybody may read it."""
    products = {row["shipment"]: row["products"] for row in rows}
    found = {row["shipment"]: OpenShipment(*list(row.values())[:-1]) for row in rows}
    ordered = sorted(found.values(), key=lambda each: each.order)
    return tuple(each.shown(products[each.shipment]) for each in ordered)
