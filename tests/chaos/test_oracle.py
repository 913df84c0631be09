"""The second implementation by itself: small worlds whose end anybody can work out by hand."""

import ast
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chaos import country
from chaos.oracle import End, Message, judge
from chaos.oracle.facts import reo_g
from monazite_contracts import builders
from monazite_contracts.seal import seal_headers

MINE = "north-mine"
KEY = country.key_id(MINE, "gw-1")
ARRIVED_MS = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1000)
PURE = {"product": "bastnaesite-concentrate", "assay": builders.an_oxide_assay(treo_pct="100.0000")}


def a_message(events: Sequence[Any], sequence: int = 1, offset: int = 0, **changes: Any) -> Message:
    source = builders.a_source(MINE)
    value = builders.an_envelope(events, source=source, sequence=sequence, previous=changes.pop("previous", None))
    headers = tuple(seal_headers(value, KEY, builders.a_signing_key(changes.pop("signed_by", KEY))))
    known = Message("plant-production", 0, 1, offset, ARRIVED_MS + offset, f"{MINE}/gw-1".encode(), headers, value)
    return known._replace(**changes)


def a_lot(tonnes: int, record: str = "R-1", day: str = "2025-05-04") -> Any:
    period = {"start": f"{day}T00:00:00+08:00", "end": f"{day}T12:00:00+08:00"}
    mass = f"{tonnes}000.000"
    return builders.a_production(
        plant=MINE, record=record, net_mass_kg=mass, claimed_reo_kg=mass, period=period, **PURE
    )


def end_of(*messages: Message) -> End:
    return judge(messages, country.declared(late=False))


def drawn(end: End, holder: str = "huanan-north") -> int:
    _, drawn_g, _ = end.caps[holder, 2025, "mining_rock"]
    return int(drawn_g)


def test_the_second_implementation_imports_nothing_of_ours() -> None:
    for file in (Path(__file__).parent / "oracle").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.startswith("monazite")], file.name
            assert not isinstance(node, ast.ImportFrom) or not node.level, file.name
            assert not [n for n in names if n.startswith("chaos") and not n.startswith("chaos.oracle")], file.name


@pytest.mark.parametrize(
    ("net_kg", "assay", "grams"),
    [
        ("20000.000", {"basis": "dry", "moisture_pct": "8.0000", "treo_pct": "60.0000"}, 11_040_000),
        ("1.000", {"basis": "as_received", "treo_pct": "0.0500"}, 0),
        ("3.000", {"basis": "as_received", "treo_pct": "0.0500"}, 2),
        ("1.000", {"basis": "metal", "elements_pct": {"Nd": "75.0000", "Pr": "25.0000"}}, 1_177),
    ],
)
def test_reo_is_mass_times_assay_half_even(net_kg: str, assay: Any, grams: int) -> None:
    assert reo_g(net_kg, assay) == grams


def test_a_draw_counts_for_the_plants_enterprise_and_its_group() -> None:
    end = end_of(a_message([a_lot(5)]))
    assert drawn(end) == drawn(end, "huanan") == 5_000_000
    assert end.receipts[f"{MINE}/gw-1/production/{builders.a_source(MINE).incarnation}"][0] == 1


def test_the_same_value_twice_counts_once() -> None:
    end = end_of(a_message([a_lot(5)]), a_message([a_lot(5)], offset=1))
    assert drawn(end) == 5_000_000
    assert sorted(end.messages.values()) == ["applied", "duplicate"]


def test_of_two_values_at_one_sequence_the_earlier_stands() -> None:
    later, earlier = a_message([a_lot(5)], offset=1), a_message([a_lot(7, "R-2")])
    end = end_of(later, earlier)
    assert drawn(end) == 7_000_000
    assert "envelope-fork" in {rule for rule, _, _ in end.raised}


def test_what_is_not_rightly_sealed_moves_nothing() -> None:
    end = end_of(a_message([a_lot(5)], signed_by="a forger"))
    assert not end.draws
    assert ("seal-false", f"{MINE}/gw-1", "2026-01-05") in end.raised


def test_a_void_takes_a_draw_back_and_the_original_stays_as_first_stated() -> None:
    lot = a_lot(5)
    end = end_of(a_message([lot, builders.a_void(lot)]))
    assert end.caps["huanan-north", 2025, "mining_rock"] == (None, 0, 5_000_000)
    assert not end.lots


def test_an_amendment_that_arrives_before_its_target_is_the_same_in_the_end() -> None:
    lot = a_lot(5)
    correction = builders.a_correction(lot, {"net_mass_kg": "6000.000", "claimed_reo_kg": "6000.000"})
    amendment, statement = a_message([correction], sequence=2), a_message([lot], offset=1)
    assert drawn(end_of(amendment, statement)) == 6_000_000
    assert "amendment-without-target" in {rule for rule, _, _ in end_of(amendment).raised}


