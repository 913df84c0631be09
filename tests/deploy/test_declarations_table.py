"""What `monazite declarations` shows, as a table."""

from monazite.tables import declarations_table
from monazite_contracts.times import INSTANT_MIN


def test_a_platform_that_has_received_nothing_says_so_and_names_no_instant() -> None:
    assert declarations_table("2023-05", INSTANT_MIN, []).caption == "nothing has been received yet"
