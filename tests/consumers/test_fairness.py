"""Nobody is missing or late for what the platform did not do: what is unknown is not judged, outages are given back."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

import pytest
from aiokafka import TopicPartition
from owing_talk import DAY, DEADLINE, INSTANT, declare, due
from regulator_desk import MINE, Desk, Json, send

from monazite_consumers import clock
from monazite_consumers.health import Health
from monazite_consumers.rules.entries import Settings
from monazite_consumers.watch.judging import CLOCKS_APART, Watch, real_now
from monazite_contracts.builders import a_nil_declaration, a_production

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
async def owing(desk: Desk) -> Desk:
    """The mine's enterprise owes May 2023, and everything is known until a day before the deadline."""
    await declare(desk)
    await look(desk, DEADLINE - DAY)
    return desk


async def look(desk: Desk, at: datetime) -> None:
    """Moves the clock, and lets watch and custody do what there is to do."""
    await clock.drive(desk.connection, at)
    await desk.follow()


async def told(desk: Desk) -> list[str]:
    """What is alerted of May, after a rebuild that says the same."""
    assert await desk.rebuild() == []
    alerts = await desk.alerts()
    return [*due(alerts), *(["declaration-late"] if ("declaration-late", MINE, "2023-05") in alerts else [])]


async def away(desk: Desk, service: str, real: timedelta = HOUR) -> None:
    """Lets real time go by in which watch did not pass, or in which not everything was known."""
    await desk.connection.execute("UPDATE platform SET known_at = known_at - $1::interval", real)
    if service == "watch":
        await desk.connection.execute("UPDATE platform SET passed_at = passed_at - $1::interval", real)


async def outages(desk: Desk) -> list[tuple[int, datetime, datetime, str]]:
    rows = await desk.connection.fetch("SELECT number, since, until, what FROM outages ORDER BY number")
    return [tuple(row.values()) for row in rows]


class Log:
    """Where the plant topics end, as a broker would say; None: it does not answer."""

    def __init__(self) -> None:
        self.ends: Mapping[TopicPartition, int] | None = {}

    async def __call__(self) -> Mapping[TopicPartition, int] | None:
        return self.ends


@pytest.fixture
async def log(owing: Desk) -> AsyncIterator[Log]:
    """A log that watch asks."""
    asked, without = Log(), owing.watching
    owing.watching = Watch(owing.url, Health(), ends=asked)
    yield asked
    owing.watching = without


# --- down


async def test_a_platform_that_was_down_over_the_deadline_gives_the_time_back(owing: Desk) -> None:
    await away(owing, "watch")
    await look(owing, DEADLINE + 2 * HOUR)
    assert await outages(owing) == [(1, DEADLINE - DAY, DEADLINE + 2 * HOUR, "down")]
    assert "declaration-missing" not in await told(owing)
    await look(owing, DEADLINE + DAY + 2 * HOUR - INSTANT)
    assert "declaration-missing" not in await told(owing)
    await look(owing, DEADLINE + DAY + 2 * HOUR)
    assert "declaration-missing" in await told(owing)


async def test_who_files_in_the_time_given_back_is_not_late(owing: Desk) -> None:
    await away(owing, "watch")
    await look(owing, DEADLINE + 2 * HOUR)
    await owing.receive(send(a_nil_declaration(), at=DEADLINE + DAY))
    await look(owing, DEADLINE + 2 * DAY)
    assert await told(owing) == []


async def test_who_was_late_before_an_outage_stays_late(owing: Desk) -> None:
    await owing.receive(send(a_nil_declaration(), at=DEADLINE + HOUR))
    await look(owing, DEADLINE + 2 * HOUR)
    await away(owing, "watch")
    await look(owing, DEADLINE + DAY)
    assert await told(owing) == ["declaration-late"]


