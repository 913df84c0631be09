"""The demo as a new user runs it, and the proof that its verdict can fail."""

import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field

import pytest
from typer.testing import CliRunner

from monazite.cli import app
from monazite.demo import show
from monazite.demo.verdict import verdict
from monazite_consumers.database import Connection
from monazite_producers.simulator import CapName


@pytest.fixture(scope="module")
def played() -> "subprocess.CompletedProcess[str]":
    """The smallest year, in a terminal wide enough for its tables."""
    return subprocess.run(
        [sys.executable, "-m", "monazite", "demo", "--events", "2000"],
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=1_200,
        check=False,
    )


def test_the_year_is_proven_and_the_demo_ends_well(played: "subprocess.CompletedProcess[str]") -> None:
    assert played.returncode == 0, played.stdout[-3_000:] + played.stderr[-3_000:]


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
def test_the_demo_says_what_it_has_proven_and_what_is_not_real(
    played: "subprocess.CompletedProcess[str]", line: str
) -> None:
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
def test_every_story_of_misconduct_raises_its_rule(played: "subprocess.CompletedProcess[str]", rule: str) -> None:
    _, _, table = played.stdout.partition("Alerts by rule")
    assert re.search(rf"^ *{rule} ", table.partition("alerts still raised")[0], re.MULTILINE)


def test_the_end_tells_who_has_left_goods_on_the_road_unanswered(played: "subprocess.CompletedProcess[str]") -> None:
    assert "3 shipments, 3 late" in played.stdout
    assert "EXAMPLE-Q-MINE-1-FORGOTTEN" in played.stdout


def test_ordinary_plants_end_the_year_without_a_grave_alert_but_for_what_they_bought(
    played: "subprocess.CompletedProcess[str]",
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
