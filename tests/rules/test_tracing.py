"""What share of a lot came from where, or went where: to the last unit, whatever the chain looks like."""

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from monazite_consumers.rules.custody import LotState
from monazite_consumers.rules.sharing import WHOLE, apportion
from monazite_consumers.rules.tracing import Passes, Traced, broken_here, came_from, in_circles, place, share

UNITS_LOST_A_LEVEL = 100
"""More than rounding costs here: far less than a gram in a thousand tonnes."""


def shares(lot: str, passes: Passes, rests: dict[str, int] | None = None) -> tuple[Traced, ...]:
    return share(place(lot, passes), passes, rests)


def units(traced: tuple[Traced, ...]) -> dict[str, int | None]:
    return {each.lot: each.units for each in traced}


def ends(traced: tuple[Traced, ...]) -> dict[str, int]:
    return {each.lot: each.ends for each in traced if each.ends}


@some.composite
def chains(draw: some.DrawFn, *, circles: bool = False) -> Passes:
    """Lots `0` to at most `11`, each leading to some others: later ones only, unless there may be circles."""
    lots = draw(some.integers(1, 12))
    grams = some.integers(1, 10**12)
    found = {}
    for lot in range(lots):
        further = [f"{n}" for n in range(0 if circles else lot + 1, lots)]
        if further:
            found[f"{lot}"] = draw(some.dictionaries(some.sampled_from(further), grams, max_size=5))
    return {lot: ahead for lot, ahead in found.items() if ahead}


masses = some.dictionaries(some.text(), some.integers(0, 10**15)).filter(lambda found: any(found.values()))


@given(some.integers(0, WHOLE), masses)
def test_what_is_apportioned_adds_up_and_nobody_is_off_by_a_unit(number: int, masses: dict[str, int]) -> None:
    found = apportion(number, masses)
    assert sum(found.values()) == number
    assert all(abs(found[name] - Fraction(number * mass, sum(masses.values()))) < 1 for name, mass in masses.items())


@given(some.integers(0, WHOLE), masses, some.integers(0, 10**15))
def test_what_is_passed_on_to_nothing_is_missing_to_all_by_mass(number: int, masses: dict[str, int], rest: int) -> None:
    found = apportion(number, masses, rest)
    total = sum(masses.values()) + rest
    assert all(abs(found[name] - Fraction(number * mass, total)) < 1 for name, mass in masses.items())
    assert abs(number - sum(found.values()) - Fraction(number * rest, total)) < 1


def test_what_somebody_has_hangs_on_names_and_not_on_the_order_in_which_they_were_read() -> None:
    assert apportion(10, {"c": 1, "b": 1, "a": 1}) == {"a": 3, "b": 4, "c": 3}
    assert apportion(10, {"a": 1, "b": 1, "c": 1}) == {"a": 3, "b": 4, "c": 3}
    assert apportion(10, {"a": 2, "b": 1}) == {"a": 7, "b": 3}
    assert apportion(4, {"a": 0, "b": 1, "c": 4}, 5) == {"a": 0, "b": 0, "c": 2}


@given(
    chains(circles=True), some.dictionaries(some.sampled_from([f"{n}" for n in range(12)]), some.integers(0, 10**12))
)
def test_what_ends_somewhere_adds_to_exactly_the_whole(passes: Passes, rests: dict[str, int]) -> None:
    for traced in (shares("0", passes), shares("0", passes, rests)):
        assert sum(each.ends for each in traced) == WHOLE
        assert traced[0].lot == "0"
        assert traced[0].units == WHOLE
        assert len({each.lot for each in traced}) == len(traced)


@given(chains())
def test_shares_are_those_of_exact_arithmetic_but_for_the_last_units(passes: Passes) -> None:
    exact: dict[str, Fraction] = defaultdict(Fraction, {"0": Fraction(1)})
    for lot in sorted(passes, key=int):
        for further, net_g in passes[lot].items():
            exact[further] += exact[lot] * Fraction(net_g, sum(passes[lot].values()))
    for each in shares("0", passes):
        assert each.units is not None
        assert abs(each.units - exact[each.lot] * WHOLE) < UNITS_LOST_A_LEVEL


