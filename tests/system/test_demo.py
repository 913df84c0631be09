"""The demo as a new user runs it: what it says, how each story ends, and the proof that its verdict can fail."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monazite.cli import app
from monazite.demo import show
from monazite.demo.verdict import verdict
from monazite.embedded.servers import addresses_at
from monazite_consumers import database, queries
from monazite_consumers.database import Connection
from monazite_producers.simulator import CapName

pytestmark = pytest.mark.timeout(1_200)
"""Of a year on a slow machine."""

Conditions = dict[tuple[str, str], set[str]]


@dataclass(frozen=True)
class Played:
    """What a person saw, the status at the end, and which conditions each alert (rule, subject) was left in."""

    stdout: str
    returncode: int
    conditions: Conditions


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """The smallest year, in a terminal wide enough for its tables; it is kept until its alerts are read."""
    shown = tmp_path_factory.mktemp("demo") / "shown.txt"
    with shown.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "monazite", "demo", "--events", "2000", "--keep"],
            env=os.environ | {"COLUMNS": "200"}, stdout=output, stderr=output,
            # In the background of a shell Ctrl-C would be ignored, and what is ignored is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509 - no threads yet
        )  # fmt: skip
    try:
        while "Ctrl-C ends it." not in shown.read_text() and process.poll() is None:
            time.sleep(0.2)  # pytest's own limit ends this
        conditions = asyncio.run(_conditions(shown.read_text())) if process.poll() is None else {}
    finally:
        process.send_signal(signal.SIGINT)
        status = process.wait(120)
    return Played(shown.read_text(), status, conditions)


async def _conditions(shown: str) -> Conditions:
    (data,) = re.findall(r"export MONAZITE_DATA=(\S+)", shown)
    addresses = addresses_at(Path(data))
    assert addresses is not None
    connection = await database.connect(addresses.postgres)
    found: Conditions = {}
    for alert in await queries.alerts(connection, None, None):
        found.setdefault((alert["rule"], alert["subject"]), set()).add(alert["condition"])
    await connection.close()
    return found


def test_the_year_is_proven_and_the_demo_ends_well(played: Played) -> None:
    assert played.returncode == 0, played.stdout[-3_000:]


@pytest.mark.parametrize(
    "line",
    [
        "reconciled: received = applied + awaiting + duplicate + refused",
        "✓ the simulator's own account agrees",
        "✓ rebuilt from the ledger",
        "SIMULATED",
        "INVENTED",
        "The clock is DRIVEN",
    ],
)
def test_the_demo_says_what_it_has_proven_and_what_is_not_real(played: Played, line: str) -> None:
    assert line in played.stdout


@pytest.mark.parametrize(
    "rule",
    [
        "cap-overrun",
        "cap-overrun-then",
        "cap-cleared-by-correction",
        "unlisted-producer",
        "envelope-gap",
        "envelope-fork",
        "seal-false",
        "unreadable",
        "source-unknown",
        "lot-reused",
        "claimed-reo",
        "recycler-used-ore",
        "shipment-short",
        "shipment-over",
        "shipment-refused",
        "shipment-overdue",
        "receipt-without-dispatch",
        "declaration-missing",
        "declaration-escalated",
        "declaration-late",
        "declaration-differs",
        "claimed-bias",
        "lot-unreported",
        "lot-overdrawn",
        "origin-unlawful",
        "recovery-recovered",
        "licence-overdrawn",
    ],
)
def test_every_story_of_misconduct_raises_its_rule(played: Played, rule: str) -> None:
    _, _, table = played.stdout.partition("Alerts by rule")
    assert re.search(rf"^ *{rule} ", table.partition("alerts still raised")[0], re.MULTILINE)


def test_the_end_tells_who_has_left_goods_on_the_road_unanswered(played: Played) -> None:
    assert "3 shipments, 3 late" in played.stdout
    assert "EXAMPLE-Q-MINE-1-FORGOTTEN" in played.stdout


def test_ordinary_plants_end_the_year_without_a_grave_alert_but_for_what_they_bought(
    played: Played,
) -> None:
    """Makers downstream may have bought what was made of a story's ore; nothing else is held against anybody else.

    Of alerts of every severity the verdict has said that the simulator expects each that is raised.
    """
    assert "✓ the simulator's own account agrees" in played.stdout
    _, _, end = played.stdout.partition("critical and serious alerts still raised")
    grave, _, _ = end.partition("shipments")
    others = [line.split() for line in grave.splitlines() if " sim-" in line]
    assert {rule for _, _, rule, *_ in others} <= {"origin-unlawful"}
    assert all(plant.startswith(("sim-metal-", "sim-magnet-")) for _, _, _, plant, *_ in others)
    assert "example-b/mining_rock" in grave


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


@pytest.mark.parametrize("story", STORIES)
def test_a_story_ends_as_it_deserves(played: Played, story: str) -> None:
    rule, subject, condition = STORIES[story]
    ends = {"recovered", "retracted"} if condition == "recovered" else {condition}  # corrected facts retract it
    assert ends & played.conditions.get((rule, subject), set())


@pytest.mark.parametrize(("rule", "gone"), [("envelope-gap", "example-l-mine-1"), ("envelope-gap", "example-l-mine-2")])
def test_a_gap_that_is_filled_recovers_and_one_that_is_not_stays(played: Played, rule: str, gone: str) -> None:
    found = [c for (r, subject), c in played.conditions.items() if r == rule and subject.startswith(f"{gone}/")]
    assert found == [{"recovered"} if gone == "example-l-mine-1" else {"raised"}]


@pytest.mark.parametrize(("rule", "plant"), [("envelope-fork", "example-k-mine-1"), ("lot-reused", "example-n-mine-1")])
def test_a_fork_and_a_lot_number_used_twice_are_raised(played: Played, rule: str, plant: str) -> None:
    assert any(r == rule and s.partition("/")[0] == plant and "raised" in c for (r, s), c in played.conditions.items())


def test_an_ordinary_correction_a_flood_and_a_backfill_alert_nobody_about_caps(played: Played) -> None:
    caps = {
        s for (r, s), c in played.conditions.items() if r.startswith("cap-overrun") or r == "cap-cleared-by-correction"
    }
    assert not {subject for subject in caps if subject.startswith(("example-d", "example-e", "example-f"))}


def test_real_holders_never_overrun(played: Played) -> None:
    over = {subject for (rule, subject), _ in played.conditions.items() if rule.startswith("cap-overrun")}
    assert over
    assert all(subject.startswith("example-") for subject in over)


@dataclass
class Expected:
    """What a simulator would expect of a database in which nothing ever happened."""

    drawn_g: dict[CapName, int] = field(default_factory=dict)
    granted_g: dict[CapName, int] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    alerts: tuple[object, ...] = ()


CAP = CapName("northern", 2023, "mining_rock")


async def test_an_account_that_agrees_is_proven(connection: Connection) -> None:
    assert (await verdict(connection, Expected())).proven  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("altered", "said"),
    [
        (Expected(drawn_g={CAP: 1}), "northern/mining_rock 2023: drawn 0 g, the simulator says 1 g"),
        (Expected(granted_g={CAP: 5}), "granted None g, the simulator says 5 g"),
        (Expected(messages=Counter(applied=1)), "messages applied: 0, the simulator says 1"),
        (Expected(events=Counter(refused=2)), "events refused: 0, the simulator says 2"),
        (Expected(received=Counter({"plant-production": 3})), "messages received: 0, the simulator says 3"),
    ],
)
async def test_one_figure_that_differs_is_told_and_nothing_is_proven(
    connection: Connection, altered: Expected, said: str
) -> None:
    found = await verdict(connection, altered)  # type: ignore[arg-type]
    assert not found.proven
    assert any(said in difference for difference in found.differences)


@pytest.mark.parametrize(
    "tampering",
    [
        "INSERT INTO caps (holder, year, kind, drawn_g, original_g) VALUES ('northern', 2023, 'mining_rock', 7, 7)",
        "INSERT INTO intake_positions VALUES ('plant-production', 0, 1, 0, 1, 1, 0)",
    ],
    ids=["a-cap-that-the-ledger-does-not-know", "a-message-without-an-outcome"],
)
async def test_a_tampered_database_is_not_proven(connection: Connection, tampering: str) -> None:
    await connection.execute(tampering)
    assert not (await verdict(connection, Expected())).proven  # type: ignore[arg-type]


def test_a_year_that_is_not_proven_ends_with_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "run", lambda *_, **__: False)
    assert CliRunner().invoke(app, ["demo", "--events", "2000"]).exit_code == 1
