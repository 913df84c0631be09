"""A lot of which nobody says any longer what it is: whoever received it answers for what it stated, and no more."""

from datetime import UTC, datetime
from typing import Any

import pytest
from custody_talk import SEPARATION, chain, judged, of_custody
from regulator_desk import Desk, Json

from monazite_contracts.builders import (
    a_declaration,
    a_dispatch,
    a_flow_line,
    a_production,
    a_receipt_of_goods,
    a_stocktake,
    a_void,
)

__all__ = ["chain"]

LATER = datetime(2023, 6, 21, tzinfo=UTC)
DIFFERS, COUNTED = ("declaration-differs", SEPARATION), ("stocktake-differs", SEPARATION)


def kept(product: str, mass_kg: str = "18000.000") -> list[Json]:
    """What the separation plant declares and counts: all that it received."""
    line = a_flow_line(product=product, in_kg=mass_kg, made_kg="0.000", shipped_kg="0.000", closing_kg=mass_kg)
    counts = [{"product": product, "net_mass_kg": mass_kg}]
    return [
        a_declaration(plant=SEPARATION, record="F-1", lines=[line]),
        a_stocktake(plant=SEPARATION, record="C-1", counts=counts),
    ]


async def told_of(desk: Desk, said: list[Json], *taken_back: Json) -> set[tuple[str, str]]:
    """After a mine has sent a lot and taken something back, what is told of whoever received it."""
    await judged(desk, a_receipt_of_goods(record="G-1"), *said)
    return of_custody(await judged(desk, *(a_void(each) for each in taken_back), at=LATER)) & {DIFFERS, COUNTED}


@pytest.mark.parametrize(
    ("product", "told"), [("bastnaesite-concentrate", set()), ("cerium-oxide", {DIFFERS, COUNTED})]
)
async def test_a_lot_that_its_mine_took_back_is_what_its_waybill_calls_it(chain: Desk, product: str, told: Any) -> None:
    made, sent = a_production(), a_dispatch(record="D-1")
    await judged(chain, made, sent)
    assert await told_of(chain, kept(product), made) == told
    assert await chain.misfits() == []


@pytest.mark.parametrize(
    ("product", "mass_kg", "told"),
    [("bastnaesite-concentrate", "18000.000", set()), ("cerium-oxide", "18000.000", set()),
     ("cerium-oxide", "19000.000", {DIFFERS, COUNTED})],
)  # fmt: skip
async def test_what_no_waybill_names_either_may_be_of_any_product(
    chain: Desk, product: str, mass_kg: str, told: Any
) -> None:
    made, sent = a_production(), a_dispatch(record="D-1")
    await judged(chain, made, sent)
    assert await told_of(chain, kept(product, mass_kg), made, sent) == told
    assert await chain.misfits() == []
