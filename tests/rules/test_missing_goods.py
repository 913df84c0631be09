"""Goods that do not come are missing from when they began to be: whatever is corrected meanwhile puts nothing off."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from custody_talk import ACROSS, LOT, RECYCLER, SEPARATION, SOON, chain, say, told
from regulator_desk import MINE, Desk, Json

from monazite_contracts.builders import (
    a_change_of_destination,
    a_correction,
    a_dispatch,
    a_production,
    a_receipt_of_goods,
    a_void,
)

__all__ = ["chain"]

BEGUN = datetime(2023, 5, 7, 1, tzinfo=UTC)
DUE = datetime(2023, 6, 3, 4, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
OVERDUE, SHORT, STRAY = (
    ("shipment-overdue", SEPARATION),
    ("shipment-short", MINE),
    ("shipment-misdelivered", RECYCLER),
)


async def sent(desk: Desk) -> Json:
    dispatch = a_dispatch(record="D-1")
    await say(desk, a_production(), dispatch, at=BEGUN)
    return dispatch


def corrections(event: Json, *changes: Json) -> Iterator[Json]:
    """Each corrects what the one before it says."""
    for data in changes:
        stated = event["data"].get("replacement", event)
        event = a_correction(event, {})
        event["data"]["replacement"] = {"type": stated["type"], "data": stated["data"] | data}
        yield event


async def is_the_same_anew(desk: Desk) -> bool:
    return await desk.rebuild() == [] and await desk.misfits() == []


def a_line(accepted: int, refused: int = 0) -> Json:
    masses = {"accepted_kg": f"{accepted}.000", "refused_kg": f"{refused}.000"}
    return {"lines": [{"lot": LOT, "reason": "mass_differs", **masses}]}


async def test_a_dispatch_that_is_corrected_all_the_time_is_overdue_all_the_same(chain: Desk) -> None:
    uses = [{"end_use": use} for use in ("trade", "alloy", "magnet")]
    for number, correction in enumerate(corrections(await sent(chain), *uses)):
        await say(chain, correction, at=DUE + number * (SOON - MINUTE))
    assert OVERDUE not in await told(chain, DUE + SOON - MINUTE)
    assert OVERDUE in await told(chain, DUE + SOON)
    assert await is_the_same_anew(chain)


async def test_goods_that_left_were_under_way_when_that_was_first_stated(chain: Desk) -> None:
    later = [{"dispatched_at": f"2023-{month}-01T12:00:00+08:00"} for month in ("06", "07", "08")]
    for correction in corrections(await sent(chain), *later):
        at = datetime.fromisoformat(correction["data"]["replacement"]["data"]["dispatched_at"])
        await say(chain, correction, at=at)
    (row,) = await chain.connection.fetch("SELECT due_at FROM shipments")
    assert row["due_at"] == BEGUN + 90 * DAY
    assert await is_the_same_anew(chain)


async def test_whom_goods_were_sent_on_to_is_overdue_however_often_that_is_corrected(chain: Desk) -> None:
    sent_on = a_change_of_destination(record="D-3", consignee={"kind": "plant", "plant": RECYCLER})
    await sent(chain)
    await say(chain, sent_on, at=BEGUN)
    due_at = datetime(2023, 6, 4, tzinfo=UTC)
    for number, correction in enumerate(corrections(sent_on, {"reason": "a flood"}, {"reason": "another flood"})):
        await say(chain, correction, at=due_at + number * (SOON - MINUTE))
    assert ("shipment-overdue", RECYCLER) in await told(chain, due_at + SOON)
    assert await is_the_same_anew(chain)


async def test_a_redirect_of_what_was_never_sent_is_told_of_however_often_it_is_corrected(chain: Desk) -> None:
    sent_on = a_change_of_destination(record="D-3")
    await say(chain, sent_on, *corrections(sent_on, {"reason": "a flood"}), at=BEGUN)
    (again,) = corrections(next(corrections(sent_on, {"reason": "a flood"})), {"reason": "another flood"})
    await say(chain, again, at=BEGUN + SOON - MINUTE)
    assert ("redirect-without-dispatch", MINE) in await told(chain, BEGUN + SOON)


@pytest.mark.parametrize("accepted", [10_000, 0])
async def test_what_has_not_come_is_short_however_often_its_receipt_is_corrected(chain: Desk, accepted: int) -> None:
    await sent(chain)
    taken = a_receipt_of_goods(record="D-2", outcome="short", **a_line(accepted))
    await say(chain, taken, at=BEGUN)
    later = ({"received_at": f"2023-05-06T09:3{minute}:00+08:00"} for minute in (1, 2))
    for number, correction in enumerate(corrections(taken, *later), 1):
        await say(chain, correction, at=BEGUN + number * (ACROSS - MINUTE) / 2)
    assert SHORT not in await told(chain, BEGUN + ACROSS - MINUTE)
    assert SHORT in await told(chain, BEGUN + ACROSS)
    assert await is_the_same_anew(chain)


async def test_what_had_come_and_is_taken_back_is_short_from_then_on(chain: Desk) -> None:
    await sent(chain)
    taken = a_receipt_of_goods(record="D-2")
    await say(chain, taken, at=BEGUN)
    corrected = BEGUN + 9 * DAY
    await say(chain, *corrections(taken, {"outcome": "short"} | a_line(10_000)), at=corrected)
    assert SHORT not in await told(chain, corrected + ACROSS - MINUTE)
    assert SHORT in await told(chain, corrected + ACROSS)
    assert await is_the_same_anew(chain)


async def test_what_was_refused_was_answered(chain: Desk) -> None:
    await sent(chain)
    refusal = a_receipt_of_goods(record="D-2", outcome="refused", **a_line(0, 18_000))
    await say(chain, refusal, at=BEGUN)
    voided = DUE + 9 * DAY
    await say(chain, a_void(refusal), at=voided)
    assert OVERDUE not in await told(chain, voided + SOON - MINUTE)
    assert OVERDUE in await told(chain, voided + SOON)
    assert await is_the_same_anew(chain)


async def test_a_stranger_puts_nothing_off_by_correcting_what_it_took_in(chain: Desk) -> None:
    await sent(chain)
    taken = a_receipt_of_goods(record="D-2", plant=RECYCLER)
    await say(chain, taken, at=BEGUN)
    first, second = corrections(taken, *({"received_at": f"2023-05-06T09:3{minute}:00+08:00"} for minute in (1, 2)))
    await say(chain, first, at=BEGUN + ACROSS - MINUTE)
    assert STRAY in await told(chain, BEGUN + ACROSS)
    await say(chain, second, at=DUE + SOON - MINUTE)
    assert OVERDUE in await told(chain, DUE + SOON)
    assert await is_the_same_anew(chain)
