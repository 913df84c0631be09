"""`monazite alerts`: narrowed to what is asked for, and one alert with all that it rests on."""

import re
from datetime import UTC, datetime

import pytest
from custody_talk import SEPARATION, chain, judged
from regulator_desk import MINE, Desk, desk, open_desk
from typed_commands import monazite, read, shown

from monazite_consumers.rules.alerts import AlertKey
from monazite_contracts.builders import a_production, a_separation, an_input

__all__ = ["chain", "desk", "open_desk"]

ORE = f"{MINE}/R-1"
OVERDRAWN = AlertKey("lot-overdrawn", SEPARATION, "2023-05")


@pytest.fixture
async def overdrawn(chain: Desk) -> Desk:
    """The separation plant used 18 t of a lot of which it never received anything."""
    await judged(chain, a_production(), a_separation(record="S-1", inputs=[an_input(net_mass_kg="18000.000")]))
    return chain


async def test_one_alert_says_what_it_means_rests_on_and_how_it_clears(overdrawn: Desk) -> None:
    await overdrawn.connection.execute(
        "INSERT INTO handlings VALUES ($1, 'acknowledged', 'Li Wei', 'the plant was called', $2)",
        OVERDRAWN.id, datetime(2023, 6, 21, 1, tzinfo=UTC),
    )  # fmt: skip
    said = await shown(overdrawn, "alerts", OVERDRAWN.id[:8])
    assert said.startswith(f"{SEPARATION} 2023-05: ")
    words = " ".join(said.split())
    assert f"lot {ORE}, in 0 kg, out 18,000 kg" in words
    assert "acknowledged by Li Wei, 2023-06-21 09:00: the plant was called" in words
    for name in ("basis", "clears by", "condition", "docs/findings.md#lot-overdrawn", OVERDRAWN.id):
        assert name in words
    assert (await read(overdrawn, "alerts", OVERDRAWN.id.upper()))["note"] == "the plant was called"


async def test_an_id_that_nothing_or_several_begin_with_says_what_is_meant(overdrawn: Desk) -> None:
    wrong = OVERDRAWN.id[:6] + ("0" if OVERDRAWN.id[6] != "0" else "1") + OVERDRAWN.id[7:10]
    ran = await monazite(overdrawn, "alerts", wrong)
    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 1)
    assert f"no alert's id begins with {wrong} (did you mean {OVERDRAWN.id[:10]}?)" in ran.stderr
    ran = await monazite(overdrawn, "alerts", "")
    assert "several alerts begin with" in ran.stderr


async def test_alerts_are_narrowed_to_a_plant_a_province_a_month_or_a_severity(overdrawn: Desk) -> None:
    every = await read(overdrawn, "alerts")
    for option, name, word in (
        ("--plant", "subject", SEPARATION),
        ("--month", "period", "2023-05"),
        ("--severity", "severity", "warning"),
        ("--province", "province", next(row["province"] for row in every if row["province"])),
    ):
        found = await read(overdrawn, "alerts", option, word)
        assert found == [row for row in every if row[name] == word]
    of_plant = await read(overdrawn, "alerts", "--plant", SEPARATION)
    assert 0 < len(of_plant) < len(every)
    listed = await shown(overdrawn, "alerts", "--plant", SEPARATION)
    assert OVERDRAWN.id[:7] in listed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--plant", "shihe-separatoin"), "did you mean shihe-separation"),
        (("--month", "May"), "write 2023-05"),
        (("--severity", "criticl"), "did you mean critical"),
        (("abcd", "--rule", "lot-overdrawn"), "one alert is shown whole"),
    ],
)
async def test_what_cannot_be_meant_is_said(overdrawn: Desk, arguments: tuple[str, ...], said: str) -> None:
    ran = await monazite(overdrawn, "alerts", *arguments)
    assert ran.returncode != 0
    assert said in re.sub(r"[\s│]+", " ", ran.stderr)
