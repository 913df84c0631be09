"""Exports: papers, licences, and what is left on them."""

from datetime import date
from typing import Any

import pytest
from custody_talk import RECYCLER, SEPARATION, chain, judged, of_custody, the_chain
from regulator_desk import Desk, Json, an_enterprise
from rule_coverage import clears, fires

from monazite_consumers.queries import licences
from monazite_consumers.rules.entries import Licence, Membership
from monazite_contracts.builders import (
    a_change_of_destination,
    a_correction,
    a_dispatch,
    a_receipt_of_goods,
    a_void,
    an_import,
)

__all__ = ["chain"]

OXIDE = f"{SEPARATION}/DY-1"
LICENCE: Json = {
    "number": "MOFCOM-1", "enterprise": "baogang", "form": "general", "products": ("dysprosium-oxide",),
    "destination": "DE", "end_user": "Invented Magnet GmbH", "net_mass_kg": "1000.000", "since": date(2023, 1, 1),
    "until": date(2024, 1, 1),
}  # fmt: skip


def an_export(record: str, mass: str = "600.000", plant: str = SEPARATION, waybill: str = "", **papers: Any) -> Json:
    known = {
        "declaration": "531620230000000001", "destination": "DE", "end_user": "Invented Magnet GmbH",
        "licence": "MOFCOM-1",
    }  # fmt: skip
    export = {name: value for name, value in (known | papers).items() if value is not None}
    return a_dispatch(
        plant=plant, record=record, waybill=waybill or f"WB-{record}", end_use="export", export=export,
        consignee={"kind": "named", "name": "Invented Magnet GmbH", "country": "DE"},
        lines=[{"lot": OXIDE, "product": "dysprosium-oxide", "net_mass_kg": mass}],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("papers", "licence", "rule"),
    [
        ({}, {}, None),
        ({"licence": None}, {}, "export-unlicensed"),
        ({"licence": "MOFCOM-2"}, {}, "export-unlicensed"),
        ({}, {"until": date(2023, 5, 1)}, "export-licence-invalid"),
        ({}, {"enterprise": "ganzhou"}, "export-licence-invalid"),
        ({}, {"products": ("terbium-oxide",)}, "export-out-of-scope"),
        ({"destination": "JP"}, {}, "export-other-party"),
        ({"end_user": "Somebody Else"}, {}, "export-other-party"),
    ],
)
@fires("export-unlicensed", "export-licence-invalid", "export-out-of-scope", "export-other-party")
async def test_an_export_is_held_against_its_licence(desk: Desk, papers: Json, licence: Json, rule: str | None) -> None:
    await desk.declare(the_chain(("licences", Licence.model_validate(LICENCE | licence))))
    told = await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), an_export("X-1", **papers))
    assert {each for each, _ in of_custody(told) if each.startswith(("export", "licence"))} == (
        {rule} if rule else set()
    )


@clears("export-unlicensed", "export-licence-invalid", "export-out-of-scope", "export-other-party")
async def test_whatever_is_wrong_with_an_export_clears_when_it_is_corrected(desk: Desk) -> None:
    other = LICENCE | {"number": "MOFCOM-2", "enterprise": "ganzhou", "products": ("terbium-oxide",), "until": None}
    await desk.declare(the_chain(*(("licences", Licence.model_validate(known)) for known in (LICENCE, other))))
    wrong = an_export("X-1", licence="MOFCOM-2", destination="JP")
    unknown = an_export("X-2", licence=None, mass="1.000")
    told = await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), wrong, unknown)
    rules = {"export-unlicensed", "export-licence-invalid", "export-out-of-scope", "export-other-party"}
    assert rules <= {rule for rule, _ in of_custody(told)}
    right = an_export("X-1")["data"]["export"]
    told = await judged(desk, a_correction(wrong, {"export": right}), a_correction(unknown, {"export": right}))
    assert not rules & {rule for rule, _ in of_custody(told)}


