"""Months of a mine and a separation plant, closed: what tests of reports share."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from custody_talk import the_chain
from regulator_desk import Desk, Json, Message, an_allocation, send

from monazite_consumers.health import Health
from monazite_consumers.reports.closing import Reports
from monazite_consumers.reports.storing import newest_of
from monazite_consumers.rules.entries import Duty
from monazite_consumers.settings import ReportSettings
from monazite_contracts.builders import (
    a_declaration,
    a_dispatch,
    a_flow_line,
    a_production,
    a_receipt_of_goods,
    a_separation,
)
from monazite_contracts.months import month_end
from monazite_contracts.reports import Level, Scope, TraceabilityReport

DEADLINE = datetime(2023, 6, 10, 16, tzinfo=UTC)
DAY = timedelta(days=1)
MAY = "2023-05"


def the_month() -> list[Json]:
    """A mine, a separation plant that takes 18 t of it, and what the mine declares."""
    line = a_flow_line(made_kg="20000.000", shipped_kg="18000.000", closing_kg="2000.000")
    return [
        a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"), a_separation(),
        a_declaration(record="F-1", lines=[line]),
    ]  # fmt: skip


async def opened(desk: Desk, *more: Any) -> Desk:
    duties = [("duties", Duty(enterprise=code, since=date(2023, 5, 1), basis="R2")) for code in ("shihe", "baogang")]
    await desk.declare(the_chain(*duties, an_allocation(40_000), *more))
    return desk


def service(desk: Desk, hours: int = 24) -> Reports:
    return Reports(desk.url, Health(), ReportSettings(revise_after_hours=hours))


async def told(desk: Desk, events: Iterable[Json], at: datetime = DEADLINE) -> Desk:
    for event in events:
        ended = {"at": month_end(event["data"]["month"])} if "month" in event["data"] else {}
        await receive(desk, send(event, **ended))
    await desk.watch(at)
    await desk.follow()
    return desk


async def receive(desk: Desk, message: Message) -> None:
    """As the next of its partition: positions speak of offsets."""
    await desk.receive(replace(message, offset=desk.positions.get(message.tp, 0)))


async def report(desk: Desk, level: Level = "nation", code: str = "nation", month: str = MAY) -> TraceabilityReport:
    found = await newest_of(desk.connection, Scope(level=level, code=code, name=code), month)
    assert found is not None
    return found.report


async def closed(desk: Desk, *events: Json) -> Desk:
    await told(await opened(desk), [*the_month(), *events])
    assert await service(desk).pass_once(desk.connection)
    return desk


async def everybody(desk: Desk) -> list[TraceabilityReport]:
    rows = await desk.connection.fetch("SELECT level, code FROM reports WHERE revision = 1 ORDER BY level, code")
    return [await report(desk, row["level"], row["code"]) for row in rows]
