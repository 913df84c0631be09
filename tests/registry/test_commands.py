"""`monazite registry` as a person and as a program use it."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from monazite.cli import app
from monazite.commands import registry_commands
from monazite_consumers.registry import applying

Write = Callable[[dict[str, str]], Path]
Run = Callable[..., Result]

FILES = {
    "enterprises.yaml": "enterprises:\n  - {code: acme, name: Acme, name_zh: 稀土}\n",
    "caps.yaml": """
allocations:
  - decision: MIIT-joint-raw [2023] 23
    batch: "1"
    year: 2023
    holder: acme
    kind: separation
    issued_on: 2023-03-24
    tonnes_reo: 100
    evidence: read
""",
}


@pytest.fixture
def redecided(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The revisions between which something was re-decided; decisions have tests of their own."""
    seen: list[tuple[int, int]] = []

    async def on_change(connection: Any, before: Any, after: Any, changes: Any) -> None:
        seen.append((before.revision, after.revision))

    monkeypatch.setattr(registry_commands, "_redecide", lambda: on_change)
    return seen


@pytest.fixture
def run(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MONAZITE_DATABASE_URL", dsn)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["registry", *map(str, arguments)])

    return invoke


async def ran(run: Run, *arguments: object) -> Result:
    """In a thread: the command runs an event loop of its own."""
    return await asyncio.to_thread(run, *arguments)


async def test_plan_shows_the_difference_and_says_so_by_its_status(run: Run, directory: Write) -> None:
    folder = directory(FILES)
    shown = await ran(run, "plan", folder)
    assert shown.exit_code == 0
    assert "+ 2023 acme separation 1 grant MIIT-joint-raw [2023] 23" in shown.stdout
    assert "tonnes_reo 100" in shown.stdout
    assert "2 added, 0 changed, 0 removed" in shown.stdout
    assert (await ran(run, "plan", folder, "--exit-code")).exit_code == 2


async def test_apply_shows_the_difference_then_applies_once(
    run: Run, directory: Write, redecided: list[tuple[int, int]]
) -> None:
    folder = directory(FILES)
    first = await ran(run, "apply", folder, "--by", "ada")
    assert first.exit_code == 0
    assert first.stdout.index("+ acme") < first.stdout.index("Applied as revision 1.")
    again = await ran(run, "apply", folder, "--by", "ada")
    assert "Nothing to change" in again.stdout
    assert (await ran(run, "plan", folder, "--exit-code")).exit_code == 0
    assert redecided == [(0, 1)]


async def test_a_changed_field_is_shown_before_and_after(
    run: Run, directory: Write, redecided: list[tuple[int, int]]
) -> None:
    await ran(run, "apply", directory(FILES), "--by", "ada")
    folder = directory({"caps.yaml": FILES["caps.yaml"].replace("100", "120")})
    assert "tonnes_reo: 100 → 120" in (await ran(run, "plan", folder)).stdout
    found = json.loads((await ran(run, "apply", folder, "--by", "grace", "--json")).stdout)
    assert found["revision"] == 2
    assert len(found["digest"]) == 64
    assert [(c["change"], c["fields"]) for c in found["changes"]] == [
        ("changed", {"tonnes_reo": {"before": 100, "after": 120}})
    ]


async def test_nothing_important_is_removed_without_saying_so(
    run: Run, directory: Write, redecided: list[tuple[int, int]]
) -> None:
    await ran(run, "apply", directory(FILES), "--by", "ada")
    folder = directory({"caps.yaml": "", "enterprises.yaml": "enterprises: [{code: beta, name: Beta}]"})
    told = await ran(run, "plan", folder)
    assert "Applying this removes 1 enterprise and 1 allocation: it needs --allow-removals." in told.stdout
    for more in ((), ("--json",)):
        refused = await ran(run, "apply", folder, "--by", "ada", *more)
        assert refused.exit_code == 1
        assert "nothing was applied: it would remove 1 enterprise and 1 allocation" in refused.stderr
        assert "--allow-removals" in refused.stderr
    assert redecided == [(0, 1)]
    allowed = await ran(run, "apply", folder, "--by", "ada", "--allow-removals")
    assert "Applied as revision 2." in allowed.stdout


async def test_what_needs_no_permission_is_removed(
    run: Run, directory: Write, redecided: list[tuple[int, int]]
) -> None:
    approvals = "approvals: [{enterprise: acme, activity: mining, since: 2023-01-01}]"
    await ran(run, "apply", directory({**FILES, "approvals.yaml": approvals}), "--by", "ada")
    gone = await ran(run, "apply", directory({"approvals.yaml": ""}), "--by", "ada")
    assert "0 added, 0 changed, 1 removed" in gone.stdout
    assert "Applied as revision 2." in gone.stdout


async def test_who_comes_second_with_the_same_is_told(
    run: Run, directory: Write, redecided: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = applying.apply

    async def late(connection: Any, planned: Any, *others: Any) -> Any:
        await apply(connection, planned, *others)
        return await apply(connection, planned, *others)

    monkeypatch.setattr(applying, "apply", late)
    told = await ran(run, "apply", directory(FILES), "--by", "ada")
    assert "Meanwhile someone else applied the same: nothing was left to change." in told.stdout
    assert redecided == [(0, 1)]


async def test_every_field_that_is_not_of_the_key_is_shown(run: Run, directory: Write) -> None:
    folder = directory(
        {
            "a.yaml": "enterprises: [{code: select, name: select}]\n"
            "plants: [{code: select, name: Select, province: select}]\n"
            "operations: [{plant: select, enterprise: select, since: 2023-01-01}]\n"
        }
    )
    shown = (await ran(run, "plan", folder)).stdout
    assert "+ select: name select\n" in shown
    assert "+ select: name Select, province select\n" in shown
    assert "+ select 2023-01-01: enterprise select\n" in shown


async def test_show_and_history_tell_the_registry_and_its_making(
    run: Run, directory: Write, redecided: list[tuple[int, int]]
) -> None:
    await ran(run, "apply", directory(FILES), "--by", "ada")
    shown = await ran(run, "show", "enterprises")
    assert "稀土" in shown.stdout
    assert "allocations" not in shown.stdout
    assert "read" not in (await ran(run, "show", "allocations")).stdout
    assert "read" in (await ran(run, "show", "allocations", "--evidence")).stdout
    everything = json.loads((await ran(run, "show", "--json")).stdout)
    assert everything["revision"] == 1
    assert everything["entries"]["allocations"][0]["tonnes_reo"] == 100
    told = await ran(run, "history")
    assert "revision 1" in told.stdout
    assert "by ada" in told.stdout
    rows = json.loads((await ran(run, "history", "--json")).stdout)
    assert {(row["revision"], row["applied_by"], row["change"]) for row in rows} == {(1, "ada", "added")}


async def test_a_refused_registry_is_told_with_status_1(run: Run, directory: Write) -> None:
    refused = await ran(run, "plan", directory({"caps.yaml": FILES["caps.yaml"]}))
    assert refused.exit_code == 1
    assert "caps.yaml:3: allocations [2023 acme separation 1 grant MIIT-joint-raw [2023] 23] holder" in refused.stderr
    assert "Traceback" not in refused.output


async def test_an_unknown_noun_is_asked_back(run: Run) -> None:
    asked = await ran(run, "show", "plant")
    assert asked.exit_code == 2
    assert "did you mean plants?" in asked.output


async def test_nobody_applies_without_a_name(run: Run, directory: Write) -> None:
    folder = directory(FILES)
    assert (await ran(run, "apply", folder)).exit_code == 2
    assert (await ran(run, "apply", folder, "--by", " ")).exit_code == 2


async def test_a_database_that_is_not_there_is_told_in_one_line(run: Run, tmp_path: Path) -> None:
    told = await ran(run, "show", "--database", f"postgresql://postgres@/none?host={tmp_path}")
    assert told.exit_code == 1
    assert "Traceback" not in told.output


def test_the_shipped_directory_is_printed() -> None:
    printed = CliRunner().invoke(app, ["registry", "shipped"]).stdout.strip()
    assert (Path(printed) / "holders.yaml").is_file()
