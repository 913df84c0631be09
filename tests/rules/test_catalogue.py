"""Every rule has a row, a test that it fires and a test that it clears."""

from pathlib import Path

import pytest
from rule_coverage import fires, said, uncovered

from monazite_consumers.rules.catalogue import RULES

HERE = Path(__file__).parent


def test_every_rule_has_a_test_that_it_fires_and_one_that_it_clears() -> None:
    assert uncovered(HERE, RULES) == []


def test_a_rule_without_tests_would_be_noticed() -> None:
    assert uncovered(HERE, [*RULES, "made-up-today"]) == [
        "made-up-today has no test that it fires",
        "made-up-today has no test that it clears",
    ]


def test_a_test_that_is_no_test_covers_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("@fires('cap-80')\ndef helper(): ...\n@clears('cap-80')\ndef test_it(): ...\n")
    assert list(said(tmp_path)) == [("clears", "cap-80")]


def test_a_test_cannot_claim_a_rule_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="cap-81"):
        fires("cap-81")
    with pytest.raises(ValueError, match="no such rules"):
        fires()


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_a_row_says_everything(rule: object) -> None:
    for name in ("id", "subject", "basis", "title", "clears"):
        assert getattr(rule, name), name


def test_what_is_told_to_a_plant_says_what_to_do() -> None:
    told = {rule.id for rule in RULES.values() if rule.subject == "plant" and not rule.quiet}
    assert {rule for rule in told if not RULES[rule].remedy} == set()


def test_only_what_is_missing_is_an_absence() -> None:
    about_events = {r.id for r in RULES.values() if r.fires_on == "absence" and r.about == "event"}
    assert about_events == {"amendment-without-target", "envelope-gap"}
    assert {r.id for r in RULES.values() if r.settles != "soon"} <= {
        r.id for r in RULES.values() if r.fires_on == "absence"
    }
