"""The simulator's own account agrees with what it sends, by another way of reckoning."""

from collections import Counter
from datetime import date
from random import Random
from typing import Any

import pytest
from pydantic import TypeAdapter

from monazite_contracts.assays import DryAssay, MetalAssay, reo_g
from monazite_contracts.opening import open_value
from monazite_producers.simulator import CapName
from monazite_producers.simulator.account import Account, ExpectedAlert
from monazite_producers.simulator.assaying import an_assay, mass_for, part_half_even, reo_grams
from monazite_producers.simulator.capwatch import CapHistory, Posting
from monazite_producers.simulator.register import Register
from monazite_producers.simulator.sites import drawn

DRY = {"status": "final", "basis": "dry", "moisture_pct": "8.0000", "treo_pct": "60.0000"}
OXIDE = {"status": "final", "basis": "as_received", "treo_pct": "99.5000"}
METAL = {"status": "final", "basis": "metal", "elements_pct": {"Nd": "75.0000", "Pr": "24.5000"}}
PRODUCTS = ("bastnaesite-concentrate", "ionic-carbonate-concentrate", "ndpr-oxide", "ndpr-metal", "ndfeb-magnet")


@pytest.mark.parametrize(
    ("mass", "assay", "grams"),
    [
        ("20000.000", DRY, 11_040_000),
        ("1.000", OXIDE, 995),
        ("0.100", OXIDE, 100),  # 99.5 g: half to even, upwards
        ("0.300", OXIDE, 298),  # 298.5 g: half to even, downwards
        ("1000.000", METAL, 1_170_809),
    ],
)
def test_reo_is_mass_times_assay_half_even_to_the_gram(mass: str, assay: dict[str, Any], grams: int) -> None:
    assert reo_grams(mass, assay) == grams


def test_the_simulators_arithmetic_and_the_contracts_agree() -> None:
    random = Random(71)  # noqa: S311 - repeatable, not secret
    adapter = TypeAdapter(DryAssay | MetalAssay)
    for _ in range(2_000):
        assay = an_assay(random.choice(("bastnaesite-concentrate", "ndfeb-magnet")), random)
        mass = f"{random.randrange(1, 9_999_999)}.{random.randrange(1000):03d}"
        assert reo_grams(mass, assay) == reo_g(mass, adapter.validate_python(assay))


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_mass_for_so_much_reo_holds_about_so_much(product: str) -> None:
    assay = an_assay(product, Random(1))  # noqa: S311 - same
    mass_g = mass_for(5_000_000, assay)
    assert abs(reo_grams(f"{mass_g // 1000}.{mass_g % 1000:03d}", assay) - 5_000_000) < 200


def test_a_part_is_rounded_half_to_even() -> None:
    assert [part_half_even(whole, 1, 2) for whole in (1, 2, 3, 5)] == [0, 1, 2, 2]


def a_statement(**changes: Any) -> dict[str, Any]:
    return {"activity": "separated", "product": "cerium-oxide", "origin": "domestic", "inputs": []} | changes


def an_input(product: str, kilograms: str) -> dict[str, Any]:
    return {"lot": "x/1", "product": product, "net_mass_kg": kilograms, "assay": OXIDE}


@pytest.mark.parametrize(
    ("statement", "kind", "grams"),
    [
        (a_statement(activity="mined", product="bastnaesite-concentrate"), "mining_rock", 1000),
        (a_statement(activity="mined", product="ionic-carbonate-concentrate"), "mining_ionic", 1000),
        (a_statement(), "separation", 1000),
        (a_statement(origin="imported"), "separation", 1000),
        (a_statement(origin="recycled"), None, 0),
        (a_statement(activity="recovered"), None, 0),
        (a_statement(activity="smelted"), None, 0),
        (a_statement(inputs=[an_input("mixed-carbonate", "1.000")]), "separation", 1000),
        (a_statement(inputs=[an_input("cerium-oxide", "1.000")]), "separation", 0),
        (a_statement(inputs=[an_input("cerium-oxide", "1.000"), an_input("nitrate", "3.000")]), "separation", 750),
    ],
)
def test_what_a_statement_draws(statement: dict[str, Any], kind: str | None, grams: int) -> None:
    assert drawn(statement, 1000) == (kind, grams)


def an_account() -> Account:
    register = Register(
        {
            "memberships": [{"member": "sub", "group": "top", "since": "2022-01-01"},
                            {"member": "top", "group": "later", "since": "2024-01-01"}],
            "operations": [{"plant": "works", "enterprise": "sub", "since": "2022-01-01"}],
            "allocations": [{"holder": "top", "year": 2023, "kind": "separation", "issued_on": date(2023, 3, 1),
                             "tonnes_reo": 1}],
        },
        2023,
    )  # fmt: skip
    return Account(register, 2023)


