"""What plants of a country of their own say so that every rule about lots, shipments, licences and months fires."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from regulator_desk import Declared, Json, a_period, a_plant, an_enterprise

from monazite_consumers.rules.entries import Duty, Licence, Recovery
from monazite_contracts.builders import (
    a_blend,
    a_change_of_destination,
    a_correction,
    a_declaration,
    a_dispatch,
    a_loss,
    a_metal_assay,
    a_nil_declaration,
    a_production,
    a_receipt_of_goods,
    a_scrap_intake,
    a_separation,
    a_split,
    a_stocktake,
    an_import,
    an_input,
    an_opening_inventory,
    an_oxide_assay,
)

MINE, SEPARATION, RECYCLER = "held-mine", "held-separation", "held-recycler"
LOT, OXIDE = f"{MINE}/R-1", f"{SEPARATION}/DY-1"
CLOSED = "2023-03"
LONG_AGO = a_period(date(2023, 3, 10))
"""In a month whose record has been due for long when everything arrives."""

_PARTY = "Invented Magnet GmbH"


def the_holders() -> list[Declared]:
    """A mine and a separation plant that owe flow records since March, a recycler that is on no list."""
    licence: Json = {
        "products": ("dysprosium-oxide",), "destination": "DE", "end_user": _PARTY, "net_mass_kg": "1000.000",
        "since": date(2023, 1, 1), "until": date(2024, 1, 1),
    }  # fmt: skip
    single = {"number": "ONE", "enterprise": "held", "form": "single"}
    other = {"number": "OTHER", "enterprise": "scrap", "form": "general", "products": ("terbium-oxide",)}
    return [
        *an_enterprise("held"), *a_plant(MINE, "held"), *a_plant(SEPARATION, "held"),
        *an_enterprise("scrap", "-"), *a_plant(RECYCLER, "scrap"),
        ("duties", Duty(enterprise="held", since=date(2023, 3, 1), basis="R2")),
        *(("licences", Licence.model_validate(licence | known)) for known in (single, other)),
        *(
            ("recoveries", Recovery(step=step, low_pct="80.0000", high_pct="98.0000"))
            for step in ("separated", "smelted", "recovered")
        ),
    ]  # fmt: skip


def statements_of_holders() -> Iterator[Json]:
    """One after the other, each to be sent by itself."""
    yield a_production(plant=MINE, record="R-1")
    yield from _lots()
    yield from _waybills()
    yield from _exports()
    yield from _months()


def _lots() -> Iterator[Json]:
    yield a_loss(plant=MINE, record="L-1", lot=LOT, net_mass_kg="25000.000")
    yield a_loss(plant=MINE, record="L-2", lot=f"{MINE}/NOBODY")
    yield a_separation(plant=SEPARATION, record="S-1", inputs=[an_input(lot=f"{MINE}/GONE")])
    yield from _contradictions()


def _contradictions() -> Iterator[Json]:
    """W-4 was refused, W-1 came in the evening."""
    yield a_loss(plant=SEPARATION, record="L-3", lot=f"{MINE}/REFUSED")
    yield _sent("W-10", lines=[_sent_line("REFUSED")])
    yield _taken_in("W-10", outcome="refused", lines=[_line(0, 1_000, "REFUSED")])
    yield a_loss(plant=SEPARATION, record="L-4", lot=f"{MINE}/LATER", lost_at="2023-05-04T09:00:00+08:00")
    yield _sent("W-11", lines=[_sent_line("LATER")])
    yield _taken_in("W-11", lines=[_line(1_000, lot="LATER")])
    yield a_blend(plant=MINE, record="BLEND", parents=[{"lot": LOT, "net_mass_kg": "9000.000"}])
    part = {"lot": f"{MINE}/PART", "net_mass_kg": "900.000"}
    yield a_split(plant=MINE, record="SPLIT", parent={"lot": LOT, "net_mass_kg": "1000.000"}, children=[part])
    scrap = an_input(lot=LOT, product="magnet-scrap", net_mass_kg="1000.000")
    yield a_separation(plant=RECYCLER, record="LAUNDERED", activity="recovered", origin="recycled", inputs=[scrap])
    yield a_scrap_intake(plant=RECYCLER, record="ORE", product="bastnaesite-concentrate")


def _waybills() -> Iterator[Json]:
    yield _sent("W-1", expected_at="2023-05-04T13:00:00+08:00")
    for waybill, outcome, accepted, refused in (
        ("W-2", "short", 500, 0), ("W-3", "over", 1_500, 0), ("W-4", "refused", 0, 1_000),
    ):  # fmt: skip
        yield _sent(waybill)
        yield _taken_in(waybill, outcome=outcome, lines=[_line(accepted, refused)])
    yield _sent("W-5")
    yield _taken_in("W-5", plant=RECYCLER)
    yield _taken_in("W-6")
    consignee = {"kind": "plant", "plant": SEPARATION}
    yield a_change_of_destination(plant=MINE, record="W-7", waybill="W-7", consignee=consignee)
    yield _sent("W-8")
    yield _sent("W-8", record="W-8-again")
    yield _sent("W-12")
    yield _taken_in("W-12", received_at="2023-05-04T09:00:00+08:00")
    yield _sent("W-9", consignee={"kind": "plant", "plant": RECYCLER})


def _sent_line(name: str) -> Json:
    return {"lot": f"{MINE}/{name}", "product": "bastnaesite-concentrate", "net_mass_kg": "1000.000"}


def _line(accepted: int, refused: int = 0, lot: str = "R-1") -> Json:
    masses = {"accepted_kg": f"{accepted}.000", "refused_kg": f"{refused}.000"}
    return {"lot": f"{MINE}/{lot}"} | masses | ({"reason": "other"} if accepted != 1_000 else {})


def _sent(waybill: str, **changes: Any) -> Json:
    known: Json = {
        "plant": MINE, "record": waybill, "waybill": waybill, "consignee": {"kind": "plant", "plant": SEPARATION},
        "lines": [{"lot": LOT, "product": "bastnaesite-concentrate", "net_mass_kg": "1000.000"}],
    }  # fmt: skip
    return a_dispatch(**(known | changes))


def _taken_in(waybill: str, **changes: Any) -> Json:
    known: Json = {
        "plant": SEPARATION, "record": f"{waybill}-in", "waybill": waybill, "lines": [_line(1_000)],
        "consignor": {"kind": "plant", "plant": MINE}, "received_at": "2023-05-04T18:00:00+08:00",
    }  # fmt: skip
    return a_receipt_of_goods(**(known | changes))


def _exports() -> Iterator[Json]:
    yield an_import(plant=SEPARATION, record="I-1", lot=OXIDE)
    papers = {"declaration": "531620230000000001", "destination": "DE", "end_user": _PARTY}
    for record, export in (
        ("X-1", papers | {"licence": "ONE"}),
        ("X-2", papers | {"licence": "ONE", "declaration": "531620230000000002"}),
        ("X-3", papers | {"licence": "OTHER", "destination": "JP"}),
        ("X-4", papers | {"licence": "NONE"}),
        ("X-5", None),
    ):
        line = {"lot": OXIDE, "product": "dysprosium-oxide", "net_mass_kg": "600.000"}
        yield _sent(
            record, plant=SEPARATION, end_use="export", lines=[line],
            consignee={"kind": "named", "name": _PARTY, "country": "DE"}, **({"export": export} if export else {}),
        )  # fmt: skip


def _months() -> Iterator[Json]:
    """March of the mine is never declared, that of separation too late; its April is declared and was not so."""
    yield a_nil_declaration(plant=SEPARATION, record="M-3", month="2023-03")
    yield a_declaration(plant=SEPARATION, record="M-4", month="2023-04")
    yield a_stocktake(plant=SEPARATION, record="C-1", taken_at="2023-05-04T18:00:00+08:00")
    yield an_opening_inventory(plant=MINE, record="O-1", net_mass_kg="1.000", claimed_reo_kg="0.600")
    yield _claimed_too_low()
    for month in (1, 2):
        period = a_period(date(2023, month, 10))
        yield a_production(plant=MINE, record=f"B-{month + 1}", period=period, claimed_reo_kg="11000.000")
    pure, metal = an_oxide_assay(treo_pct="100.0000", oxides_pct={"Nd": "75.0000"}), a_metal_assay(Nd="100.0000")
    for activity, product, assay in (
        ("separated", "ndpr-oxide", pure), ("smelted", "neodymium-metal", metal), ("recovered", "ndpr-oxide", pure),
    ):  # fmt: skip
        yield a_separation(
            plant=SEPARATION, record=f"P-{activity.upper()}", activity=activity, product=product, assay=assay,
            inputs=[an_input(product="neodymium-oxide", net_mass_kg="1000.000", assay=pure)],
            origin="recycled" if activity == "recovered" else "domestic", period=LONG_AGO,
        )  # fmt: skip


def _claimed_too_low() -> Json:
    return a_production(plant=MINE, record="B-1", period=LONG_AGO, claimed_reo_kg="11000.000")


def amended_too_late() -> Json:
    """After the month's report."""
    return a_correction(_claimed_too_low(), {"claimed_reo_kg": "11001.000"})