async def test_what_is_said_of_a_months_balance_waits_for_the_deadline_that_an_outage_moved(owing: Desk) -> None:
    await owing.receive(*(send(a_production(record=f"R-{n}", claimed_reo_kg="11000.000")) for n in range(3)))
    await owing.follow()
    await away(owing, "watch")
    await look(owing, DEADLINE + 2 * HOUR)
    assert await owing.rebuild() == []
    assert "claimed-bias" not in await owing.rules()
    await look(owing, DEADLINE + DAY + 2 * HOUR)
    assert await owing.rebuild() == []
    assert "claimed-bias" in await owing.rules()


async def test_an_outage_within_the_time_given_back_moves_the_deadline_again(owing: Desk) -> None:
    for at in (DEADLINE + 2 * HOUR, DEADLINE + DAY):
        await away(owing, "watch")
        await look(owing, at)
    assert [number for number, *_ in await outages(owing)] == [1, 2]
    await look(owing, DEADLINE + 2 * DAY - INSTANT)
    assert "declaration-missing" not in await told(owing)
    await look(owing, DEADLINE + 2 * DAY)
    assert "declaration-missing" in await told(owing)


@pytest.mark.parametrize("minutes", [4, 6])
async def test_a_restart_at_the_very_deadline_is_an_outage_only_if_it_takes_long(owing: Desk, minutes: int) -> None:
    await look(owing, DEADLINE - SECOND)
    await away(owing, "watch", timedelta(minutes=minutes))
    await look(owing, DEADLINE + SECOND)
    assert bool(await outages(owing)) is (minutes > 5)
    assert ("declaration-missing" in await told(owing)) is (minutes < 5)
    await look(owing, DEADLINE + 2 * SECOND)
    assert "declaration-missing" in await told(owing)


def on_the_real_clock(desk: Desk, at: datetime) -> Watch:
    """A member whose clock says so; nobody drives it."""
    return Watch(desk.url, Health(), now=lambda: at + CLOCKS_APART, apart_max=timedelta.max)


@pytest.mark.parametrize(
    ("since", "until", "takes", "recorded"),
    [
        (-SECOND, SECOND, timedelta(minutes=4), True),
        (-SECOND, SECOND, 5 * SECOND, False),
        (-2 * HOUR, -HOUR, timedelta(minutes=4), False),
        (SECOND, HOUR, timedelta(minutes=4), False),
    ],
)
async def test_on_the_real_clock_a_short_outage_is_one_if_a_deadline_falls_within_it(
    owing: Desk, since: timedelta, until: timedelta, takes: timedelta, *, recorded: bool
) -> None:
    await owing.connection.execute("UPDATE platform SET instant = NULL")
    await on_the_real_clock(owing, DEADLINE + since).pass_once(owing.connection)
    await owing.judge()
    await owing.connection.execute("DELETE FROM outages")
    await away(owing, "watch", takes)
    await on_the_real_clock(owing, DEADLINE + until).pass_once(owing.connection)
    assert [row[1:] for row in await outages(owing)] == (
        [(DEADLINE + since, DEADLINE + until + CLOCKS_APART, "down")] if recorded else []
    )


async def test_how_long_a_restart_may_take_is_a_setting(owing: Desk) -> None:
    await declare(owing, ("settings", Settings(outage_minutes=90)))
    await owing.follow()
    await away(owing, "watch")
    await look(owing, DEADLINE)
    assert await outages(owing) == []


async def test_a_clock_that_jumps_over_months_while_everything_runs_is_no_outage(owing: Desk) -> None:
    await look(owing, DEADLINE + 90 * DAY)
    assert await outages(owing) == []
    assert "declaration-escalated" in await told(owing)


async def test_a_driven_clock_that_stands_still_for_long_is_no_outage(owing: Desk) -> None:
    await away(owing, "watch")
    await owing.follow()
    await look(owing, DEADLINE)
    assert await outages(owing) == []
    assert "declaration-missing" in await told(owing)