def test_an_overrun_that_a_batch_covers_stays_as_one_of_then() -> None:
    over = country.declared(late=False)["allocations"][0]["tonnes_reo"] + 1
    end = end_of(a_message([a_lot(over)]))
    rules = {rule for rule, subject, _ in end.raised if subject == "huanan/mining_rock"}
    assert {"cap-overrun", "cap-overrun-then", "cap-100"} <= rules


def test_a_missing_sequence_is_a_gap_and_no_receipt_passes_it() -> None:
    end = end_of(a_message([a_lot(5)], sequence=3))
    (source,) = end.receipts
    assert end.receipts[source] == (0, None, [(3, 3)])
    assert ("envelope-gap", "/".join(source.split("/")[:2])) in {(rule, subject) for rule, subject, _ in end.raised}


# --- custody

PLANT, BUYER = MINE, "huanan-works"


def a_dispatch_of(tonnes: int, record: str = "D-1") -> Any:
    line = {"lot": f"{PLANT}/R-1", "product": PURE["product"], "net_mass_kg": f"{tonnes}000.000"}
    return builders.a_dispatch(
        plant=PLANT, record=record, waybill="W-1", consignee={"kind": "plant", "plant": BUYER}, lines=[line],
        dispatched_at="2025-05-05T12:00:00+08:00",
    )  # fmt: skip


def a_receipt_of(tonnes: int, refused: int = 0) -> Message:
    masses = {"accepted_kg": f"{tonnes}000.000", "refused_kg": f"{refused}000.000"}
    event = builders.a_receipt_of_goods(
        plant=BUYER, waybill="W-1", consignor={"kind": "plant", "plant": PLANT},
        outcome="refused" if refused else "accepted", lines=[{"lot": f"{PLANT}/R-1", "reason": "other"} | masses],
        received_at="2025-05-06T12:00:00+08:00",
    )  # fmt: skip
    source, key = builders.a_source(BUYER, stream="shipments"), country.key_id(BUYER, "gw-1")
    value = builders.an_envelope([event], source=source)
    headers = tuple(seal_headers(value, key, builders.a_signing_key(key)))
    return Message("plant-shipments", 0, 1, 0, ARRIVED_MS, f"{BUYER}/gw-1".encode(), headers, value)


def about(end: End, *subjects: str) -> set[str]:
    rules = {rule for rule, subject, _ in end.raised if subject in subjects}
    return {rule for rule in rules if rule.startswith(("lot-", "shipment-", "origin-", "receipt-"))}


def test_what_is_dispatched_and_received_leaves_nothing_to_notice() -> None:
    end = end_of(a_message([a_lot(5), a_dispatch_of(4)]), a_receipt_of(4))
    assert end.shipments == {f"{PLANT}/W-1": (BUYER, "received", None)}
    assert end.holdings[f"{PLANT}/R-1", BUYER, "received"] == 4_000_000
    assert about(end, PLANT, BUYER) == set()
    assert end.flows[PLANT, "2025-05", PURE["product"], "dispatched", ""] == (1, 4_000_000, 0, 4_000_000)


@pytest.mark.parametrize(
    ("accepted", "refused", "state", "rule"),
    [(3, 0, "short", "shipment-short"), (5, 0, "over", "shipment-over"), (0, 4, "refused", "shipment-refused")],
)
def test_both_sides_of_a_waybill_are_held_against_each_other(
    accepted: int, refused: int, state: str, rule: str
) -> None:
    end = end_of(a_message([a_lot(5), a_dispatch_of(4)]), a_receipt_of(accepted, refused))
    assert end.shipments == {f"{PLANT}/W-1": (BUYER, state, None if refused else PLANT)}
    assert about(end, PLANT) == {rule}
    assert end.holdings[f"{PLANT}/R-1", PLANT, "returned"] == refused * 1_000_000


def test_what_was_never_received_is_overdue_and_what_was_never_sent_is_noticed() -> None:
    assert about(end_of(a_message([a_lot(5), a_dispatch_of(4)])), BUYER) == {"shipment-overdue"}
    assert about(end_of(a_receipt_of(4)), BUYER) == {"receipt-without-dispatch", "lot-unreported-elsewhere"}


def test_more_than_on_hand_and_a_lot_of_nobodys() -> None:
    assert "lot-overdrawn" in about(end_of(a_message([a_lot(3), a_dispatch_of(4)])), PLANT)
    assert {"lot-overdrawn", "lot-unreported"} == about(end_of(a_message([a_dispatch_of(4)])), PLANT)


def test_a_chain_is_as_lawful_as_what_went_into_it() -> None:
    made = builders.a_separation(plant=MINE, record="S-1", inputs=[builders.an_input(lot=f"{MINE}/R-1")])
    assert about(end_of(a_message([a_lot(50, day="2023-05-03"), made])), MINE) == set()
    assert "origin-unlawful" in about(end_of(a_message([made])), MINE)