@given(chains(circles=True))
def test_every_lot_comes_once_and_after_whatever_leads_to_it(passes: Passes) -> None:
    traced = shares("0", passes)
    levels = {each.lot: each.level for each in traced}
    circles = {each.lot for each in traced if each.circle}
    reached, waiting = {"0"}, ["0"]
    while waiting:
        fresh = set(passes.get(waiting.pop(), ())) - reached
        reached |= fresh
        waiting += fresh
    assert levels.keys() == reached
    for lot in reached:
        for further in passes.get(lot, ()):
            assert levels[further] > levels[lot] or {lot, further} <= circles


@given(chains(circles=True))
def test_lots_in_circles_are_those_that_lead_back_to_themselves(passes: Passes) -> None:
    def leads_back(lot: str) -> bool:
        seen: set[str] = set()
        waiting = list(passes.get(lot, ()))
        while waiting:
            if (at := waiting.pop()) not in seen:
                seen.add(at)
                waiting += passes.get(at, ())
        return lot in seen

    for each in shares("0", passes):
        assert each.circle == leads_back(each.lot)


@given(chains())
def test_the_order_in_which_the_edges_were_read_does_not_matter(passes: Passes) -> None:
    turned = {lot: dict(reversed(ahead.items())) for lot, ahead in reversed(passes.items())}
    assert shares("0", turned) == shares("0", passes)


def test_a_lot_alone_is_its_own_end() -> None:
    assert shares("a", {}) == (Traced("a", 0, circle=False, units=WHOLE, ends=WHOLE),)


