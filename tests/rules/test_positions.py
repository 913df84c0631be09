"""Where reading goes on when the log is not what it was, and which alerts that raises."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st
from regulator_desk import OPENED_AT, Desk, the_registry
from rule_coverage import clears, fires

from monazite_consumers.intake.adopting import Adoption, adopt
from monazite_consumers.intake.positions import Advance
from monazite_consumers.intake.skipping import pass_over
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.positions import Log, Position, Record, Standing, stand
from monazite_contracts.months import day_of

KEPT = Record(99, datetime(2023, 5, 5, tzinfo=UTC), b"hash")
HERE = Position(1, 100)
LOG = Log(start=0, end=200, kept=KEPT, at_kept=KEPT, first=100)

TP = TopicPartition("plant-production", 3)
TODAY = f"{day_of(OPENED_AT)}"


def test_a_log_that_is_as_it_was_is_read_on_from_the_position() -> None:
    assert stand(HERE, LOG) == Standing(100)


def test_what_was_deleted_below_the_log_s_start_is_lost() -> None:
    assert stand(HERE, replace(LOG, start=130, at_kept=None, first=130)) == Standing(130, lost=30)


def test_offsets_without_a_record_are_holes() -> None:
    assert stand(HERE, replace(LOG, first=103)) == Standing(103, holes=3)


def test_markers_at_the_log_s_end_are_holes_though_no_record_follows() -> None:
    assert stand(HERE, replace(LOG, end=102, first=None)) == Standing(102, holes=2)


def test_lost_and_holes_may_meet() -> None:
    assert stand(HERE, replace(LOG, start=130, at_kept=None, first=133)) == Standing(133, lost=30, holes=3)
    assert stand(HERE, Log(start=130, end=130, kept=KEPT)) == Standing(130, lost=30)


def test_a_position_above_the_log_s_end_is_of_another_log() -> None:
    assert stand(HERE, Log(start=0, end=99, kept=KEPT)).replaced == "position-above-end"
    assert stand(HERE, Log(start=0, end=100, kept=KEPT)).replaced is None


@pytest.mark.parametrize("other", [replace(KEPT, hash=b"other"), replace(KEPT, arrived_at=OPENED_AT)])
def test_another_record_where_one_was_read_is_of_another_log(other: Record) -> None:
    assert stand(HERE, replace(LOG, at_kept=other)) == Standing(100, replaced="other-record")


def test_a_record_that_is_gone_says_nothing() -> None:
    assert stand(HERE, replace(LOG, at_kept=replace(KEPT, log_offset=105), first=105)) == Standing(105, holes=5)
    assert stand(HERE, replace(LOG, at_kept=None)) == Standing(100)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50) | st.none())
def test_every_offset_passed_over_is_lost_or_a_hole(next_offset: int, start: int, length: int, gap: int | None) -> None:
    end = start + length
    first = None if gap is None or max(start, next_offset) + gap >= end else max(start, next_offset) + gap
    found = stand(Position(1, next_offset), Log(start, end, first=first))
    assert found.next_offset - next_offset == found.lost + found.holes
    assert min(found.lost, found.holes) >= 0
    assert (found.replaced is not None) == (next_offset > end)
    if first is not None:
        assert found.next_offset == first


async def passed_over(desk: Desk, *, lost: int = 0, holes: int = 0) -> None:
    """Moves the position past so many offsets."""
    await desk.open(TP)
    before = desk.positions[TP]
    step = Advance(TP, Position(1, before), before + lost + holes, received=0, lost=lost)
    await pass_over(desk.connection, [step])
    desk.positions[TP] = step.next_offset


@pytest.mark.parametrize("rule", ["log-holes", "log-lost"])
@fires("log-holes", "log-lost")
async def test_what_is_passed_over_is_alerted_by_topic_and_day(desk: Desk, rule: str) -> None:
    await desk.declare(the_registry())
    what = rule.removeprefix("log-")
    await passed_over(desk, **{what: 3})
    await passed_over(desk, **{what: 4})
    assert set(await desk.alerts()) == {(rule, TP.topic, TODAY)}
    assert await desk.evidence(rule) == {
        "count": 7, "partitions": [{"count": 7, "partition": TP.partition, "log_generation": 1}],
    }  # fmt: skip
    account = await desk.reconcile()
    assert account.reconciled
    assert getattr(account, what) == 7


@fires("log-replaced")
async def test_a_log_that_is_adopted_is_alerted_and_says_who(desk: Desk) -> None:
    await desk.declare(the_registry())
    await passed_over(desk, holes=5)
    adoption = Adoption(TP, Position(1, 5), Log(start=2, end=4), "position-above-end")
    await adopt(desk.connection, adoption, "A. Keeper")
    assert ("log-replaced", TP.topic, TODAY) in await desk.alerts()
    assert await desk.evidence("log-replaced") == {
        "count": 1,
        "partitions": [
            {
                "count": 1, "partition": TP.partition, "log_generation": 2, "reason": "position-above-end",
                "read_to": 5, "log_start": 2, "log_end": 4,
            }
        ],
    }  # fmt: skip
    row = await desk.connection.fetchrow("SELECT adopted_by, adopted_at FROM adoptions")
    assert (row["adopted_by"], row["adopted_at"]) == ("A. Keeper", OPENED_AT)
    assert [(p.log_generation, p.offsets) for p in (await desk.reconcile()).partitions] == [(1, 5), (2, 0)]


@clears("log-holes", "log-lost", "log-replaced")
async def test_only_a_person_closes_them_and_a_rebuild_says_the_same(desk: Desk) -> None:
    await desk.declare(the_registry())
    await passed_over(desk, holes=1)
    await passed_over(desk, lost=2)
    await adopt(desk.connection, Adoption(TP, Position(1, 3), Log(start=0, end=1), "position-above-end"), "A. Keeper")
    raised = await desk.alerts()
    assert {rule for rule, _, _ in raised} == {"log-holes", "log-lost", "log-replaced"}
    assert all(RULES[rule].stays for rule, _, _ in raised)
    assert await desk.rebuild() == []
    assert await desk.rebuild(keep=True) == []
    assert await desk.alerts() == raised
