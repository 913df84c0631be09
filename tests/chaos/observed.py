"""What the platform says in the end: its database, its receipts, and its alerts as a subscriber reads them."""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from topic_reading import records_of

from chaos.oracle.registry import Registry
from chaos.reported import Reports, figures_of, hear_reports, odd_reports, read_reports
from chaos.world import World

_AT = "l.topic, l.partition, l.log_generation, l.log_offset"
CAPS = "SELECT * FROM caps WHERE (drawn_g, original_g) <> (0, 0) OR granted_g IS NOT NULL"
LOTS = "SELECT lot, plant, product, origin, net_g, reo_g FROM lots"
MESSAGES = f"SELECT {_AT}, outcome, l.value FROM ledger l LEFT JOIN envelopes USING (message)"  # noqa: S608 - our own names
EVENTS = f"SELECT {_AT}, index, outcome FROM events JOIN ledger l USING (message)"  # noqa: S608 - our own names
HOLDINGS = "SELECT lot, plant, kind, net_g FROM holdings WHERE moves <> 0"
FLOWS = """SELECT plant, to_char(month, 'YYYY-MM'), product, kind, step, sum(moves)::bigint, sum(net_g)::bigint,
    sum(claimed_g)::bigint, sum(reo_g)::bigint FROM flows WHERE moves <> 0 GROUP BY 1, 2, 3, 4, 5"""
SHIPMENTS = "SELECT shipment, consignee, state, actor FROM shipments"
ALERTS = "SELECT alert, rule, subject, period, condition, severity, percent, revision FROM alerts"

OF_HISTORY = {"amendment-after-report"}
"""Rules that hang on when a month was closed: no plant's words say that."""


@dataclass
class Observed:
    """The end state as observed; `odd` is what a subscriber should never meet."""

    messages: dict[Any, str] = field(default_factory=dict)
    values: dict[Any, bytes] = field(default_factory=dict)
    events: dict[Any, str] = field(default_factory=dict)
    caps: dict[Any, Any] = field(default_factory=dict)
    lots: Counter[Any] = field(default_factory=Counter)
    holdings: dict[Any, int] = field(default_factory=dict)
    flows: dict[Any, Any] = field(default_factory=dict)
    shipments: dict[str, Any] = field(default_factory=dict)
    alerts: dict[str, Any] = field(default_factory=dict)
    raised: set[tuple[str, str, str]] = field(default_factory=set)
    told: dict[str, Any] = field(default_factory=dict)
    receipts: dict[str, Any] = field(default_factory=dict)
    reports: Reports = field(default_factory=Reports)
    figures: dict[Any, Any] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)


async def observe(world: World, registry: Registry) -> Observed:
    """Everything, from the start."""
    found = Observed()
    await _read_database(world, found)
    receipts = [f"receipts-{plant}" for plant in registry.plants]
    told = ["regulator-alerts", "regulator-reports", *receipts]
    records = await asyncio.gather(*(records_of(world.bootstrap, topic, "read_committed") for topic in told))
    said = {topic: [json.loads(record.value) for record in of] for topic, of in zip(told, records, strict=True)}
    for alert in said["regulator-alerts"]:
        _hear_alert(alert, found)
    hear_reports(said["regulator-reports"], found.reports)
    found.figures = figures_of(found.reports)
    found.odd += odd_reports(found.reports, registry, world.restored_at)
    numbers: dict[tuple[str, int], int] = {}
    for receipt in (each for topic in receipts for each in said[topic]):
        _hear_receipt(receipt, found, numbers)
    return found


async def _read_database(world: World, found: Observed) -> None:
    async with world.connection() as opened, opened.transaction(isolation="repeatable_read"):
        for *place, outcome, value in await opened.fetch(MESSAGES):
            if tuple(place) in found.messages:
                found.odd.append(f"the ledger has {place} twice")
            found.messages[tuple(place)], found.values[tuple(place)] = outcome, value or b""
        found.events = {tuple(place): outcome for *place, outcome in await opened.fetch(EVENTS)}
        for row in await opened.fetch(CAPS):
            cap = row["holder"], row["year"], row["kind"]
            found.caps[cap] = row["granted_g"], row["drawn_g"], row["original_g"]
        found.lots = Counter(tuple(row) for row in await opened.fetch(LOTS))
        found.holdings = {tuple(row)[:3]: row["net_g"] for row in await opened.fetch(HOLDINGS)}
        found.flows = {tuple(row)[:5]: tuple(row)[5:] for row in await opened.fetch(FLOWS)}
        found.shipments = {row["shipment"]: tuple(row)[1:] for row in await opened.fetch(SHIPMENTS)}
        await read_reports(opened, found.reports)
        for row in await opened.fetch(ALERTS):
            state = tuple(row)[1:-1]
            found.alerts[row["alert"]] = state, row["revision"]
            if row["condition"] == "raised" and row["rule"] not in OF_HISTORY:
                found.raised.add((row["rule"], row["subject"], row["period"]))


def _hear_alert(alert: dict[str, Any], found: Observed) -> None:
    """A subscriber ignores a lower or equal (epoch, revision); it must meet every revision, in order, once."""
    state = (
        alert["rule"], alert["subject"]["code"], alert["period"], alert["condition"], alert["severity"],
        alert["percent"],
    )  # fmt: skip
    epoch, revision = alert["epoch"], alert["revision"]
    _, last_epoch, last, heard = found.told.get(alert["id"], (None, 0, 0, {}))
    if (epoch, revision) in heard:
        if heard[epoch, revision] != state:
            found.odd.append(f"alert {state} was told twice as ({epoch}, {revision}), differently")
        return
    if (epoch, revision) < (last_epoch, last):
        found.odd.append(f"alert {state} was told as ({epoch}, {revision}) after ({last_epoch}, {last})")
    elif epoch == last_epoch and revision != last + 1:
        found.odd.append(f"alert {state}: revisions between {last} and {revision} were never told")
    heard[epoch, revision] = state
    found.told[alert["id"]] = state, epoch, revision, heard


def _hear_receipt(receipt: dict[str, Any], found: Observed, numbers: dict[tuple[str, int], int]) -> None:
    """The greatest (epoch, number) is true; none may be missing."""
    if receipt["type"] != "monazite.receipt.v1":
        return
    source = "/".join(receipt["source"][name] for name in ("plant", "gateway", "stream", "incarnation"))
    epoch, number = receipt["epoch"], receipt["number"]
    before = numbers.get((source, epoch), 0)
    if number > before + 1 and before:
        found.odd.append(f"receipts {before + 1} to {number - 1} of {source} were never told")
    if number > before:
        numbers[source, epoch] = number
        beyond = [(each["first"], each["last"]) for each in receipt["decided_beyond"]]
        found.receipts[source] = (receipt["decided_through"], receipt["decided_hash"], beyond)
