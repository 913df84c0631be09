"""Goods that come back from a customer outside the register, which states nothing itself."""

from custody_talk import LOT, chain, judged, of_custody, on_hand
from regulator_desk import MINE, Desk, Json

from monazite_consumers.tracing.stays import stays
from monazite_contracts.builders import (
    a_change_of_destination,
    a_correction,
    a_dispatch,
    a_production,
    a_receipt_of_goods,
    a_void,
)

__all__ = ["chain"]

CUSTOMER = {"kind": "named", "name": "A. Magnet Works", "country": "CN"}
ANOTHER = {"kind": "named", "name": "Another", "country": "CN"}
UNSENT = ("receipt-without-dispatch", MINE)


def sold(**changes: Json) -> Json:
    return a_dispatch(**({"record": "D-1", "consignee": CUSTOMER} | changes))


def taken_back(kilograms: int, record: str = "B-1", **changes: Json) -> Json:
    lines = [{"lot": LOT, "accepted_kg": f"{kilograms}.000", "refused_kg": "0.000"}]
    back: Json = {"record": record, "plant": MINE, "waybill": record, "consignor": CUSTOMER, "lines": lines}
    return a_receipt_of_goods(**(back | changes))


async def states(desk: Desk) -> dict[str, tuple[str, str | None]]:
    rows = await desk.connection.fetch("SELECT waybill, state, actor FROM shipments WHERE starts_with(consignor, '@')")
    return {row["waybill"]: (row["state"], row["actor"]) for row in rows}


async def test_goods_that_come_back_from_whom_they_were_sold_to_are_received_and_nobody_owes_anything(
    chain: Desk,
) -> None:
    told = of_custody(await judged(chain, a_production(), taken_back(18_000)))
    assert UNSENT in told, "nothing was ever sent there"
    told = of_custody(await judged(chain, sold()))
    assert UNSENT not in told
    assert await states(chain) == {"B-1": ("received", None)}
    assert await on_hand(chain, LOT, MINE) == 20_000_000
    assert await chain.misfits() == []
    assert [(stay.how, stay.net_g) for stay in (await stays(chain.connection, [LOT]))[LOT]] == [("on hand", 20_000_000)]


async def test_no_more_comes_back_than_was_sold(chain: Desk) -> None:
    first, second = taken_back(10_000), taken_back(10_000, "B-2", received_at="2023-05-07T09:30:00+08:00")
    told = of_custody(await judged(chain, a_production(), sold(), second))
    assert UNSENT not in told
    told = of_custody(await judged(chain, first))
    assert UNSENT in told
    assert await states(chain) == {"B-1": ("received", None), "B-2": ("not dispatched", MINE)}
    lines = [{"lot": LOT, "accepted_kg": "8000.000", "refused_kg": "0.000"}]
    assert UNSENT not in of_custody(await judged(chain, a_correction(first, {"lines": lines})))


async def test_what_comes_back_comes_from_whoever_was_named_last(chain: Desk) -> None:
    sale = sold(consignee=ANOTHER)
    told = of_custody(await judged(chain, a_production(), sale, taken_back(18_000)))
    assert UNSENT in told
    redirected = a_change_of_destination(record="D-3", consignee=CUSTOMER)
    assert UNSENT not in of_custody(await judged(chain, redirected))
    assert UNSENT in of_custody(await judged(chain, a_void(redirected)))
    assert UNSENT not in of_custody(await judged(chain, sold(record="D-4", waybill="W-4")))


async def test_what_was_not_sold_by_then_cannot_have_come_back(chain: Desk) -> None:
    early = taken_back(18_000, received_at="2023-05-04T10:00:00+08:00")
    assert UNSENT in of_custody(await judged(chain, a_production(), sold(), early))
