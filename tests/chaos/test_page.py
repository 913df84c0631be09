"""The record of a long run that is made in parts."""

from pathlib import Path

import pytest

from chaos import page
from chaos.comparing import Verdict
from chaos.ordeal import Row


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "reliability.md"
    path.write_text("# Page\n\n<!-- long -->\n\nNot run for the record yet.\n\n<!-- end -->\n\nThe end.\n")
    monkeypatch.setattr(page, "PAGE", path)
    return path


def test_parts_add_up_and_the_slowest_recovery_stands(empty: Path) -> None:
    for row in (Row("a kill", 4, recovery_s=1.5), Row("a cut", 1), Row("a kill", 6, recovery_s=0.5)):
        page.put("long", page.recorded("long", [row]))
    text = empty.read_text()
    assert "| a kill | 10 | 0 | 0 | 1.5 s |" in text
    assert "| a cut | 1 | 0 | 0 |" in text
    assert text.startswith("# Page\n\n<!-- long -->\n")
    assert text.endswith("<!-- end -->\n\nThe end.\n")


def test_what_one_part_lost_is_not_made_good_by_the_next(empty: Path) -> None:
    for row in (Row("a kill", 1, Verdict(lost=2, doubled=1)), Row("a kill", 1)):
        page.put("long", page.recorded("long", [row]))
    assert "| a kill, **failed** | 1 | 2 | 1 |" in empty.read_text()


def test_a_fault_that_misbehaved_is_not_told_as_one_that_was_stood(empty: Path) -> None:
    page.put("long", page.recorded("long", [Row("a cut", 1, failures=["intake was spinning"])]))
    assert "| a cut, **failed** | 1 |" in empty.read_text()


def test_what_several_faults_answer_for_together_is_told_once() -> None:
    verdict = Verdict(differences={"caps": ["one is wrong"]})
    rows = [Row("a kill", 1, verdict), Row("a cut", 1, verdict, failures=["it never came back"])]
    assert page.complaints(rows).splitlines() == [
        "a kill: caps: 1 differ", "    one is wrong", "a cut: it never came back",
    ]  # fmt: skip