async def test_no_alert_names_an_end_user_abroad_nor_does_any_message_that_tells_of_it(desk: Desk) -> None:
    await desk.declare(the_chain(("licences", Licence.model_validate(LICENCE))))
    back = a_receipt_of_goods(
        record="D-9", plant=SEPARATION, waybill="WB-BACK",
        consignor={"kind": "named", "name": "Invented Magnet GmbH", "country": "DE"},
        lines=[{"lot": f"{SEPARATION}/DY-2", "accepted_kg": "1.000", "refused_kg": "0.000"}],
    )  # fmt: skip
    wrong, copied = an_export("X-1", end_user="Hidden Magnet KK"), an_export("X-2", waybill="WB-X-1")
    told = await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), wrong, copied, back)
    assert {"export-other-party", "waybill-reused", "receipt-without-dispatch"} <= {
        rule for rule, _ in of_custody(told)
    }
    (example,) = (await desk.evidence("export-other-party"))["examples"]
    assert example == {
        "shipment": f"{SEPARATION}/WB-X-1", "licence": "MOFCOM-1", "declaration": "531620230000000001",
        "destination": "DE", "licensed_destination": "DE", "end_user_differs": True, "consignee": "@DE (name withheld)",
    }  # fmt: skip
    (example,) = (await desk.evidence("receipt-without-dispatch"))["examples"]
    assert example["shipment"] == "@DE (name withheld)→WB-BACK"
    assert example["consignor"] == "@DE (name withheld)"
    rows = await desk.connection.fetch("SELECT evidence::text AS said FROM alerts")
    rows += await desk.connection.fetch("SELECT convert_from(value, 'UTF8') AS said FROM outbox WHERE topic ~ 'alerts'")
    assert not [row["said"] for row in rows if "Magnet" in row["said"]]


@fires("licence-overdrawn", "licence-reused")
@clears("licence-overdrawn", "licence-reused")
async def test_a_licence_is_drawn_like_a_cap(desk: Desk) -> None:
    licence = Licence.model_validate(LICENCE)
    await desk.declare(the_chain(("licences", licence)))
    second = an_export("X-2")
    told = await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), an_export("X-1"), second)
    assert ("licence-overdrawn", "baogang") in of_custody(told)
    evidence = await desk.evidence("licence-overdrawn")
    (example,) = evidence["examples"]
    latest = example.pop("latest")
    assert example == {
        "licence": "MOFCOM-1", "granted_g": 1_000_000, "exported_g": 1_200_000, "declarations": 1, "draws": 2,
    }  # fmt: skip
    assert [(draw["plant"], draw["waybill"], draw["net_g"]) for draw in latest] == [
        (SEPARATION, "WB-X-2", 600_000), (SEPARATION, "WB-X-1", 600_000),
    ]  # fmt: skip
    told = await judged(desk, a_void(second))
    assert "licence-overdrawn" not in {rule for rule, _ in of_custody(told)}
    await desk.declare(the_chain(("licences", licence.model_copy(update={"form": "single"}))))
    told = await judged(desk, third := an_export("X-3", "1.000", declaration="531620230000000003"))
    assert ("licence-reused", "baogang") in of_custody(told)
    told = await judged(desk, a_void(third))
    assert ("licence-reused", "baogang") not in of_custody(told)


def a_recyclers_export(record: str) -> Json:
    return an_export(record, plant=RECYCLER, declaration="531620230000000009")


async def test_nobody_draws_on_a_licence_of_somebody_elses(desk: Desk) -> None:
    await desk.declare(the_chain(("licences", Licence.model_validate(LICENCE | {"form": "single"}))))
    framing = a_recyclers_export("X-9")
    told = await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), an_export("X-1"), framing)
    assert not {rule for rule, _ in of_custody(told) if rule.startswith("licence")}
    assert {plant for rule, plant in of_custody(told) if rule.startswith("export")} == {RECYCLER}
    (example,) = (await desk.evidence("export-licence-invalid"))["examples"]
    assert example["reason"] == f"it is a licence of baogang, who does not answer for {RECYCLER}"
    (listed,) = await licences(desk.connection)
    assert (listed["left_g"], [draw["plant"] for draw in listed["draws"]]) == (400_000, [SEPARATION])