async def test_watch_that_fails_over_and_passes_twice_says_it_once(owing: Desk) -> None:
    await away(owing, "watch")
    successor = Watch(owing.url, Health())
    await clock.drive(owing.connection, DEADLINE + 2 * DAY)
    for _ in range(2):
        await successor.pass_once(owing.connection)
        await owing.watching.pass_once(owing.connection)
        await owing.judge()
    await owing.follow()
    assert len(await outages(owing)) == 1
    before = await owing.alerts(None)
    await owing.follow()
    assert await owing.alerts(None) == before
    assert {alert["revision"] for alert in before.values()} == {1}


# --- behind


async def test_what_lies_unread_at_the_deadline_is_not_missing(owing: Desk, log: Log) -> None:
    declaration = send(a_nil_declaration(), at=DEADLINE - SECOND)
    log.ends = {declaration.tp: 1}
    await look(owing, DEADLINE)
    assert "declaration-missing" not in await told(owing)
    await owing.receive(declaration)
    await look(owing, DEADLINE + 9 * DAY)
    assert await told(owing) == []
    assert await owing.rules("recovered") == {"declaration-due-3", "declaration-due-1"}


async def test_what_is_read_and_not_followed_yet_is_not_missing(owing: Desk) -> None:
    await owing.receive(send(a_nil_declaration(), at=DEADLINE - SECOND))
    await owing.watch(DEADLINE + DAY)
    assert "declaration-missing" not in due(await owing.alerts())
    await owing.follow()
    assert await told(owing) == []
    assert "declaration-missing" not in await owing.rules("recovered")


async def test_a_month_in_doubt_is_not_missing_before_it_has_been_judged(owing: Desk) -> None:
    await owing.connection.execute("INSERT INTO doubts VALUES ('month', $1)", f"{MINE} 2023-05")
    await owing.watch(DEADLINE)
    assert await owing.connection.fetchval("SELECT known_until FROM platform") == DEADLINE
    assert "declaration-missing" not in due(await owing.alerts())
    await owing.judge()
    assert "declaration-missing" in due(await owing.alerts())


async def test_intake_that_lags_over_the_deadline_gives_the_time_back(owing: Desk, log: Log) -> None:
    another = send(a_nil_declaration(record="APRIL", month="2023-04"), at=DEADLINE - HOUR)
    log.ends = {another.tp: 1}
    await look(owing, DEADLINE + HOUR)
    await away(owing, "intake")
    await owing.receive(another)
    await look(owing, DEADLINE + HOUR)
    assert await outages(owing) == [(1, DEADLINE - DAY, DEADLINE + HOUR, "behind")]
    assert "declaration-missing" not in await told(owing)
    await owing.receive(send(a_nil_declaration(), at=DEADLINE + DAY))
    log.ends = {another.tp: 2}
    await look(owing, DEADLINE + 3 * DAY)
    assert await told(owing) == []


async def test_an_outage_lasts_until_what_was_asked_for_when_it_began_is_known(owing: Desk, log: Log) -> None:
    another = send(a_nil_declaration(record="APRIL", month="2023-04"), at=DEADLINE - HOUR)
    log.ends = {another.tp: 1}
    await look(owing, DEADLINE - HOUR)
    await clock.drive(owing.connection, DEADLINE + HOUR)
    await away(owing, "intake")
    await owing.receive(another)
    await owing.follow()
    assert await outages(owing) == [(1, DEADLINE - DAY, DEADLINE + HOUR, "behind")]


async def test_nobody_is_late_while_intake_reads_what_came_late(owing: Desk, log: Log) -> None:
    late = send(a_nil_declaration(), at=DEADLINE + HOUR)
    log.ends = {late.tp: 2}
    await look(owing, DEADLINE + 2 * HOUR)
    await owing.receive(late)
    await look(owing, DEADLINE + 3 * HOUR)
    assert await told(owing) == []
    log.ends = {late.tp: 1}
    await look(owing, DEADLINE + 4 * HOUR)
    assert await told(owing) == ["declaration-late"]


async def test_while_the_broker_does_not_answer_nothing_is_known(owing: Desk, log: Log) -> None:
    log.ends = None
    await look(owing, DEADLINE + 2 * HOUR)
    assert "declaration-missing" not in await told(owing)
    await away(owing, "broker")
    log.ends = {}
    await look(owing, DEADLINE + 2 * HOUR)
    assert [what for *_, what in await outages(owing)] == ["behind"]


