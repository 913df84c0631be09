"""The demo's stories, one by one: each year of misconduct and mishap ends with the alerts that it deserves."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from monazite import shipped, stack
from monazite.demo.driver import driver
from monazite.embedded.servers import Addresses
from monazite_consumers import database, queries
from monazite_contracts.months import day_start
from monazite_producers.simulator import SimulationPlan, simulate

Conditions = dict[tuple[str, str], set[str]]

STORIES = {
    "an overrun before a batch recovers when it is released": ("cap-overrun", "example-a/separation", "recovered"),
    "and stays on record as an overrun then": ("cap-overrun-then", "example-a/separation", "raised"),
    "an overrun that no batch covers stays": ("cap-overrun", "example-b/mining_rock", "raised"),
    "an unlisted producer": ("unlisted-producer", "example-c-mine-1", "raised"),
    "a backdated correction that clears an overrun": ("cap-cleared-by-correction", "example-g/separation", "raised"),
    "a forged envelope": ("seal-false", "example-h-mine-1/gw-1", "raised"),
    "a key that nobody registered": ("source-unknown", "example-h-mine-1/gw-1", "raised"),
    "malformed messages": ("unreadable", "plant-production", "raised"),
    "a bad event beside good ones": ("contract-refused", "example-i-mine-1/gw-1", "raised"),
    "claims that are off by some per cent": ("claimed-reo", "example-m-mine-1", "raised"),
    "ore at a recycler": ("recycler-used-ore", "example-o-recycler-1", "raised"),
    "records dated in the future": ("event-in-future", "example-p-mine-1", "raised"),
    "one record stated twice": ("event-conflict", "example-p-mine-1", "raised"),
    "a correction into another year": ("amendment-moves-year", "example-p-mine-1", "raised"),
    "an unlisted mine's ore has no lawful origin": ("origin-unlawful", "example-c-mine-1", "raised"),
    "more was shipped of a lot than the correction leaves": ("lot-overdrawn", "example-g-separation-1", "raised"),
    "goods that came short and were found": ("shipment-short", "example-q-mine-1", "recovered"),
    "goods that weigh too much": ("shipment-over", "example-q-mine-1", "raised"),
    "goods that were refused": ("shipment-refused", "example-q-mine-1", "raised"),
    "goods that nobody received": ("shipment-overdue", "example-r-separation-1", "raised"),
    "goods that nobody dispatched": ("receipt-without-dispatch", "example-r-separation-1", "raised"),
    "a flow record that was late": ("declaration-late", "example-s-mine-1", "raised"),
    "and was missing until then": ("declaration-missing", "example-s-mine-1", "recovered"),
    "a gateway that was cut off over a deadline": ("declaration-late", "example-e-mine-1", "raised"),
    "a flow record that never came": ("declaration-escalated", "example-t-mine-1", "raised"),
    "a flow record that was wrong, and corrected": ("declaration-differs", "example-v-mine-1", "recovered"),
    "a lot that nobody reported": ("lot-unreported", "example-w-separation-1", "raised"),
    "and what was made of it": ("origin-unlawful", "example-w-separation-1", "raised"),
    "oxide from over the quota, passed off as recycled": ("recovery-recovered", "example-x-recycler-1", "raised"),
    "an export over its licence": ("licence-overdrawn", "example-y", "raised"),
}


@pytest.fixture(scope="module")
def conditions() -> Iterator[Conditions]:
    """The year, played once on real servers."""
    simulation = simulate(SimulationPlan(allocations=shipped.registry(), events=2_000))

    async def play(addresses: Addresses) -> Conditions:
        async with driver(addresses) as driving:
            for day in simulation.days:
                await driving.step(day)
            await driving.finish(simulation)
        connection = await database.connect(addresses.postgres)
        found: Conditions = {}
        for alert in await queries.alerts(connection, None, None):
            found.setdefault((alert["rule"], alert["subject"]), set()).add(alert["condition"])
        await connection.close()
        return found

    with stack.running(instant=day_start(date(2023, 1, 1)) - timedelta(days=1)) as running:
        yield asyncio.run(play(running.addresses))


@pytest.mark.parametrize("story", STORIES)
def test_a_story_ends_as_it_deserves(conditions: Conditions, story: str) -> None:
    rule, subject, condition = STORIES[story]
    ends = {"recovered", "retracted"} if condition == "recovered" else {condition}  # corrected facts retract it
    assert ends & conditions.get((rule, subject), set())


@pytest.mark.parametrize(("rule", "gone"), [("envelope-gap", "example-l-mine-1"), ("envelope-gap", "example-l-mine-2")])
def test_a_gap_that_is_filled_recovers_and_one_that_is_not_stays(conditions: Conditions, rule: str, gone: str) -> None:
    found = [c for (r, subject), c in conditions.items() if r == rule and subject.startswith(f"{gone}/")]
    assert found == [{"recovered"} if gone == "example-l-mine-1" else {"raised"}]


@pytest.mark.parametrize(("rule", "plant"), [("envelope-fork", "example-k-mine-1"), ("lot-reused", "example-n-mine-1")])
def test_a_fork_and_a_lot_number_used_twice_are_raised(conditions: Conditions, rule: str, plant: str) -> None:
    assert any(r == rule and s.partition("/")[0] == plant and "raised" in c for (r, s), c in conditions.items())


def test_an_ordinary_correction_a_flood_and_a_backfill_alert_nobody_about_caps(conditions: Conditions) -> None:
    caps = {s for (r, s), c in conditions.items() if r.startswith("cap-overrun") or r == "cap-cleared-by-correction"}
    assert not {subject for subject in caps if subject.startswith(("example-d", "example-e", "example-f"))}


def test_real_holders_never_overrun(conditions: Conditions) -> None:
    over = {subject for (rule, subject), _ in conditions.items() if rule.startswith("cap-overrun")}
    assert over
    assert all(subject.startswith("example-") for subject in over)