async def test_a_licence_that_a_group_holds_is_drawn_by_its_members_for_as_long_as_they_are(desk: Desk) -> None:
    held_by_the_group = ("licences", Licence.model_validate(LICENCE | {"enterprise": "whole-group"}))
    group = [*an_enterprise("whole-group", "-"), held_by_the_group]
    joined = Membership(member="ganzhou", group="whole-group", since=date(2023, 1, 1))
    await desk.declare(the_chain(*group, ("memberships", joined)))
    told = await judged(desk, a_recyclers_export("X-9"), a_recyclers_export("X-10"))
    assert ("licence-overdrawn", "whole-group") in of_custody(told)
    left = joined.model_copy(update={"until": date(2023, 2, 1)})
    await desk.declare(the_chain(*group, ("memberships", left)))
    told = await judged(desk)
    assert ("licence-overdrawn", "whole-group") not in of_custody(told)
    assert ("export-licence-invalid", RECYCLER) in of_custody(told)


@fires("export-papers-missing")
@clears("export-papers-missing")
async def test_goods_abroad_without_papers(chain: Desk) -> None:
    sent = an_export("X-1")
    del sent["data"]["export"]
    told = await judged(chain, sent)
    assert ("export-papers-missing", SEPARATION) in of_custody(told)
    told = await judged(chain, a_correction(sent, {"export": an_export("X-1")["data"]["export"]}))
    assert ("export-papers-missing", SEPARATION) not in of_custody(told)


@pytest.mark.parametrize(("country", "is_told"), [("KP", True), ("DE", False), ("CN", False)])
async def test_goods_that_are_sent_on_to_another_country_have_no_licence_for_it(
    desk: Desk, country: str, *, is_told: bool
) -> None:
    await desk.declare(the_chain(("licences", Licence.model_validate(LICENCE))))
    elsewhere = {"kind": "named", "name": "Invented Trader", "country": country}
    redirected = a_change_of_destination(
        plant=SEPARATION, record="R-1", waybill="WB-X-1", consignee=elsewhere, changed_at="2023-05-20T08:00:00+08:00"
    )
    imported = an_import(plant=SEPARATION, lot=OXIDE, record="I-1")
    told = await judged(desk, imported, an_export("X-1"))
    assert "export-other-party" not in {rule for rule, _ in of_custody(told)}
    told = await judged(desk, redirected)
    assert (("export-other-party", SEPARATION) in of_custody(told)) is is_told


async def test_goods_that_a_licence_does_not_cover_draw_nothing_from_it(desk: Desk) -> None:
    licence = Licence.model_validate(LICENCE | {"form": "single"})
    await desk.declare(the_chain(("licences", licence)))
    mixed = an_export("X-1")
    lanthanum = {"lot": f"{SEPARATION}/LA-1", "product": "lanthanum-oxide", "net_mass_kg": "5000.000"}
    mixed["data"]["lines"].append(lanthanum)
    again = an_export("X-2", "400.000")
    told = of_custody(await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), mixed, again))
    assert not {rule for rule, _ in told if rule.startswith("licence")}, "two trucks under one customs declaration"
    told = of_custody(await judged(desk, an_export("X-3", "0.001")))
    assert ("licence-overdrawn", "baogang") in told, "exactly what it allows was on it before"


async def test_what_is_left_on_each_licence_is_told(desk: Desk) -> None:
    other = LICENCE | {"number": "MOFCOM-2", "until": date(2023, 2, 1)}
    await desk.declare(the_chain(*(("licences", Licence.model_validate(known)) for known in (LICENCE, other))))
    await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), an_export("X-1"))
    told = {row["licence"]: row for row in await licences(desk.connection)}
    assert [told["MOFCOM-1"][name] for name in ("granted_g", "exported_g", "left_g")] == [1_000_000, 600_000, 400_000]
    assert told["MOFCOM-2"]["left_g"] == 1_000_000
    assert not told["MOFCOM-2"]["in_date"]
    assert told["MOFCOM-2"]["last_day"] == date(2023, 1, 31)
    assert "end_user" not in told["MOFCOM-1"]


async def test_a_licence_that_leaves_the_registry_takes_its_findings_with_it(desk: Desk) -> None:
    await desk.declare(the_chain(("licences", Licence.model_validate(LICENCE))))
    told = await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), an_export("X-1"), an_export("X-2"))
    assert ("licence-overdrawn", "baogang") in of_custody(told)
    await desk.declare(the_chain())
    await desk.follow()
    told_after = of_custody(await desk.alerts())
    assert ("licence-overdrawn", "baogang") not in told_after
    assert ("export-unlicensed", SEPARATION) in told_after
    assert await desk.misfits() == []
    assert await desk.rebuild() == []