def test_a_draw_posts_to_the_enterprise_and_to_its_group_of_that_year() -> None:
    account = an_account()
    account.draw("works", "separation", Posting(date(2023, 5, 1), date(2023, 5, 1), 900_000))
    assert account.drawn_g == {
        CapName("sub", 2023, "separation"): 900_000,
        CapName("top", 2023, "separation"): 900_000,
    }
    assert [(a.rule, a.subject) for a in account.alerts] == [("cap-80", "top/separation")]


def judged(*postings: tuple[int, int, int, bool]) -> tuple[set[str], set[str]]:
    """Postings as (month known, month drawn, grams, corrects); 1 t was issued in March and 1 t in September."""
    history = CapHistory(2023)
    for known, of, grams, corrects in postings:
        history.post(Posting(date(2023, known, 1), date(2023, of, 1), grams, corrects))
    ever, held = history.judged([(date(2023, 3, 15), 1), (date(2023, 9, 15), 1)])
    return set(ever), set(held)


def test_a_lot_has_no_lawful_origin_if_one_lot_that_went_into_it_has_none() -> None:
    account = an_account()
    account.mined("works", "works/1")  # it stands on no list
    account.made_of("works", "works/3", ["works/2"])
    assert account.alerts == (ExpectedAlert("origin-unlawful", "works", "raised"),)
    for lot, parents in (("a/1", ["works/1", "works/2"]), ("b/1", ["a/1"]), ("c/1", ["works/2"])):
        account.made_of(lot.partition("/")[0], lot, parents)
    assert {alert.subject for alert in account.alerts} == {"works", "a", "b"}


OVER = {"cap-80", "cap-95", "cap-100", "cap-overrun", "cap-overrun-then"}


def test_what_is_drawn_before_the_first_issue_waits_for_it() -> None:
    assert judged((1, 1, 100, False)) == ({"cap-not-issued"}, set())


def test_an_overrun_recovers_when_a_batch_covers_it_and_is_remembered() -> None:
    assert judged((5, 5, 1_000_001, False)) == (OVER, {"cap-overrun-then"})


def test_an_overrun_that_no_batch_covers_stays() -> None:
    assert judged((5, 5, 2_000_001, False)) == (OVER, OVER)


def test_drawing_a_cap_in_full_is_no_overrun() -> None:
    assert judged((5, 5, 1_000_000, False)) == ({"cap-80", "cap-95", "cap-100"}, set())


def test_a_correction_that_clears_an_overrun_is_noticed() -> None:
    ever, held = judged((5, 5, 1_000_001, False), (6, 5, -500_000, True))
    assert ever == OVER | {"cap-cleared-by-correction"}
    assert held == {"cap-cleared-by-correction"}


def test_draws_that_arrive_late_count_on_their_own_day() -> None:
    ever, held = judged((10, 5, 1_000_001, False))
    assert "cap-overrun" not in ever  # by October the second batch was out
    assert held == {"cap-overrun-then"}


def test_messages_and_events_are_counted_as_they_were_sent(small: Any) -> None:
    account = small.account
    assert sum(account.messages.values()) == sum(account.received.values()) == len(small.messages)
    assert account.received == dict(sorted(Counter(message.topic for message in small.messages).items()))
    firsts = {message.value: message for message in small.messages if message.value is not None}
    carried = sum(len(open_value(value).events) for value in firsts)
    # Two forgeries share one value; the fork and they stand nowhere.
    assert sum(account.events.values()) == carried - 2


def test_duplicates_are_equal_values(small: Any) -> None:
    counted = Counter(message.value for message in small.messages if message.key != b"example-h-mine-1/gw-1")
    assert small.account.messages["duplicate"] == sum(count - 1 for count in counted.values())


def test_what_groups_draw_is_what_their_members_draw(small: Any) -> None:
    drawn_g = small.account.drawn_g
    groups = {m["group"] for m in small.registry["memberships"] if m["since"] <= "2023-01-01"}
    assert groups == {"northern", "creg", "guangdong", "xiamen"}
    members = {m["member"]: m["group"] for m in small.registry["memberships"] if m["since"] <= "2023-01-01"}
    for cap, grams in drawn_g.items():
        if cap.holder in groups:
            parts = [
                g for part, g in drawn_g.items() if members.get(part.holder) == cap.holder and part.kind == cap.kind
            ]
            assert grams == sum(parts)


def test_the_account_grows_with_the_days(play: Any) -> None:
    from monazite_producers.simulator import SimulationPlan, simulate

    plan = play().simulation.plan
    simulation = simulate(SimulationPlan(plan.allocations, events=2_000))
    assert simulation.account.drawn_g == {}
    for _ in range(60):
        next(simulation.days)
    part = simulation.account.drawn_g
    assert part[CapName("northern", 2023, "separation")] > 0
    assert (
        part[CapName("northern", 2023, "separation")] < play().account.drawn_g[CapName("northern", 2023, "separation")]
    )
