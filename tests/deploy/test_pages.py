"""Generated pages say what the code says."""

from pathlib import Path

import pytest

from monazite import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages.PAGES[name](), "run `make docs`"


def test_a_stale_page_is_noticed(tmp_path: Path) -> None:
    pages.write(tmp_path)
    stale = tmp_path / "rules.md"
    stale.write_text(stale.read_text().replace("cap-overrun", "cap-overflow"))
    assert stale.read_text() != pages.rules_page()


def test_every_rule_that_alerts_is_on_the_page() -> None:
    page = pages.rules_page()
    assert all(f"`{rule.id}`" in page for rule in pages.RULES.values() if not rule.quiet)


def test_every_finding_is_explained_to_officials_on_its_legal_basis() -> None:
    sections = (DOCS / "findings.md").read_text(encoding="utf-8").split("\n### ")[1:]
    explained = {section.split("`")[1]: section for section in sections}
    assert explained.keys() == pages.RULES.keys()
    for rule, section in explained.items():
        assert f"* **Basis:** {pages.RULES[rule].basis}\n" in section, rule
        assert "* **Clears by:** " in section, rule
        assert "* **Do:** " in section, rule
