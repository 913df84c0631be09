"""What is amended or stated of a month that is closed: an alert of its own, which only a person closes."""

from datetime import UTC, datetime, timedelta

import pytest
from custody_talk import SEPARATION, chain, judged, the_chain
from regulator_desk import MINE, Desk, Json, a_key, key_id_of, send
from rule_coverage import clears, fires

from monazite_consumers.reports.closing import close
from monazite_contracts.builders import (
    a_correction,
    a_declaration,
    a_dispatch,
    a_loss,
    a_nil_declaration,
    a_production,
    a_receipt_of_goods,
    a_stocktake,
    a_void,
)

__all__ = ["chain"]

JUNE = datetime(2023, 6, 20, tzinfo=UTC)
LATE = ("amendment-after-report", MINE, "2023-05")


async def closed(desk: Desk, *events: Json) -> None:
    await judged(desk, *events, at=JUNE)
    await close(desk.connection, "2023-05")


@fires("amendment-after-report")
@pytest.mark.parametrize("amend", [a_void, lambda made: a_correction(made, {"net_mass_kg": "19000.000"})])
async def test_an_amendment_of_a_closed_month_is_told(chain: Desk, amend: object) -> None:
    made = a_production()
    await closed(chain, made, a_loss(record="L-1"))
    assert LATE not in await judged(chain, at=JUNE)
    told = await judged(chain, amend(made), at=JUNE + timedelta(days=1))  # type: ignore[operator]
    assert told[LATE]["evidence"]["measure"] == 1


async def test_what_was_amended_before_the_report_is_in_it(chain: Desk) -> None:
    made = a_production()
    await closed(chain, made, a_correction(made, {"net_mass_kg": "19000.000"}))
    assert LATE not in await judged(chain, at=JUNE + timedelta(days=1))


async def told_of(desk: Desk) -> tuple[int, int, int]:
    """Amendments and late statements, and how many of them are named."""
    (example,) = (await desk.evidence("amendment-after-report"))["examples"]
    return example["amendments"], example["late_statements"], len(example["newest"])


async def test_a_statement_of_a_closed_month_that_comes_late_is_told_and_its_void_unsays_nothing(chain: Desk) -> None:
    await closed(chain, a_production())
    late = a_production(record="R-2")
    assert LATE in await judged(chain, late, at=JUNE + timedelta(days=1))
    assert await told_of(chain) == (0, 1, 1)
    corrected = a_correction(late, {"net_mass_kg": "19000.000"})
    await judged(chain, corrected, a_loss(record="L-9", lot=f"{MINE}/R-2"), at=JUNE + timedelta(days=2))
    assert await told_of(chain) == (1, 1, 2)
    assert LATE in await judged(chain, a_void(corrected, record="V-1"), at=JUNE + timedelta(days=3))
    assert await chain.misfits() == []


async def test_a_statement_of_an_open_month_is_told_once_it_is_moved_into_a_closed_one(chain: Desk) -> None:
    await closed(chain, a_production())
    lost = a_loss(record="L-2", lost_at="2023-06-02T08:00:00+08:00")
    assert LATE not in await judged(chain, lost, at=JUNE + timedelta(days=1))
    assert LATE in await judged(
        chain, a_correction(lost, {"lost_at": "2023-05-31T08:00:00+08:00"}), at=JUNE + timedelta(days=2)
    )


async def test_a_count_of_a_closed_month_is_told(chain: Desk) -> None:
    await closed(chain, a_production())
    assert LATE in await judged(chain, a_stocktake(), at=JUNE + timedelta(days=1))


async def test_a_flow_record_that_is_late_is_told_as_late(chain: Desk) -> None:
    await closed(chain, a_production())
    assert LATE not in await judged(chain, a_nil_declaration(record="F-1"), at=JUNE + timedelta(days=1))


async def test_another_flow_record_beside_the_one_that_was_reported_is_told(chain: Desk) -> None:
    await closed(chain, a_nil_declaration(record="F-1"))
    assert LATE in await judged(chain, a_declaration(record="F-2"), at=JUNE + timedelta(days=1))


async def test_what_is_given_back_by_a_consignee_is_no_statement_of_the_consignor(chain: Desk) -> None:
    sent, line = a_dispatch(record="D-1"), {"lot": f"{MINE}/R-1", "accepted_kg": "0.000", "refused_kg": "18000.000"}
    await closed(chain, a_production(), sent)
    refused = a_receipt_of_goods(record="G-1", outcome="refused", lines=[line | {"reason": "damaged"}])
    told = await judged(chain, refused, at=JUNE + timedelta(days=1))
    assert {subject for rule, subject, _ in told if rule == LATE[0]} == {SEPARATION}


async def test_an_amendment_that_awaited_a_key_when_the_month_was_closed_is_told_once_it_applies(chain: Desk) -> None:
    made = a_production()
    new = a_key(MINE, number=2)
    amendment = send(a_void(made), key_id=key_id_of(MINE, number=2))
    await judged(chain, made, at=JUNE)
    await chain.receive(amendment)
    await chain.follow()
    assert "awaiting key-unknown" in await chain.outcomes()
    await close(chain.connection, "2023-05")
    assert LATE not in await judged(chain, at=JUNE)
    await chain.declare(the_chain(new))
    assert LATE in await judged(chain, at=JUNE + timedelta(days=1))


@clears("amendment-after-report")
async def test_only_what_nobody_sealed_unsays_it(chain: Desk) -> None:
    made = a_production()
    await closed(chain, made)
    corrected = a_correction(made, {"net_mass_kg": "19000.000"})
    assert LATE in await judged(chain, corrected, at=JUNE + timedelta(days=1))
    assert LATE in await judged(chain, a_void(corrected, record="V-1"), at=JUNE + timedelta(days=2)), "it was amended"
    await chain.declare([entry for entry in the_chain() if entry[0] != "gateway_keys"])
    await chain.follow()
    assert LATE not in await chain.alerts(), "no key vouches for what was said"