NOON = "2025-05-05T12:00:00+08:00"
CONTENT = ("blend-", "split-", "lot-", "origin-", "ore-")


def noticed(end: End) -> set[str]:
    return {rule for rule, subject, _ in end.raised if subject == PLANT and rule.startswith(CONTENT)}


def a_split_of(whole: int, *parts: int) -> Any:
    masses = [{"lot": f"{PLANT}/C-{number}", "net_mass_kg": f"{mass}000.000"} for number, mass in enumerate(parts)]
    parent = {"lot": f"{PLANT}/R-1", "net_mass_kg": f"{whole}000.000"}
    return builders.a_split(plant=PLANT, record="S-1", parent=parent, children=masses, split_at=NOON)


def test_parts_of_a_lot_are_what_it_was() -> None:
    end = end_of(a_message([a_lot(10), a_split_of(4, 3, 1)]))
    assert noticed(end) == set()
    assert end.flows[PLANT, "2025-05", PURE["product"], "made", "split"] == (2, 4_000_000, 0, 4_000_000)
    assert end.holdings[f"{PLANT}/R-1", PLANT, "used"] == 4_000_000
    assert noticed(end_of(a_message([a_split_of(4, 3, 1)]))) == {"lot-overdrawn", "lot-unreported", "origin-unlawful"}


@pytest.mark.parametrize(("parts", "rest"), [((3,), 1_000_000), ((3, 2), -1_000_000)])
def test_parts_weigh_what_was_split(parts: tuple[int, ...], rest: int) -> None:
    end = end_of(a_message([a_lot(10), a_split_of(4, *parts)]))
    assert end.holdings[f"{PLANT}/R-1", PLANT, "left_over"] == rest
    assert noticed(end) == {"split-differs"}


@pytest.mark.parametrize(
    ("mass", "assay", "rules"),
    [("7", "100.0000", set()), ("8", "87.5000", {"blend-differs"}), ("7", "90.0000", {"blend-differs"})],
)
def test_a_blend_weighs_and_holds_what_went_into_it(mass: str, assay: str, rules: set[str]) -> None:
    parts = [{"lot": f"{PLANT}/R-{number}", "net_mass_kg": f"{mass}000.000"} for number, mass in ((1, 3), (2, 4))]
    blend = builders.a_blend(
        plant=PLANT, record="B-1", parents=parts, net_mass_kg=f"{mass}000.000", blended_at=NOON,
        assay=builders.an_oxide_assay(treo_pct=assay),
    )  # fmt: skip
    end = end_of(a_message([a_lot(5), a_lot(5, "R-2"), blend]))
    assert noticed(end) == rules
    assert drawn(end) == 10_000_000, "a blend makes nothing new"


def test_ore_that_is_taken_in_as_scrap_was_mined_somewhere() -> None:
    scrap = builders.a_scrap_intake(plant=PLANT, record="W-1", taken_in_at=NOON)
    ore = builders.a_scrap_intake(plant=PLANT, record="W-2", taken_in_at=NOON, product=PURE["product"])
    assert noticed(end_of(a_message([scrap]))) == set()
    assert noticed(end_of(a_message([ore]))) == {"ore-as-scrap", "origin-unlawful"}


OWING = {"duties": [{"enterprise": "beishan", "since": "2025-05-01", "until": "2025-07-01", "basis": "invented"}]}


def test_a_month_is_owed_until_it_is_declared() -> None:
    rules = {rule for rule, _, period in end_of().raised if period == "2025-05"}
    assert rules == set(), "nobody has said anything yet"
    end = judge([a_message([a_lot(5)])], country.declared(late=False) | OWING)
    assert ("declaration-missing", "beishan-works", "2025-05") in end.raised


def test_the_nations_report_sums_what_is_so_now() -> None:
    mined = [a_lot(5), a_lot(2, "R-2", "2025-06-03")]
    end = judge([a_message([*mined, a_dispatch_of(4)])], country.declared(late=False) | OWING)
    product = PURE["product"]
    assert [month for month in end.figures if isinstance(month, str)] == ["2025-05", "2025-06"], "nobody owes others"
    assert end.figures["2025-05", "flow", PLANT, product, "reo"] == (0, 0, 5_000_000, 0, 4_000_000, 0, 1_000_000)
    assert end.figures["2025-06", "flow", PLANT, product, "product"][0] == 1_000_000
    assert end.figures["2025-06", "output", PLANT, "mined", product] == (2_000_000, 2_000_000)
    assert end.figures["2025-06", "coverage", PLANT, product] == (2_000_000, 2_000_000)
    assert end.figures["2025-06", "cap", "huanan", "mining_rock"] == (300_000_000, 7_000_000, 2_000_000)
    assert end.figures["2025-06", "declaration", "beishan-works"] == ("missing", False)