def test_a_blend_is_of_its_parts_by_mass() -> None:
    traced = shares("blend", {"blend": {"a": 3_000, "b": 1_000}})
    assert ends(traced) == {"a": WHOLE * 3 // 4, "b": WHOLE // 4}


def test_thirds_add_to_exactly_one() -> None:
    traced = shares("blend", {"blend": {"a": 1, "b": 1, "c": 1}})
    assert list(ends(traced).values()) == [333_333_333_334, 333_333_333_333, 333_333_333_333]


def test_a_diamond_is_one_lot_with_both_shares_at_the_farther_level() -> None:
    passes = {"d": {"a": 1, "b": 1}, "b": {"a": 1, "c": 1}}
    traced = shares("d", passes)
    assert ends(traced) == {"a": WHOLE * 3 // 4, "c": WHOLE // 4}
    assert [(each.lot, each.level) for each in traced] == [("d", 0), ("b", 1), ("a", 2), ("c", 2)]


def test_a_circle_keeps_its_share_and_what_lies_behind_it_cannot_be_said() -> None:
    passes = {"d": {"a": 1, "x": 3}, "x": {"y": 1}, "y": {"x": 1, "mine": 9}}
    traced = shares("d", passes)
    assert ends(traced) == {"a": WHOLE // 4, "x": WHOLE * 3 // 4}
    assert units(traced)["mine"] is None
    assert {each.lot for each in traced if each.circle} == {"x", "y"}


def test_a_lot_that_went_into_itself_is_a_circle_of_one() -> None:
    (only,) = shares("a", {"a": {"a": 5}})
    assert only == Traced("a", 0, circle=True, units=WHOLE, ends=WHOLE)


def test_a_thousand_levels_are_no_deeper_than_any() -> None:
    passes = {f"{n}": {f"{n + 1}": 1} for n in range(3_000)}
    traced = shares("0", passes)
    assert traced[-1] == Traced("3000", 3_000, circle=False, units=WHOLE, ends=WHOLE)


def test_downwards_what_went_into_nothing_stays() -> None:
    traced = shares("ore", {"ore": {"a": 6, "b": 2}}, {"ore": 2})
    assert ends(traced) == {"ore": WHOLE // 5, "a": WHOLE * 3 // 5, "b": WHOLE // 5}


def test_downwards_a_blend_is_partly_of_the_lot() -> None:
    passes = {"ore": {"blend": 30}, "blend": {"oxide": 40}}
    came = came_from(place("ore", passes), passes, {"blend": 40, "oxide": 80}, {"ore"})
    assert came == {"ore": WHOLE, "blend": WHOLE * 3 // 4, "oxide": WHOLE * 3 // 8}


def test_downwards_several_lots_may_be_traced_at_once() -> None:
    passes = {"plant": {"a": 1, "b": 1}, "a": {"b": 5, "mix": 5}, "b": {"mix": 5}}
    came = came_from(place("plant", passes), passes, {"b": 10, "mix": 20}, {"plant", "a", "b"})
    assert came == {"plant": WHOLE, "a": WHOLE, "b": WHOLE, "mix": WHOLE // 2}


def test_downwards_what_a_circle_feeds_cannot_be_said() -> None:
    passes = {"ore": {"x": 1, "clean": 1}, "x": {"y": 1}, "y": {"x": 1, "oxide": 1}}
    came = came_from(place("ore", passes), passes, {"x": 2, "y": 1, "oxide": 1, "clean": 1}, {"ore"})
    assert came == {"ore": WHOLE, "clean": WHOLE, "x": None, "y": None, "oxide": None}


@given(chains())
def test_downwards_all_is_of_a_lot_that_nothing_else_was_added_to(passes: Passes) -> None:
    inputs: dict[str, int] = defaultdict(int)
    placed = place("0", passes)
    reached = {each.lot for each in placed}
    for lot in reached:
        for further, net_g in passes.get(lot, {}).items():
            inputs[further] += net_g
    here = {lot: ahead for lot, ahead in passes.items() if lot in reached}
    assert set(came_from(placed, here, inputs, {"0"}).values()) == {WHOLE}


@given(chains(), some.lists(some.integers(0, 10**12), min_size=12, max_size=12))
def test_what_came_from_a_lot_downwards_is_its_share_upwards(passes: Passes, added: list[int]) -> None:
    """Of every lot, looked at from the other end; `added` went in besides."""
    traced = place("0", passes)
    here = {each.lot: passes[each.lot] for each in traced if each.lot in passes}
    parents: dict[str, dict[str, int]] = defaultdict(dict)
    for lot, ahead in here.items():
        for further, net_g in ahead.items():
            parents[further][lot] = net_g
    for lot, fed in parents.items():
        if added[int(lot)]:
            fed[f"others of {lot}"] = added[int(lot)]
    came = came_from(traced, here, {lot: sum(fed.values()) for lot, fed in parents.items()}, {"0"})
    for each in traced:
        upwards = units(shares(each.lot, parents)).get("0")
        assert abs((came[each.lot] or 0) - (upwards or 0)) < UNITS_LOST_A_LEVEL


@pytest.mark.parametrize(
    ("broken", "circle", "why"),
    [
        (None, False, None),
        ("parent", False, None),
        ("unlisted-mine", False, "unlisted-mine"),
        ("parent", True, "circle"),
    ],
)
def test_a_chain_is_broken_at_the_lot_itself_or_further_along(
    broken: str | None, why: str | None, *, circle: bool
) -> None:
    state = LotState("a", "mine", None, None, 1, None, broken, 0)
    assert broken_here(Traced("a", 0, circle, WHOLE, 0), state) == why


def test_a_lot_of_which_nothing_is_known_is_not_judged() -> None:
    assert broken_here(Traced("a", 0, circle=False, units=WHOLE, ends=0), None) == "not-judged"


def test_a_circle_is_found_whole_whatever_hangs_on_it_and_a_lot_that_went_into_itself_is_one() -> None:
    parents = {"a": ["b"], "b": ["c", "x"], "c": ["a"], "child": ["a"], "x": ["y"], "own": ["own"]}
    assert in_circles(["child"], parents) == {"a", "b", "c"}
    assert in_circles(["own", "x"], parents) == {"own"}
