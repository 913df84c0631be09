"""`monazite shipments`, as a person and as a program see it."""

import re
from datetime import UTC, datetime

import pytest
from custody_talk import SEPARATION, judged
from ore_separated import AT, chain
from regulator_desk import MINE, Desk, desk, open_desk
from typed_commands import monazite, read, shown

from monazite_consumers import queries
from monazite_contracts.builders import a_dispatch, a_receipt_of_goods, an_import

__all__ = ["chain", "desk", "open_desk"]


async def test_shipments_say_who_must_act_next_and_by_when(chain: Desk) -> None:
    said = await shown(chain, "shipments", "--open")
    assert re.search(r"2023-06-03 +shihe-separation: +20,000 +WB-\[bold\]2", said)
    assert "state the receipt" in said
    assert "shihe-mine > shihe-separation" in said
    assert "WB-20230504-001" not in said
    assert "WB-20230504-001" in await shown(chain, "shipments")
    assert "0 shipments" in await shown(chain, "shipments", "--enterprise", "ganzhou")
    assert "1 shipment," in await shown(chain, "shipments", "--open", "--enterprise", "baogang")
    found = await read(chain, "shipments", "--open", "--plant", SEPARATION)
    (waiting,) = found["shipments"]
    assert (waiting["actor"], waiting["task"], waiting["late_days"]) == (SEPARATION, "state the receipt", None)
    assert (found["format"], found["complete"]) == ("monazite/shipments/1", True)
    assert waiting["due_at"].startswith("2023-06-03T")


async def test_what_is_late_is_said_with_how_late_it_is(chain: Desk) -> None:
    await judged(chain, at=datetime(2023, 6, 10, tzinfo=UTC))
    said = await shown(chain, "shipments", "--open")
    assert "1 shipment, 1 late" in said
    assert re.search(r"\d d late", said)
    (waiting,) = (await read(chain, "shipments", "--open"))["shipments"]
    assert waiting["late_days"] > 0


async def test_shipments_say_what_was_sent_and_what_is_short_or_over_in_kilograms(chain: Desk) -> None:
    elsewhere = {"lot": f"{MINE}/R-9", "accepted_kg": "10.000", "refused_kg": "0.000", "reason": "other"}
    small = [{"lot": f"{MINE}/R-1", "product": "bastnaesite-concentrate", "net_mass_kg": "0.500"}]
    await judged(
        chain, a_dispatch(record="D-4", waybill="FW-10", lines=small),
        a_receipt_of_goods(record="D-5", waybill="FW-10", outcome="over", lines=[elsewhere]), at=AT,
    )  # fmt: skip
    said = await shown(chain, "shipments", "--waybill", "FW-10")
    assert re.search(r" 0\.5 +FW-10", said)
    assert re.search(r"0\.5 short", said)
    assert re.search(r"10 over", said)


async def test_a_receipt_before_its_dispatch_is_shown_with_both_days(chain: Desk) -> None:
    sent = a_dispatch(record="D-6", waybill="DYW-2")
    await judged(
        chain, sent, a_receipt_of_goods(record="D-7", waybill="DYW-2", received_at="2023-01-02T09:30:00+08:00"), at=AT
    )
    assert "received 2023-01-02, dispatched 2023-05-04" in " ".join((await shown(chain, "shipments")).split())
    (row,) = (await read(chain, "shipments", "--waybill", "DYW-2"))["shipments"]
    assert row["is_early"]


async def test_shipments_of_a_month_a_state_or_a_waybill(chain: Desk) -> None:
    assert "2 shipments" in await shown(chain, "shipments", "--month", "2023-05")
    assert "0 shipments" in await shown(chain, "shipments", "--month", "2023-06")
    assert "1 shipment," in await shown(chain, "shipments", "--state", "under-way")
    assert "1 shipment," in await shown(chain, "shipments", "--waybill", "WB-20230504-001")
    for option, wrong, said in (("--month", "2023-13", "such as 2023-05"), ("--state", "gone", "under-way")):
        ran = await monazite(chain, "shipments", option, wrong)
        assert ran.returncode == 2
        assert said in ran.stderr


async def test_what_is_late_is_counted_whatever_is_listed(chain: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await judged(chain, at=datetime(2023, 6, 10, tzinfo=UTC))
    monkeypatch.setattr(queries, "SHIPMENTS_MAX", 0)
    assert await queries.shipments(chain.connection, queries.Wanted()) == ([], 2, 1)


async def test_the_name_of_an_end_user_abroad_is_withheld(chain: Desk) -> None:
    abroad = {"kind": "named", "name": "Invented Magnet GmbH", "country": "DE"}
    for record, product in (("DY", "dysprosium-oxide"), ("LA", "lanthanum-oxide")):
        line = {"lot": f"{SEPARATION}/{record}", "product": product, "net_mass_kg": "1.000"}
        imported = an_import(plant=SEPARATION, record=record, product=product)
        sent = a_dispatch(plant=SEPARATION, record=f"X-{record}", waybill=f"X-{record}", consignee=abroad, lines=[line])
        await judged(chain, imported, sent, at=AT)
    for asked in (("shipments", "--waybill", "X-DY"), ("trace", f"{SEPARATION}/DY", "--down")):
        for said in (await shown(chain, *asked), f"{await read(chain, *asked)}"):
            assert "name withheld" in " ".join(said.split())
            assert "GmbH" not in said
    assert "GmbH" in await shown(chain, "shipments", "--waybill", "X-LA")


@pytest.mark.parametrize("option", ["--plant", "--enterprise"])
async def test_shipments_of_nobody_on_the_register_are_refused_with_the_nearest_name(chain: Desk, option: str) -> None:
    near = {"--plant": "shihe-separatoin", "--enterprise": "baogan"}[option]
    ran = await monazite(chain, "shipments", option, near)
    assert ran.returncode == 1
    assert f"no {option[2:]} {near} (did you mean" in ran.stderr
