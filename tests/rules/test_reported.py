"""What is amended in a month that is closed: an alert of its own, which only a person closes."""

from datetime import UTC, datetime, timedelta

import pytest
from custody_talk import chain, judged, the_chain
from regulator_desk import MINE, Desk, Json, a_key, key_id_of, send
from rule_coverage import clears, fires

from monazite_consumers.reports.closing import close
from monazite_contracts.builders import a_correction, a_loss, a_production, a_void

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


async def test_a_late_statement_is_no_amendment(chain: Desk) -> None:
    await closed(chain, a_production())
    assert LATE not in await judged(chain, a_production(record="R-2"), at=JUNE + timedelta(days=1))


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
