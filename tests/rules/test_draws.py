"""What a statement draws: by activity and product, exactly, on its day in Asia/Shanghai; and which bases count."""

from datetime import date
from typing import Any

import pytest

from monazite_consumers.rules.draws import Draw, counts, draws_of
from monazite_consumers.rules.entries import Settings
from monazite_consumers.rules.weighing import weigh
from monazite_contracts.builders import (
    a_dispatch,
    a_production,
    a_scrap_intake,
    a_separation,
    an_input,
    an_oxide_assay,
)
from monazite_contracts.catalogue import CapKind
from monazite_contracts.envelope import canonical
from monazite_contracts.events import EVENT

DAY = date(2023, 5, 4)
PURE = an_oxide_assay(treo_pct="100.0000")


def drawn(event: Any) -> tuple[Draw, ...]:
    data = EVENT.validate_json(canonical(event)).data
    return draws_of(weigh(data))  # type: ignore[arg-type]


def of_pure(product: str, grams: int) -> Any:
    return an_input(product=product, assay=PURE, net_mass_kg=f"{grams // 1000}.{grams % 1000:03d}")


def separated(grams: int, *inputs: Any, **changes: Any) -> Any:
    mass = f"{grams // 1000}.{grams % 1000:03d}"
    return a_separation(net_mass_kg=mass, assay=PURE, inputs=list(inputs), **changes)


@pytest.mark.parametrize(
    ("product", "kind"),
    [
        ("bastnaesite-concentrate", CapKind.MINING_ROCK),
        ("mixed-concentrate", CapKind.MINING_ROCK),
        ("ionic-oxide-concentrate", CapKind.MINING_IONIC),
        ("ionic-carbonate-concentrate", CapKind.MINING_IONIC),
    ],
)
def test_a_mine_draws_on_the_cap_of_what_it_mines(product: str, kind: CapKind) -> None:
    assert drawn(a_production(product=product)) == (Draw(DAY, kind, "output", 11_040_000),)


def test_the_draw_is_ours_whatever_the_plant_claims() -> None:
    (draw,) = drawn(a_production(claimed_reo_kg="0.000"))
    assert draw.amount_g == 11_040_000


@pytest.mark.parametrize(
    ("net_mass_kg", "treo_pct", "reo_g"),
    # grams × ppm / 1,000,000 lands on a half: the even neighbour is taken
    [("0.005", "50.0000", 2), ("0.007", "50.0000", 4), ("0.009", "50.0000", 4), ("0.011", "50.0000", 6)],
)
def test_half_a_gram_is_rounded_to_even(net_mass_kg: str, treo_pct: str, reo_g: int) -> None:
    (draw,) = drawn(a_production(net_mass_kg=net_mass_kg, assay=an_oxide_assay(treo_pct=treo_pct)))
    assert draw.amount_g == reo_g


def test_separation_draws_its_output_and_its_feed_apart() -> None:
    assert set(drawn(separated(900, of_pure("bastnaesite-concentrate", 1_000)))) == {
        Draw(DAY, CapKind.SEPARATION, "output", 900),
        Draw(DAY, CapKind.SEPARATION, "feed", 1_000),
    }


def test_feed_that_was_separated_before_takes_its_share_of_the_output_half_even() -> None:
    inputs = (of_pure("bastnaesite-concentrate", 1_500), of_pure("lanthanum-oxide", 500))
    # a quarter of 902 g is 225.5: to even
    assert set(drawn(separated(902, *inputs))) == {
        Draw(DAY, CapKind.SEPARATION, "output", 676),
        Draw(DAY, CapKind.SEPARATION, "separated_again", 226),
        Draw(DAY, CapKind.SEPARATION, "feed", 1_500),
    }


def test_without_stated_feed_all_output_is_fresh() -> None:
    assert drawn(separated(900)) == (Draw(DAY, CapKind.SEPARATION, "output", 900),)


def test_recycled_feed_is_kept_apart_whoever_separates_or_recovers_it() -> None:
    recycled = (Draw(DAY, CapKind.SEPARATION, "recycled", 900),)
    assert drawn(separated(900, of_pure("bastnaesite-concentrate", 1_000), origin="recycled")) == recycled
    assert drawn(separated(900, activity="recovered", origin="recycled")) == recycled


@pytest.mark.parametrize("event", [a_scrap_intake(), a_dispatch()])
def test_only_production_draws(event: Any) -> None:
    assert drawn(event) == ()


def test_smelting_draws_nothing() -> None:
    metal = {"status": "final", "basis": "metal", "elements_pct": {"Nd": "75.0000"}}
    assert drawn(a_production(activity="smelted", product="ndpr-metal", assay=metal)) == ()


@pytest.mark.parametrize(
    ("start", "end", "day"),
    [
        ("2023-12-31T00:00:00+08:00", "2024-01-01T00:00:00+08:00", date(2023, 12, 31)),
        ("2023-12-30T16:00:00Z", "2023-12-31T16:00:00Z", date(2023, 12, 31)),
        ("2024-01-01T00:00:00+08:00", "2024-01-01T00:00:01+08:00", date(2024, 1, 1)),
        ("2023-12-31T16:00:00Z", "2024-01-01T16:00:00Z", date(2024, 1, 1)),
    ],
)
def test_the_year_is_that_of_the_last_instant_in_shanghai(start: str, end: str, day: date) -> None:
    (draw,) = drawn(a_production(period={"start": start, "end": end}))
    assert draw.day == day


@pytest.mark.parametrize(
    ("settings", "counted"),
    [
        ({}, {"output"}),
        ({"separation_counts": "feed"}, {"feed"}),
        ({"recycled_counts": True}, {"output", "recycled"}),
        ({"separated_again_counts": True}, {"output", "separated_again"}),
        (
            {"separation_counts": "feed", "recycled_counts": True, "separated_again_counts": True},
            {"feed", "recycled", "separated_again"},
        ),
    ],
)
def test_settings_say_which_bases_of_separation_count(settings: Any, counted: set[str]) -> None:
    bases = ("output", "feed", "recycled", "separated_again")
    assert {b for b in bases if counts(CapKind.SEPARATION, b, Settings.model_validate(settings))} == counted


def test_mining_counts_by_output_whatever_the_settings() -> None:
    settings = Settings(separation_counts="feed", recycled_counts=True, separated_again_counts=True)
    bases = ("output", "feed", "recycled", "separated_again")
    assert [b for b in bases if counts(CapKind.MINING_ROCK, b, settings)] == ["output"]
