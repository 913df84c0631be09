"""An absence settles from when it began: later dealings do not put it off, and what was taken back begins it anew."""

from datetime import UTC, datetime, timedelta

from custody_talk import ACROSS, LOT, SEPARATION, SOON, chain, say, told
from regulator_desk import MINE, Desk, Json

from monazite_contracts.builders import (
    a_correction,
    a_dispatch,
    a_loss,
    a_production,
    a_receipt_of_goods,
    a_separation,
    a_void,
    an_input,
)

__all__ = ["chain"]

BEGUN = datetime(2023, 6, 1, 1, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
NOBODYS = f"{MINE}/NOBODY"
MADE_OF_IT = [an_input(lot=NOBODYS)]


def a_weight(kilograms: int, number: int, lot: str = LOT) -> Json:
    return a_loss(record=f"L-{number}", lot=lot, net_mass_kg=f"{kilograms}.000")


async def test_dealings_with_a_lot_that_nobody_reported_do_not_put_off_that_it_is_told_of(chain: Desk) -> None:
    for number in range(3):
        at = BEGUN + number * 6 * MINUTE
        await say(chain, a_weight(1, number, NOBODYS), a_receipt(number), at=at)
        assert ("lot-unreported", MINE) not in await told(chain, at)
    assert ("lot-unreported", MINE) not in await told(chain, BEGUN + SOON - SECOND)
    assert ("lot-unreported", MINE) in await told(chain, BEGUN + SOON)
    await say(chain, a_weight(1, 9, NOBODYS), a_receipt(9), at=BEGUN + ACROSS - MINUTE)
    found = await told(chain, BEGUN + ACROSS)
    assert {("lot-unreported", MINE), ("lot-unreported-elsewhere", SEPARATION)} <= found
    assert await chain.rebuild() == []


def a_receipt(number: int) -> Json:
    lines = [{"lot": NOBODYS, "accepted_kg": "10.000", "refused_kg": "0.000"}]
    return a_receipt_of_goods(record=f"D-{number}", waybill=f"W-{number}", lines=lines)


async def test_a_lot_is_short_from_what_was_one_too_much_and_not_from_what_was_the_last(chain: Desk) -> None:
    await say(chain, a_production(), a_weight(15_000, 0), at=BEGUN)
    short = BEGUN + timedelta(hours=1)
    await say(chain, a_weight(15_000, 1), at=short)
    for number in range(2, 4):
        await say(chain, a_weight(1, number), at=short + number * 3 * MINUTE)
    assert ("lot-overdrawn", MINE) not in await told(chain, short + SOON - SECOND)
    assert ("lot-overdrawn", MINE) in await told(chain, short + SOON)
    assert await chain.rebuild() == []


async def test_a_making_that_is_voided_and_restated_accuses_nobody_meanwhile(chain: Desk) -> None:
    made = a_production()
    await say(chain, made, a_dispatch(record="D-1"), at=BEGUN)
    used = a_separation(record="S-1", plant=SEPARATION, period=JUNE)
    await say(chain, a_receipt_of_goods(record="D-2"), used, at=BEGUN)
    assert await told(chain, BEGUN + ACROSS) == set()
    voided = BEGUN + timedelta(days=9)
    await say(chain, a_void(made), at=voided)
    assert await told(chain, voided + SOON - SECOND) == set()
    assert await told(chain, voided + SOON) == {("lot-overdrawn", MINE), ("lot-unreported", MINE)}
    assert await told(chain, voided + ACROSS - SECOND) == {("lot-overdrawn", MINE), ("lot-unreported", MINE)}
    accused = {("lot-unreported-elsewhere", SEPARATION), ("origin-unlawful", SEPARATION)}
    assert accused <= await told(chain, voided + ACROSS)
    await say(chain, a_production(record="R-1-again", lot=LOT), at=voided + ACROSS)
    assert await told(chain, voided + ACROSS) == set()
    assert await chain.rebuild() == []
    assert await chain.misfits() == []


JUNE = {"start": "2023-05-31T00:00:00+08:00", "end": "2023-06-01T00:00:00+08:00"}


async def test_a_making_that_is_corrected_for_a_moment_to_less_than_was_used_settles_anew(chain: Desk) -> None:
    made = a_production()
    await say(chain, made, a_weight(15_000, 0), at=BEGUN)
    corrected = BEGUN + timedelta(days=1)
    less = a_correction(made, {"net_mass_kg": "2000.000", "claimed_reo_kg": "1104.000"})
    await say(chain, less, at=corrected)
    assert ("lot-overdrawn", MINE) not in await told(chain, corrected + SOON - SECOND)
    again = a_correction(less, {}, record="R-1.again")
    again["data"]["replacement"] = {"type": made["type"], "data": made["data"]}
    await say(chain, again, at=corrected + SOON)
    assert ("lot-overdrawn", MINE) not in await told(chain, corrected + ACROSS)
    assert await chain.rebuild() == []
    assert await chain.misfits() == []


async def test_an_alert_about_an_origin_stays_when_something_else_is_corrected(chain: Desk) -> None:
    made = a_separation(record="S-1", plant=SEPARATION, inputs=MADE_OF_IT)
    child = a_separation(
        record="S-2",
        plant=SEPARATION,
        inputs=[an_input(lot=f"{SEPARATION}/S-1", product="ndpr-oxide", net_mass_kg="1.000")],
    )
    await say(chain, made, child, at=BEGUN)
    assert ("origin-unlawful", SEPARATION) in await told(chain, BEGUN + ACROSS)
    assert (await chain.evidence("origin-unlawful"))["count"] == 2
    later = BEGUN + ACROSS + timedelta(days=1)
    await say(chain, a_correction(made, {"claimed_reo_kg": "1890.000"}), at=later)
    await say(chain, a_correction(child, {"claimed_reo_kg": "1890.000"}), at=later)
    assert ("origin-unlawful", SEPARATION) in await told(chain, later)
    assert (await chain.evidence("origin-unlawful"))["count"] == 2
    assert await chain.rebuild() == []


async def test_a_parent_that_loses_its_origin_settles_anew_for_all_that_was_made_of_it(chain: Desk) -> None:
    made = a_separation(record="S-1", plant=SEPARATION)
    child = a_separation(
        record="S-2",
        plant=SEPARATION,
        inputs=[an_input(lot=f"{SEPARATION}/S-1", product="ndpr-oxide", net_mass_kg="1.000")],
    )
    await say(chain, a_production(), made, child, at=BEGUN)
    assert ("origin-unlawful", SEPARATION) not in await told(chain, BEGUN + ACROSS)
    corrected = BEGUN + timedelta(days=9)
    await say(chain, a_correction(made, {"inputs": MADE_OF_IT}), at=corrected)
    assert ("origin-unlawful", SEPARATION) not in await told(chain, corrected + ACROSS - SECOND)
    assert ("origin-unlawful", SEPARATION) in await told(chain, corrected + ACROSS)
    assert (await chain.evidence("origin-unlawful"))["count"] == 2
    assert await chain.rebuild() == []


async def test_the_month_of_an_alert_stays_however_long_it_goes_on(chain: Desk) -> None:
    await say(chain, a_weight(1, 0, NOBODYS), at=BEGUN)
    later = a_loss(record="L-9", lot=NOBODYS, lost_at="2023-06-01T12:00:00+08:00")
    await say(chain, later, at=BEGUN + timedelta(hours=8))
    await told(chain, BEGUN + ACROSS)
    assert {period for rule, _, period in await chain.alerts() if rule == "lot-unreported"} == {"2023-05"}


WITHOUT = ("receipt-without-dispatch", SEPARATION)


async def test_a_dispatch_that_is_voided_and_restated_accuses_no_consignee_meanwhile(chain: Desk) -> None:
    sent = a_dispatch(record="D-1")
    await say(chain, a_production(), sent, a_receipt_of_goods(record="D-2"), at=BEGUN)
    voided = BEGUN + timedelta(days=9)
    await say(chain, a_void(sent), at=voided)
    assert WITHOUT not in await told(chain, voided + ACROSS - SECOND)
    assert WITHOUT in await told(chain, voided + ACROSS)
    await say(chain, a_dispatch(record="D-1-again"), at=voided + ACROSS)
    assert WITHOUT not in await told(chain, voided + ACROSS)
    assert await chain.rebuild() == []
    assert await chain.misfits() == []


async def test_a_receipt_that_nothing_was_sent_for_is_told_of_however_often_it_is_corrected(chain: Desk) -> None:
    taken = a_receipt_of_goods(record="D-2")
    await say(chain, a_production(), taken, at=BEGUN)
    await say(chain, a_correction(taken, {"received_at": "2023-05-06T09:31:00+08:00"}), at=BEGUN + ACROSS - MINUTE)
    assert WITHOUT in await told(chain, BEGUN + ACROSS)
    assert await chain.rebuild() == []


async def test_a_receipt_that_is_voided_and_restated_is_not_overdue_meanwhile(chain: Desk) -> None:
    taken = a_receipt_of_goods(record="D-2")
    await say(chain, a_production(), a_dispatch(record="D-1"), taken, at=BEGUN)
    voided = BEGUN + timedelta(days=9)
    await say(chain, a_void(taken), at=voided)
    assert ("shipment-overdue", SEPARATION) not in await told(chain, voided + SOON - SECOND)
    assert ("shipment-overdue", SEPARATION) in await told(chain, voided + SOON)
    assert await chain.rebuild() == []
    assert await chain.misfits() == []