async def test_a_log_that_ends_before_what_was_read_of_it_is_another_one(owing: Desk, log: Log) -> None:
    declaration = send(a_nil_declaration(record="APRIL", month="2023-04"), at=DEADLINE - HOUR)
    await owing.receive(declaration)
    log.ends = {declaration.tp: 0}
    await look(owing, DEADLINE + DAY)
    assert "declaration-missing" not in await told(owing)
    log.ends = {declaration.tp: 1}
    await look(owing, DEADLINE + DAY)
    assert "declaration-missing" in await told(owing)


async def test_on_the_real_clock_the_brokers_may_lag_a_little(owing: Desk) -> None:
    await owing.connection.execute("UPDATE platform SET instant = NULL")
    watch = Watch(owing.url, Health(), now=lambda: DEADLINE, apart_max=timedelta.max)
    await watch.pass_once(owing.connection)
    assert await owing.connection.fetchval("SELECT known_until FROM platform") == DEADLINE - CLOCKS_APART
    assert await owing.connection.fetchval("SELECT judged_at FROM platform") == DEADLINE
    assert "declaration-missing" not in due(await owing.alerts())


# --- why watch says that it judges nothing new


async def test_a_clock_that_runs_ahead_of_the_databases_judges_nothing_and_says_why(owing: Desk) -> None:
    await owing.connection.execute("UPDATE platform SET instant = NULL")
    before = await owing.connection.fetchrow("SELECT judged_at, known_until FROM platform")
    watch = Watch(owing.url, Health(), now=lambda: real_now() + 90 * DAY)
    assert "nothing is judged" in (await watch.pass_once(owing.connection) or "")
    assert await owing.connection.fetchrow("SELECT judged_at, known_until FROM platform") == before
    assert await Watch(owing.url, Health()).pass_once(owing.connection) is None


async def test_a_clock_that_lies_far_behind_what_was_judged_is_told(owing: Desk) -> None:
    await owing.connection.execute(
        "UPDATE platform SET instant = NULL, judged_at = clock_timestamp() + interval '1 day'"
    )
    assert "judged until" in (await Watch(owing.url, Health()).pass_once(owing.connection) or "")


@pytest.mark.parametrize(
    ("ends", "why"),
    [(None, "Kafka does not say"), ({TopicPartition("plant-shipments", 3): 7}, "not read plant-shipments/3, 0 of 7")],
)
async def test_watch_says_what_it_waits_for_when_nothing_new_is_known(
    owing: Desk, log: Log, ends: Mapping[TopicPartition, int] | None, why: str
) -> None:
    log.ends = ends
    await owing.connection.execute("UPDATE platform SET instant = $1", DEADLINE)
    assert await owing.watching.pass_once(owing.connection) is None
    await away(owing, "intake")
    assert why in (await owing.watching.pass_once(owing.connection) or "")
    log.ends = {}
    owing.watching._knowing.forget()
    await look(owing, DEADLINE)
    assert await owing.watching.pass_once(owing.connection) is None


async def test_other_absences_settle_whatever_lies_unread(owing: Desk, log: Log) -> None:
    log.ends = {TopicPartition("plant-declarations", 0): 1}
    before: Json = await owing.alerts()
    await look(owing, DEADLINE + DAY)
    assert set(await owing.alerts()) == set(before)
    assert await owing.connection.fetchval("SELECT judged_at FROM platform") == DEADLINE + DAY


async def test_outages_are_facts_that_a_rebuild_reads_and_verify_leaves_alone(owing: Desk) -> None:
    await away(owing, "watch")
    await look(owing, DEADLINE + 2 * HOUR)
    recorded = await outages(owing)
    await owing.rebuild(keep=True)
    await owing.follow()
    assert await outages(owing) == recorded
    assert "declaration-missing" not in await told(owing)
    assert await owing.misfits() == []
