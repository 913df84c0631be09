"""A process's checks: red when told so, red when silent, and nobody's when it is somebody else's."""

import pytest

from monazite_consumers.database import retry_wait_s
from monazite_consumers.health import Health


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_process_without_checks_is_well() -> None:
    assert Health().healthy


def test_one_red_check_is_enough_and_green_heals_it() -> None:
    health = Health()
    health.green("kafka")
    health.red("database", "away")
    assert not health.healthy
    assert health.report()["database"].detail == "away"
    health.green("database")
    assert health.healthy


def test_a_loop_that_goes_silent_turns_red_by_itself_and_one_that_rests_does_not() -> None:
    clock = Clock()
    health = Health(now=clock)
    health.beat("deciding", limit_s=10)
    clock.now_s = 10
    assert health.healthy
    clock.now_s = 11
    assert "no sign of life for 11 s" in health.report()["deciding"].detail
    health.rest("deciding")
    assert health.healthy, "a quiet platform is well"


def test_a_check_that_is_forgotten_counts_no_more() -> None:
    health = Health()
    health.red("position plant-production-1", "beyond the log")
    health.forget("position plant-production-1")
    assert health.healthy


@pytest.mark.parametrize("attempt", [0, 3, 6, 2_000])
def test_waits_grow_and_stay_bounded_however_long_an_outage_lasts(attempt: int) -> None:
    assert retry_wait_s(attempt) == min(0.2 * 2 ** min(attempt, 100), 10)
