"""A month's material at plants, in grams: flows, what is on hand, coverage by lawful chains, origin of feed, elements.

Whatever sums plants up, an enterprise, a province or the nation, sums the same rows.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from monazite_consumers.database import Connection
from monazite_consumers.rules.balances import (
    ElementFlow,
    Flow,
    Line,
    Recovery,
    element_recoveries,
    lines_of,
    recoveries,
)
from monazite_consumers.sql import statement
from monazite_contracts.catalogue import PRODUCTS
from monazite_contracts.months import first_day

ANY_PRODUCT: Final = (*PRODUCTS, "")
"""The last is that of lots that nobody has reported."""


class FlowLine(NamedTuple):
    """One product's month at a plant, of the product and of the REO in it: both add up."""

    plant: str
    product: str
    net: Line
    reo: Line


class Covered(NamedTuple):
    """What production made of a product in a month at a plant, and how much of it by an unbroken lawful chain."""

    plant: str
    product: str
    made_g: int
    lawful_g: int


class Output(NamedTuple):
    """What production made of a product in a month at a plant, in one activity, out of feed of one origin.

    `origin`: one of `rules.origins.ORIGINS`, by the chains of the lots; over all of them it adds up to what was made.
    """

    plant: str
    activity: str
    product: str
    origin: str
    net_g: int
    reo_g: int


def flow_of(values: Sequence[Any]) -> Flow:
    """A flow as it is stored: its columns, the squares last."""
    product, kind, step, origin, net_g, reo_g, claimed_g, moves, squares = values
    return Flow(product, kind, step, origin, net_g, reo_g, claimed_g, moves, int(squares))


async def flows(connection: Connection, month: str, plants: Sequence[str]) -> dict[str, list[Flow]]:
    """Of each plant that has any, the sums of a month's moves."""
    found: dict[str, list[Flow]] = {}
    for row in await connection.fetch(statement("material", "moved"), list(plants), first_day(month)):
        plant, *columns = row.values()
        found.setdefault(plant, []).append(flow_of(columns))
    return found


async def flow_lines(connection: Connection, month: str, plants: Sequence[str]) -> list[FlowLine]:
    """The flow record of plants by product, as their events have it; by plant and product."""
    first = first_day(month)
    opening: dict[str, list[Flow]] = {}
    for row in await connection.fetch(statement("material", "opening"), list(plants), list(ANY_PRODUCT), first):
        stock = Flow(row["product"], "opening", "", "", row["net_g"], row["reo_g"], 0, 1)
        opening.setdefault(row["plant"], []).append(stock)
    moved = await flows(connection, month, plants)
    return [
        FlowLine(plant, product, net, reo)
        for plant in sorted({*opening, *moved})
        for product, net, reo in lines_of((*opening.get(plant, ()), *moved.get(plant, ())))
    ]


async def process_steps(connection: Connection, month: str, plants: Sequence[str]) -> list[tuple[str, Recovery]]:
    """What each plant's process steps made of what they used, in REO; by plant and step."""
    moved = await flows(connection, month, plants)
    return [(plant, recovery) for plant in sorted(moved) for recovery in recoveries(moved[plant])]


async def coverage(connection: Connection, month: str, plants: Sequence[str]) -> list[Covered]:
    """By plant and product."""
    rows = await connection.fetch(statement("material", "coverage"), list(plants), first_day(month))
    return [Covered(*row.values()) for row in rows]


async def outputs(connection: Connection, month: str, plants: Sequence[str]) -> list[Output]:
    """By plant, activity, product and origin."""
    rows = await connection.fetch(statement("material", "origins"), list(plants), first_day(month))
    return [Output(*row.values()) for row in rows]


async def element_steps(connection: Connection, month: str, plants: Sequence[str]) -> list[tuple[str, str, Recovery]]:
    """Of each element what plants' process steps made of what they used, in its oxide; by plant, step and element.

    Only of steps whose assays all tell their elements.
    """
    found: dict[str, list[ElementFlow]] = {}
    for row in await connection.fetch(statement("material", "elements"), list(plants), first_day(month)):
        found.setdefault(row["plant"], []).append(element_flow_of(row))
    return [
        (plant, element, recovery) for plant in sorted(found) for element, recovery in element_recoveries(found[plant])
    ]


def element_flow_of(row: Any) -> ElementFlow:
    """A sum of an element as it is stored."""
    return ElementFlow(row["kind"], row["step"], row["element"], row["oxide_g"], int(row["squares"]), row["moves"])
