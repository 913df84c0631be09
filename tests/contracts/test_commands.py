"""`monazite contracts`: shows, validates, exports, and helps who mistypes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from monazite.cli import app
from monazite_contracts import builders as a
from monazite_contracts.generate.examples import examples
from monazite_contracts.generate.files import generated_files
from monazite_contracts.messages import MESSAGES


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"}).invoke(app, ["contracts", *arguments])


def validated(path: Path, content: bytes | str) -> tuple[int, list[dict[str, Any]]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = run("validate", str(path), "--json")
    return result.exit_code, json.loads(result.stdout)


def test_the_list_names_every_type() -> None:
    listed = json.loads(run("list", "--json").stdout)
    assert [f"{row['name']}.v{row['version']}" for row in listed] == [message.title for message in MESSAGES]
    assert "production" in run("list").stdout


@pytest.mark.parametrize("asked", ["production", "production.v1", "monazite.production.v1", "PRODUCTION"])
def test_a_type_is_shown_by_its_short_or_full_name(asked: str) -> None:
    shown = json.loads(run("show", asked, "--json").stdout)
    assert shown["schema"]["title"] == "production.v1"
    assert shown["example"]["type"] == "monazite.production.v1"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.title)
def test_every_type_can_be_shown_to_a_person(message: Any) -> None:
    result = run("show", message.name)
    assert result.exit_code == 0
    assert all(name in result.stdout for name in message.model.model_fields)


def test_a_mistyped_name_gets_its_neighbours() -> None:
    result = run("show", "prodction")
    assert result.exit_code == 2
    assert "Did you mean production" in result.output
    assert "contracts list" in run("show", "zzzzzz").output


@pytest.mark.parametrize("title", [message.title for message in MESSAGES])
def test_every_example_validates(title: str, tmp_path: Path) -> None:
    code, found = validated(tmp_path / "file.json", json.dumps(examples()[title], indent=2))
    assert code == 0
    assert found
    assert all(not checked["problems"] for checked in found)


def test_every_problem_of_a_field_is_named_with_rule_and_remedy(tmp_path: Path) -> None:
    event = a.a_production(net_mass_kg=1.5, origin="mars", colour="red")
    code, found = validated(tmp_path / "file.json", json.dumps(event))
    assert code == 1
    (checked,) = found
    problems = {problem["field"]: problem["rule"] for problem in checked["problems"]}
    assert problems == {
        "data.net_mass_kg": "wrong-format",
        "data.origin": "not-in-list",
        "data.colour": "unknown-field",
    }
    assert all(problem["remedy"] for problem in checked["problems"])
    table = run("validate", str(tmp_path / "file.json")).stdout
    assert "data.origin" in table
    assert "0 understood, 1 refused" in table


def test_json_lines_of_events_and_envelopes_are_counted_by_line(tmp_path: Path) -> None:
    envelope = a.an_envelope([a.a_production(), a.a_dispatch()]).decode()
    lines = [json.dumps(a.a_loss()), "", envelope, "{broken", json.dumps({"type": "monazite.heartbeat.v1"})]
    code, found = validated(tmp_path / "file.jsonl", "\n".join(lines))
    assert code == 1
    rules = {checked["where"]: {problem["rule"] for problem in checked["problems"]} for checked in found}
    assert rules == {
        "line 1": set(),
        "line 3, event 1": set(),
        "line 3, event 2": {"wrong-stream"},
        "line 4": {"not-json"},
        "line 5": {"missing-field"},
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\xff\xfe",
        b"7",
        b"[]",
        b"null",
        b"{}",
        b'{"type":[]}',
        b'{"type":"[/red]\x1b[31m"}',
        b'{"type":"monazite.loss.v1","type":"monazite.loss.v1"}',
        b"[" * 500 + b"]" * 500,
        b"[" * 5000,
        b'{"events":[1,2]}',
        a.an_envelope([a.a_loss()]).replace(b'"sequence":1', b'"sequence":"1"'),
    ],
)
def test_whatever_the_file_holds_the_answer_is_a_refusal_and_no_traceback(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    for options in ([], ["--json"]):
        result = run("validate", str(path), *options)
        assert result.exit_code == 1
        assert result.exception is None or isinstance(result.exception, SystemExit)


def test_the_export_writes_every_generated_file(tmp_path: Path) -> None:
    assert run("export", str(tmp_path)).exit_code == 0
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == set(generated_files())


def test_the_export_removes_what_is_no_more(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "gone.v1.schema.json").write_text("{}")
    (tmp_path / "schemas" / "note.txt").write_text("mine")
    run("export", str(tmp_path))
    assert not (tmp_path / "schemas" / "gone.v1.schema.json").exists()
    assert (tmp_path / "schemas" / "note.txt").exists()
