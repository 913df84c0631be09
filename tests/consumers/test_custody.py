"""Lots and shipments as custody judges them: what is on hand, where it comes from, who must act next."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from regulator_desk import (
    MINE,
    Declared,
    Desk,
    Json,
    a_plant,
    an_enterprise,
    send,
    the_registry,
)

from monazite_consumers.rules.registry import Licence
from monazite_contracts.builders import (
    a_blend,
    a_change_of_destination,
    a_correction,
    a_dispatch,
    a_loss,
    a_production,
    a_receipt_of_goods,
    a_separation,
    a_split,
    a_void,
    an_assay_finalised,
    an_import,
    an_input,
)

SEPARATION, RECYCLER = "shihe-separation", "ganzhou-recycler"
SETTLED = datetime(2023, 6, 20, tzinfo=UTC)
SOON, ACROSS = timedelta(minutes=15), timedelta(hours=48)


def the_chain(*more: Declared) -> list[Declared]:
    """A mine and a separation plant of listed enterprises, and a recycler that is on no list."""
    return the_registry(
        *an_enterprise("baogang"), *a_plant(SEPARATION, "baogang"), *an_enterprise("ganzhou", "-"),
        *a_plant(RECYCLER, "ganzhou"), *more,
    )  # fmt: skip


@pytest.fixture
async def chain(desk: Desk) -> Desk:
    await desk.declare(the_chain())
    return desk


async def judged(desk: Desk, *events: Json, at: datetime = SETTLED) -> dict[tuple[str, str, str], Json]:
    """The alerts after everything has been followed and judged at an instant."""
    for event in events:
        await desk.receive(send(event))
    await desk.watch(at)
    await desk.follow()
    assert await desk.rebuild() == []
    return await desk.alerts()


def of_custody(alerts: dict[tuple[str, str, str], Json]) -> set[tuple[str, str]]:
    return {(rule, subject) for rule, subject, _ in alerts if not rule.startswith(("cap-", "event-", "claimed"))}


async def on_hand(desk: Desk, lot: str, plant: str) -> int:
    rows = await desk.connection.fetch("SELECT kind, net_g FROM holdings WHERE lot = $1 AND plant = $2", lot, plant)
    signs = {"made": 1, "imported": 1, "received": 1, "returned": 1, "used": -1, "dispatched": -1, "lost": -1}
    return sum(signs.get(row["kind"], 0) * row["net_g"] for row in rows)


LOT = f"{MINE}/R-1"


async def test_a_lot_from_the_mine_to_separation_leaves_nothing_to_notice(chain: Desk) -> None:
    told = await judged(
        chain, a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"),
        a_separation(record="S-1", lot=f"{SEPARATION}/S-1", plant=SEPARATION),
    )  # fmt: skip
    assert of_custody(told) == set()
    assert await on_hand(chain, LOT, MINE) == 2_000_000
    assert await on_hand(chain, LOT, SEPARATION) == 0
    (row,) = await chain.connection.fetch("SELECT state, actor FROM shipments")
    assert tuple(row) == ("received", None)


@pytest.mark.parametrize("order", [1, -1])
async def test_whatever_arrives_first(chain: Desk, order: int) -> None:
    events = [a_production(), a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2")]
    for event in events[::order]:
        await judged(chain, event)
    assert of_custody(await chain.alerts()) == set()


async def test_more_than_on_hand_is_alerted_once_it_has_settled_and_clears_when_the_rest_is_stated(chain: Desk) -> None:
    line = {"lot": LOT, "product": "bastnaesite-concentrate", "net_mass_kg": "25000.000"}
    sent = a_dispatch(record="D-1", lines=[line])
    arrived = datetime(2023, 5, 4, 1, tzinfo=UTC)
    await chain.receive(send(a_production(), at=arrived))
    await chain.receive(send(sent, at=arrived))
    await chain.watch(arrived + SOON - timedelta(seconds=1))
    await chain.follow()
    assert ("lot-overdrawn", MINE) not in of_custody(await chain.alerts())
    await chain.watch(arrived + SOON)
    assert ("lot-overdrawn", MINE) in of_custody(await chain.alerts())
    evidence = await chain.evidence("lot-overdrawn")
    assert evidence["measure"] == 5_000_000
    assert evidence["examples"] == [{"lot": LOT, "in_g": 20_000_000, "out_g": 25_000_000}]
    told = await judged(chain, a_correction(sent, {"lines": [line | {"net_mass_kg": "20000.000"}]}))
    assert ("lot-overdrawn", MINE) not in of_custody(told)


async def test_a_lot_that_nobody_reported_breaks_the_chain_of_what_was_made_of_it(chain: Desk) -> None:
    made = a_separation(record="S-1", plant=SEPARATION, lot=f"{SEPARATION}/S-1", inputs=[an_input(lot=f"{MINE}/R-9")])
    told = of_custody(await judged(chain, made))
    assert {("lot-unreported-elsewhere", SEPARATION), ("origin-unlawful", SEPARATION)} <= told
    told = of_custody(await judged(chain, a_production(record="R-9")))
    assert not {rule for rule, _ in told} & {"lot-unreported-elsewhere", "origin-unlawful"}


async def test_a_plants_own_unreported_lot_settles_sooner(chain: Desk) -> None:
    arrived = datetime(2023, 5, 4, 5, tzinfo=UTC)
    await chain.receive(send(a_loss(), at=arrived))
    await chain.follow()
    await chain.watch(arrived + SOON)
    assert ("lot-unreported", MINE) in of_custody(await chain.alerts())


async def test_ore_of_a_mine_that_is_on_no_list_stays_unlawful_however_often_it_is_blended(desk: Desk) -> None:
    await desk.declare([*an_enterprise("wild", "-"), *a_plant(MINE, "wild")])
    told = await judged(desk, a_production(), a_production(record="R-2"), a_blend(record="B-1"))
    assert ("origin-unlawful", MINE) in of_custody(told)
    evidence = await desk.evidence("origin-unlawful")
    assert evidence["count"] == 3
    await desk.declare([*an_enterprise("wild"), *a_plant(MINE, "wild")])
    await desk.follow()
    assert ("origin-unlawful", MINE) not in of_custody(await desk.alerts())
    assert await desk.rebuild() == []


async def test_a_circle_of_lots_is_no_lawful_origin(chain: Desk) -> None:
    around = [
        a_blend(record=f"B-{n}", parents=[{"lot": f"{MINE}/B-{1 - n}", "net_mass_kg": "10000.000"}]) for n in range(2)
    ]
    told = await judged(chain, *around)
    assert ("origin-unlawful", MINE) in of_custody(told)
    rows = await chain.connection.fetch("SELECT broken FROM lot_states ORDER BY lot")
    assert [row["broken"] for row in rows] == ["circle", "circle"]


async def test_a_final_assay_changes_what_flowed_everywhere(chain: Desk) -> None:
    made = a_production()
    await judged(chain, made, a_dispatch(record="D-1"), a_receipt_of_goods(record="D-2"))
    before = await flows(chain)
    assert before[SEPARATION, "received"] == (18_000_000, 9_936_000)
    await judged(chain, an_assay_finalised(made))
    after = await flows(chain)
    assert after[SEPARATION, "received"] == (18_000_000, 9_853_200)
    assert after[MINE, "dispatched"] == after[SEPARATION, "received"]


async def flows(desk: Desk) -> dict[tuple[str, str], tuple[int, int]]:
    rows = await desk.connection.fetch("SELECT plant, kind, net_g, reo_g FROM flows WHERE moves <> 0")
    return {(row["plant"], row["kind"]): (row["net_g"], row["reo_g"]) for row in rows}


async def test_split_lots_are_what_their_parent_is(chain: Desk) -> None:
    await judged(chain, a_split(record="R-1S"), a_production())
    rows = await chain.connection.fetch("SELECT lot, product, reo_g, broken FROM lot_states ORDER BY lot")
    assert [tuple(row) for row in rows] == [
        (LOT, "bastnaesite-concentrate", 11_040_000, None),
        (f"{MINE}/R-1S-A", "bastnaesite-concentrate", 5_520_000, None),
        (f"{MINE}/R-1S-B", "bastnaesite-concentrate", 5_520_000, None),
    ]


def a_line(accepted: int, refused: int = 0) -> Json:
    reason = {} if (accepted, refused) == (18_000, 0) else {"reason": "other"}
    return {"lot": LOT, "accepted_kg": f"{accepted}.000", "refused_kg": f"{refused}.000"} | reason


@pytest.mark.parametrize(
    ("outcome", "line", "rule", "actor"),
    [
        ("short", a_line(17_000), "shipment-short", MINE),
        ("over", a_line(19_000), "shipment-over", MINE),
        ("refused", a_line(0, 18_000), "shipment-refused", MINE),
        ("partly_refused", a_line(10_000, 8_000), "shipment-refused", MINE),
    ],
)
async def test_both_sides_of_a_shipment_are_held_against_each_other(
    chain: Desk, outcome: str, line: Json, rule: str, actor: str
) -> None:
    found = a_receipt_of_goods(record="D-2", outcome=outcome, lines=[line])
    told = await judged(chain, a_production(), a_dispatch(record="D-1"), found)
    assert (rule, MINE) in of_custody(told)
    (row,) = await chain.connection.fetch("SELECT state, actor, due_at FROM shipments")
    assert row["state"] == outcome.replace("_", " ")
    assert row["actor"] == actor
    assert row["due_at"] is not None
    refused_g = int(line["refused_kg"].split(".", maxsplit=1)[0]) * 1_000
    assert await on_hand(chain, LOT, MINE) == 2_000_000 + refused_g
    told = await judged(chain, a_correction(found, {"outcome": "accepted", "lines": [a_line(18_000)]}))
    assert rule not in {each for each, _ in of_custody(told)}
    assert await on_hand(chain, LOT, MINE) == 2_000_000


async def test_nobody_can_give_a_plant_goods_back_that_it_never_sent(chain: Desk) -> None:
    refused = a_receipt_of_goods(record="D-2", outcome="refused", lines=[a_line(0, 18_000)])
    told = await judged(chain, a_production(), refused)
    assert ("receipt-without-dispatch", SEPARATION) in of_custody(told)
    assert await on_hand(chain, LOT, MINE) == 20_000_000


async def test_goods_that_do_not_arrive_are_overdue_at_the_consignee(chain: Desk) -> None:
    due_at = datetime(2023, 6, 3, 4, tzinfo=UTC)
    await judged(chain, a_production(), a_dispatch(record="D-1"), at=due_at)
    assert "shipment-overdue" not in {rule for rule, _ in of_custody(await chain.alerts())}
    await chain.watch(due_at + SOON)
    assert ("shipment-overdue", SEPARATION) in of_custody(await chain.alerts())
    (row,) = await chain.connection.fetch("SELECT state, actor, due_at FROM shipments")
    assert tuple(row) == ("under way", SEPARATION, due_at)
    told = await judged(chain, a_receipt_of_goods(record="D-2"), at=due_at + ACROSS)
    assert "shipment-overdue" not in {rule for rule, _ in of_custody(told)}


async def test_goods_may_go_elsewhere_but_their_consignor_says_so(chain: Desk) -> None:
    elsewhere = a_receipt_of_goods(record="D-2", plant=RECYCLER)
    told = of_custody(await judged(chain, a_production(), a_dispatch(record="D-1"), elsewhere))
    assert ("shipment-misdelivered", RECYCLER) in told
    redirected = a_change_of_destination(record="D-3", consignee={"kind": "plant", "plant": RECYCLER})
    told = of_custody(await judged(chain, redirected))
    assert "shipment-misdelivered" not in {rule for rule, _ in told}
    assert ("consignee-not-entitled", MINE) in told, "ore goes to listed enterprises only"


async def test_a_waybill_number_is_used_once(chain: Desk) -> None:
    second = a_dispatch(record="D-2")
    told = await judged(chain, a_production(), a_dispatch(record="D-1"), second)
    assert ("waybill-reused", MINE) in of_custody(told)
    told = await judged(chain, a_void(second))
    assert "waybill-reused" not in {rule for rule, _ in of_custody(told)}


OXIDE = f"{SEPARATION}/DY-1"
LICENCE: Json = {
    "number": "MOFCOM-1", "enterprise": "baogang", "form": "general", "products": ("dysprosium-oxide",),
    "destination": "DE", "end_user": "Invented Magnet GmbH", "net_mass_kg": "1000.000", "since": date(2023, 1, 1),
    "until": date(2024, 1, 1),
}  # fmt: skip


def an_export(record: str, mass: str = "600.000", **papers: Any) -> Json:
    known = {
        "declaration": "531620230000000001", "destination": "DE", "end_user": "Invented Magnet GmbH",
        "licence": "MOFCOM-1",
    }  # fmt: skip
    export = {name: value for name, value in (known | papers).items() if value is not None}
    return a_dispatch(
        plant=SEPARATION, record=record, waybill=f"WB-{record}", end_use="export", export=export,
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
async def test_an_export_is_held_against_its_licence(desk: Desk, papers: Json, licence: Json, rule: str | None) -> None:
    await desk.declare(the_chain(("licences", Licence.model_validate(LICENCE | licence))))
    told = await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), an_export("X-1", **papers))
    assert {each for each, _ in of_custody(told) if each.startswith(("export", "licence"))} == (
        {rule} if rule else set()
    )


async def test_a_licence_is_drawn_like_a_cap(desk: Desk) -> None:
    licence = Licence.model_validate(LICENCE)
    await desk.declare(the_chain(("licences", licence)))
    second = an_export("X-2")
    told = await judged(desk, an_import(plant=SEPARATION, lot=OXIDE, record="I-1"), an_export("X-1"), second)
    assert ("licence-overdrawn", "baogang") in of_custody(told)
    evidence = await desk.evidence("licence-overdrawn")
    assert evidence["examples"] == [
        {"licence": "MOFCOM-1", "granted_g": 1_000_000, "exported_g": 1_200_000, "shipments": 2}
    ]
    told = await judged(desk, a_void(second))
    assert "licence-overdrawn" not in {rule for rule, _ in of_custody(told)}
    await desk.declare(the_chain(("licences", licence.model_copy(update={"form": "single"}))))
    told = await judged(desk, an_export("X-3", "1.000"))
    assert ("licence-reused", "baogang") in of_custody(told)


async def test_goods_abroad_without_papers(chain: Desk) -> None:
    sent = an_export("X-1")
    del sent["data"]["export"]
    told = await judged(chain, sent)
    assert ("export-papers-missing", SEPARATION) in of_custody(told)
