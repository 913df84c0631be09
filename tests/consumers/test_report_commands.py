"""`monazite report` as a person uses it: key, month, list, verify, reproduce, close."""

import asyncio
import json
import stat
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from custody_talk import the_chain
from regulator_desk import MINE, Desk, desk, open_desk, send
from typer.testing import CliRunner, Result

from monazite.cli import app
from monazite.commands.report_proofs import UNCOMPARED
from monazite.errors import CommandError
from monazite.report_key import read_key
from monazite_consumers.errors import NotYetError
from monazite_consumers.rules.entries import Duty
from monazite_contracts.builders import a_declaration, a_production
from monazite_contracts.seal import public_key
from monazite_contracts.sealed_files import open_sealed, seal_file

__all__ = ["desk", "open_desk"]

Run = Callable[..., Any]


@pytest.fixture
async def run(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A platform in June 2023, whose mine has produced and declared in May."""
    monkeypatch.setenv("MONAZITE_DATABASE_URL", desk.url)
    monkeypatch.setenv("MONAZITE_REPORTS__KEY_FILE", str(tmp_path / "keys" / "report.key"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    await desk.declare(the_chain(("duties", Duty(enterprise="shihe", since=date(2023, 5, 1), basis="R2"))))
    for event in (a_production(), a_declaration(record="F-1")):
        await desk.receive(send(event, offset=0))
    await desk.watch(datetime(2023, 6, 5, tzinfo=UTC))
    await desk.follow()

    async def invoke(*arguments: object) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, app, ["report", *map(str, arguments)])

    return invoke


async def ok(run: Run, *arguments: object) -> str:
    result = await run(*arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return str(result.stdout)


async def refused(run: Run, *arguments: object) -> str:
    result = await run(*arguments)
    assert result.exit_code != 0
    assert isinstance(result.exception, (CommandError, NotYetError, SystemExit)), result.exception
    return f"{result.exception} {result.output}"


def written(name: str) -> Any:
    return json.loads(open_sealed(Path(name).read_bytes()).content)


def cut_off(name: str) -> None:
    """Without its last byte."""
    file = Path(name)
    file.write_bytes(file.read_bytes()[:-1])


async def a_key(run: Run) -> str:
    return (await ok(run, "key")).splitlines()[0]


async def test_the_key_is_made_once_and_only_its_owner_may_read_it(run: Run, tmp_path: Path) -> None:
    assert "no signing key" in await refused(run, "month", "2023-05")
    public = await a_key(run)
    assert await a_key(run) == public
    assert public_key(public)
    path = tmp_path / "keys" / "report.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    assert "others may read" in await refused(run, "month", "2023-05")
    path.chmod(0o600)
    path.write_text("no key")
    assert "holds no signing key" in await refused(run, "key")


async def test_before_a_month_is_closed_a_preliminary_report_is_written_and_says_so(run: Run) -> None:
    await a_key(run)
    said = await ok(run, "month", "2023-05", "--for", f"plant {MINE}")
    assert "PRELIMINARY" in said
    assert written(f"monazite-2023-05-plant-{MINE}-preliminary.json")["preliminary"] is True
    assert json.loads(await ok(run, "list", "--json"))["reports"] == []


@pytest.mark.parametrize("form", ["json", "csv", "xlsx", "pdf", "html"])
async def test_every_form_of_a_stored_report_is_sealed_and_verified(run: Run, form: str) -> None:
    public = await a_key(run)
    assert "reports stored" in await ok(run, "close", "2023-05")
    said = await ok(run, "month", "2023-05", "--format", form, "--out", f"nation.{form}")
    assert "revision 1" in said
    assert "PRELIMINARY" not in said
    verified = await ok(run, "verify", f"nation.{form}", "--key", public)
    stored = json.loads(await ok(run, "list", "--json"))["reports"][0]["hash"]
    for word in (
        f"sealed by the given key {public}", "2023-05 for the nation, revision 1", f"hash {stored}",
        "judged at 2023-06-05 08:00:00", "registry revision 1, outage revision 0", "offsets adding up to 2",
        "SIMULATED:",
    ):  # fmt: skip
        assert word in verified
    assert "PRELIMINARY" not in verified
    unasked = await run("verify", f"nation.{form}")
    assert (unasked.exit_code, "verified" in unasked.stdout) == (UNCOMPARED, False)
    assert "compare it with the published one" in unasked.stdout
    cut_off(f"nation.{form}")
    assert "its end is cut off" in await refused(run, "verify", f"nation.{form}", "--key", public)


async def test_a_json_report_is_reproduced_from_the_ledger(run: Run, desk: Desk) -> None:
    await a_key(run)
    await ok(run, "close", "2023-05")
    await ok(run, "month", "2023-05", "--out", "nation.json")
    assert "the same bytes" in await ok(run, "reproduce", "nation.json")
    # Somebody edits what was received: the ledger proves the report no longer.
    await desk.connection.execute("UPDATE ledger SET log_offset = log_offset + 100")
    assert "other bytes than the file" in await refused(run, "reproduce", "nation.json")


async def test_what_is_stored_is_listed_and_earlier_revisions_are_written(run: Run) -> None:
    await a_key(run)
    await ok(run, "close", "2023-05")
    listed = json.loads(await ok(run, "list", "--json"))
    (nation,) = listed["reports"]
    assert listed["format"] == "monazite/reports/1"
    assert datetime.fromisoformat(nation["judged_at"]) == datetime(2023, 6, 5, tzinfo=UTC)
    assert nation["judged_at"][10] == "T"
    assert (nation["month"], nation["level"], nation["revision"]) == ("2023-05", "nation", 1)
    assert len(json.loads(await ok(run, "list", "--json", "--all"))["reports"]) > 1
    assert listed["months_waiting"] == 0
    shown = await ok(run, "list", "--all")
    assert "one by one" not in shown
    assert "plant" in shown
    assert "2023-06-05 08:00" in shown, "in Asia/Shanghai"
    assert "clock" in shown, "the desk's clock is driven, and every screen says so"
    assert "revision 1" in await ok(run, "month", "2023-05", "--revision", "1", "--for", "enterprise shihe")
    assert "no revision 2" in await refused(run, "month", "2023-05", "--revision", "2")


async def test_the_list_says_how_many_closed_months_wait_to_be_compared(run: Run, desk: Desk) -> None:
    await ok(run, "close", "2023-05")
    await desk.receive(send(a_production(record="R-9", lot=f"{MINE}/R-9"), offset=1))
    await desk.watch(datetime(2023, 6, 6, tzinfo=UTC))
    await desk.follow()
    assert json.loads(await ok(run, "list", "--json"))["months_waiting"] == 1
    assert "one by one: 1" in await ok(run, "list")


async def test_what_cannot_be_is_said_in_a_sentence(run: Run, tmp_path: Path) -> None:
    await a_key(run)
    assert "is no month" in await refused(run, "month", "2023-13")
    assert "neither nation nor" in await refused(run, "month", "2023-05", "--for", "shihe")
    assert "nothing is known of plant nowhere" in await refused(run, "month", "2023-05", "--for", "plant nowhere")
    assert "has not ended" in await refused(run, "close", "2023-06")
    assert "the next month to close is 2023-05" in await refused(run, "close", "2021-05")
    assert "reports stored" in await ok(run, "close", "2021-05", "--out-of-turn")
    other = tmp_path / "other.txt"
    other.write_text("hello")
    assert "this is no report" in await refused(run, "verify", other)
    assert "32 bytes in base64url" in await refused(run, "verify", other, "--key", "abc")


@pytest.mark.parametrize("month", ["0900-05", "9999-12", "2023-13", "2023-5", "May", "2100-01"])
async def test_what_is_no_month_is_refused_before_anything_is_asked(run: Run, month: str) -> None:
    for command in ("month", "close"):
        assert "is no month" in await refused(run, command, month)


async def test_what_cannot_be_asked_or_written_is_said_in_a_sentence(run: Run, tmp_path: Path) -> None:
    await a_key(run)
    assert "no code" in await refused(run, "month", "2023-05", "--for", f"plant {'x' * 201}")
    assert "has not begun" in await refused(run, "month", "2024-05")
    (tmp_path / "folder").mkdir()
    for out in ("folder", "missing/nation.json", "/dev/full/nation.json"):
        assert "cannot be written" in await refused(run, "month", "2023-05", "--out", out)
    assert left_beside(tmp_path) == []


async def test_a_key_in_a_folder_that_cannot_be_made_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONAZITE_REPORTS__KEY_FILE", "/dev/null/keys/report.key")
    assert "no signing key can be written" in await refused(run, "key")


def left_beside(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part"))


def another_document(key: Path) -> None:
    Path("other.json").write_bytes(seal_file(b'{"type":"another"}', read_key(key)))


async def test_another_document_under_a_valid_seal_is_no_report(run: Run, tmp_path: Path) -> None:
    await a_key(run)
    another_document(tmp_path / "keys" / "report.key")
    for command in ("verify", "reproduce"):
        assert "no report of this release's form" in await refused(run, command, "other.json")


@pytest.mark.parametrize("form", ["json", "csv", "xlsx", "pdf", "html"])
async def test_whoever_verifies_is_told_that_a_report_is_preliminary(run: Run, form: str) -> None:
    public = await a_key(run)
    await ok(run, "month", "2023-05", "--out", "early", "--format", form)
    assert "PRELIMINARY: computed before" in await ok(run, "verify", "early", "--key", public)


async def test_whoever_proves_a_report_is_told_what_every_screen_says_and_whose_seal_it_bears(
    run: Run, tmp_path: Path
) -> None:
    await a_key(run)
    await ok(run, "month", "2023-05", "--out", "early.json")
    said = await ok(run, "reproduce", "early.json")
    assert "PRELIMINARY: computed before" in said
    assert "clock" in said, "the desk's clock is driven"
    assert "sealed by key" not in said, "it is the platform's own"
    (tmp_path / "keys" / "report.key").rename(tmp_path / "old.key")
    assert "no key here to compare it with" in await ok(run, "reproduce", "early.json")
    await a_key(run)
    assert "not this platform's key of today" in await ok(run, "reproduce", "early.json")


async def test_what_an_older_key_sealed_verifies_by_that_key_and_can_be_written_again_under_the_new_one(
    run: Run, tmp_path: Path
) -> None:
    old = await a_key(run)
    await ok(run, "close", "2023-05")
    await ok(run, "month", "2023-05", "--out", "before.pdf", "--format", "pdf")
    (tmp_path / "keys" / "report.key").rename(tmp_path / "old.key")
    assert "a new signing key was made" in await ok(run, "key")
    new = await a_key(run)
    assert new != old
    assert f"the seal is another key's ({old}), not that of {new}" in await refused(
        run, "verify", "before.pdf", "--key", new
    )
    before = await ok(run, "verify", "before.pdf", "--key", new, "--key", old)
    assert f"given key {old}" in before
    await ok(run, "month", "2023-05", "--out", "after.pdf", "--format", "pdf")
    after = await ok(run, "verify", "after.pdf", "--key", new)
    assert after.splitlines()[1:] == before.splitlines()[1:], "the same document under another seal"
