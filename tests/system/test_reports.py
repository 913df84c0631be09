"""A month on a running platform: closed by the service at its deadline, announced once, whoever is killed meanwhile."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from running_platform import HOLDER, Platform, a_registry, until

from monazite import stack
from monazite_consumers import clock

MAY_5, DEADLINE = datetime(2023, 5, 5, 1, tzinfo=UTC), datetime(2023, 6, 10, 16, tzinfo=UTC)
PLANTS = 6


@pytest.fixture(scope="module")
def running() -> Iterator[stack.Stack]:
    """On a driven clock, in May 2023."""
    with stack.running(instant=MAY_5) as up:
        yield up


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    """Six mines, whose holder owes the record of May and no other."""
    made = Platform(running)
    duty = {"enterprise": HOLDER, "since": "2023-05-01", "basis": "R2"}
    await made.apply(a_registry() | {"duties": [duty]})
    return made


async def closed(platform: Platform) -> bool:
    found = await platform.ask("SELECT count(*) FROM reports WHERE level = 'nation' AND month = '2023-05-01'")
    return bool(found)


async def test_a_service_that_is_killed_while_it_closes_a_month_closes_it_once(platform: Platform) -> None:
    await platform.publish(platform.work(2, 10))
    await platform.decided()
    reports = platform.stack.services["reports"].child
    async with platform.connection() as connection:
        await clock.drive(connection, DEADLINE + timedelta(minutes=1))
    for _ in range(5):
        reports.kill()
        reports.start()
        stored = await platform.ask("SELECT count(*) FROM reports WHERE month = '2023-05-01'")
        assert stored in {0, PLANTS + 3}, "all of them or none: the plants, their enterprise, province and nation"
    await until("the month is closed", lambda: closed(platform), limit_s=120)
    await platform.told()
    announced = Counter(record.key for record in await platform.read("regulator-reports"))
    assert len(announced) == PLANTS + 3
    assert set(announced.values()) == {1}
    assert announced[b"nation/nation/2023-05"] == 1


async def test_one_service_holds_the_lock_and_is_well(platform: Platform) -> None:
    assert (await platform.metrics("reports"))("monazite_active", service="reports") == 1
    assert await platform.healthy("reports")
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND granted"
    assert await platform.ask(held, 0x6E61_0005) == 1
