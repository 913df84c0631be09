"""Which closed months are compared with what was reported, and which of them wait."""

from datetime import date

from monazite_consumers.rules.closings import neighbours, to_compare, waiting

CLOSED = ("2023-07", "2023-03", "2023-05")
"""April and June were never closed: somebody closed the others by command."""


def test_what_was_restated_is_told_by_its_month_or_the_first_that_rests_on_it() -> None:
    assert to_compare(["2023-01", "2023-03", "2023-04", "2023-08"], CLOSED) == ["2023-03", "2023-05"]


def test_all_that_rest_on_what_was_restated_wait() -> None:
    assert waiting(["2023-06", "2023-04"], CLOSED) == ["2023-05", "2023-07"]
    assert waiting([], CLOSED) == waiting(["2023-08"], CLOSED) == []


def test_a_closed_month_tells_what_was_restated_since_the_one_before_and_hands_it_on_to_the_next() -> None:
    assert neighbours("2023-05", CLOSED) == (date(2023, 3, 1), date(2023, 7, 1))
    assert neighbours("2023-03", CLOSED) == (date.min, date(2023, 5, 1))
    assert neighbours("2023-07", CLOSED) == (date(2023, 5, 1), None)
