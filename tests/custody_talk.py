"""A mine, a separation plant and a recycler, and what custody says of what they state."""

from datetime import UTC, datetime, timedelta

import pytest
from regulator_desk import MINE, Declared, Desk, Json, a_plant, an_enterprise, send, the_registry

from monazite_contracts.months import month_end

SEPARATION, RECYCLER = "shihe-separation", "ganzhou-recycler"
SETTLED = datetime(2023, 6, 20, tzinfo=UTC)
SOON, ACROSS = timedelta(minutes=15), timedelta(hours=48)
LOT = f"{MINE}/R-1"


def the_chain(*more: Declared) -> list[Declared]:
    """A mine and a separation plant of listed enterprises, and a recycler that is on no list."""
    return the_registry(
        *an_enterprise("baogang"), *a_plant(SEPARATION, "baogang"), *an_enterprise("ganzhou", "-"),
        *a_plant(RECYCLER, "ganzhou"), *more,
    )  # fmt: skip


@pytest.fixture
async def chain(desk: Desk) -> Desk:
    await desk.declare(the_chain())
    return desk


async def judged(desk: Desk, *events: Json, at: datetime = SETTLED) -> dict[tuple[str, str, str], Json]:
    """The alerts after everything has been followed and judged at an instant."""
    for event in events:
        said_of = event["data"].get("month")
        await desk.receive(send(event, **({"at": month_end(said_of)} if said_of is not None else {})))
    await desk.watch(at)
    await desk.follow()
    assert await desk.rebuild() == []
    return await desk.alerts()


def of_custody(alerts: dict[tuple[str, str, str], Json]) -> set[tuple[str, str]]:
    return {(rule, subject) for rule, subject, _ in alerts if not rule.startswith(("cap-", "event-", "claimed"))}


async def told(desk: Desk, at: datetime) -> set[tuple[str, str]]:
    """The alerts of custody at an instant."""
    await desk.watch(at)
    await desk.follow()
    return of_custody(await desk.alerts())


async def say(desk: Desk, *events: Json, at: datetime) -> None:
    """Has events arrive at an instant, and followed."""
    for event in events:
        await desk.receive(send(event, at=at))
    await desk.follow()


async def on_hand(desk: Desk, lot: str, plant: str) -> int:
    rows = await desk.connection.fetch("SELECT kind, net_g FROM holdings WHERE lot = $1 AND plant = $2", lot, plant)
    signs = {"made": 1, "imported": 1, "received": 1, "returned": 1, "used": -1, "dispatched": -1, "lost": -1}
    return sum(signs.get(row["kind"], 0) * row["net_g"] for row in rows)
