"""Where what is left of lots is now, and what share of the traced lot that is."""

from hypothesis import given
from hypothesis import strategies as some

from monazite_consumers.rules.custody import LotState
from monazite_consumers.rules.sharing import WHOLE
from monazite_consumers.rules.tracing import Traced
from monazite_consumers.rules.whereabouts import How, Sent, Stay, spread, stays_of

LOT = "shihe-mine/R-1"


def a_lot(**changes: object) -> Traced:
    return Traced(LOT, 0, circle=False, units=WHOLE, ends=WHOLE)._replace(**changes)


def a_state(net_g: int) -> LotState:
    return LotState(LOT, "shihe-mine", "ndpr-oxide", "domestic", net_g, None, None, 0)


def sent(state: str, sent_g: int, arrived_g: int) -> Sent:
    return Sent(LOT, "shihe-mine/W-1", "shihe-mine", "shihe-metal", state, None, sent_g, arrived_g)


def hows(stays: list[Stay]) -> dict[str, tuple[int, int]]:
    return {stay.how: (stay.net_g, stay.units) for stay in stays}


def test_a_stock_is_on_hand_and_what_was_lost_is_lost() -> None:
    assert stays_of([(LOT, "shihe-mine", 5, 2)], []) == {
        LOT: [Stay(LOT, How.ON_HAND, "shihe-mine", 5), Stay(LOT, How.LOST, "shihe-mine", 2)]
    }


def test_more_given_away_than_there_was_is_no_stock() -> None:
    assert stays_of([(LOT, "shihe-mine", -5, 0)], []) == {}


def test_what_was_sent_is_under_way_or_out_of_the_register_or_missing() -> None:
    for state, how in (
        ("under way", How.UNDER_WAY), ("left the register", How.LEFT), ("short", How.MISSING), ("received", How.MISSING)
    ):  # fmt: skip
        ((stay,),) = stays_of([], [sent(state, 10, 4)]).values()
        assert (stay.how, stay.where, stay.net_g, stay.shipment) == (how, "shihe-metal", 6, "shihe-mine/W-1")


def test_what_arrived_is_not_on_its_way_nor_is_more_than_was_sent() -> None:
    assert stays_of([], [sent("received", 10, 10), sent("over", 10, 12)]) == {}


def test_units_are_spread_by_mass_and_what_nothing_is_said_of_is_unaccounted_for() -> None:
    stays = {LOT: [Stay(LOT, How.ON_HAND, "shihe-mine", 5), Stay(LOT, How.LOST, "shihe-mine", 1)]}
    found = spread([a_lot(ends=WHOLE // 2)], stays, {LOT: a_state(20)}, {LOT: 10}, frozenset())
    assert hows(found) == {
        "on hand": (5, WHOLE // 4),
        "lost": (1, WHOLE // 20),
        "unaccounted for": (4, WHOLE // 5),
    }


def test_what_went_round_in_a_circle_or_was_not_followed_is_said() -> None:
    found = spread([a_lot(circle=True)], {}, {LOT: a_state(20)}, {LOT: 20}, frozenset())
    assert hows(found) == {"in a circle": (20, WHOLE)}
    found = spread([a_lot()], {}, {LOT: a_state(20)}, {}, frozenset({LOT}))
    assert hows(found) == {"not followed further": (20, WHOLE)}


def test_a_lot_of_which_nobody_said_how_much_there_was_has_its_units_all_the_same() -> None:
    assert hows(spread([a_lot()], {}, {}, {}, frozenset())) == {"unaccounted for": (0, WHOLE)}


def test_a_lot_that_is_all_used_up_is_nowhere() -> None:
    assert spread([a_lot(ends=0)], {}, {LOT: a_state(20)}, {LOT: 20}, frozenset()) == []


grams = some.integers(0, 10**9)


@given(some.integers(0, WHOLE), some.lists(some.integers(1, 10**9), max_size=8), grams, grams)
def test_nothing_of_what_ends_is_lost(ends: int, masses: list[int], net_g: int, gone_g: int) -> None:
    stays = {LOT: [Stay(LOT, How.ON_HAND, f"plant-{n}", mass) for n, mass in enumerate(masses)]}
    found = spread([a_lot(ends=ends)], stays, {LOT: a_state(net_g)}, {LOT: gone_g}, frozenset())
    assert sum(stay.units for stay in found) == ends
