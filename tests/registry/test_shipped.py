"""The registry that ships: regenerated, compared, and what it says of 2023 and 2024."""

import csv
import importlib.util
import re
import shutil
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from nacl.signing import SigningKey

from monazite import shipped
from monazite_consumers.registry.files import entries
from monazite_consumers.rules.closings import is_owed
from monazite_consumers.rules.entries import NOUNS, Operation, Settings
from monazite_consumers.rules.grants import granted_g
from monazite_consumers.rules.registry import Registry
from monazite_contracts.catalogue import CapKind
from monazite_contracts.seal import encode_base64url

ROOT = Path(__file__).parents[2]
TONNE = 1_000_000
ROCK, IONIC, SEPARATION = CapKind.MINING_ROCK, CapKind.MINING_IONIC, CapKind.SEPARATION


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_allocations", ROOT / "scripts" / "make_allocations.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.of(1, entries(shipped.registry()))


def test_the_shipped_allocations_are_what_the_script_makes(script: ModuleType) -> None:
    made = script.make()
    assert set(made) == {f"{batch}.yaml" for batch in ("2023-1", "2023-2", "2023-3", "2024-1", "2024-2")}
    for name, text in made.items():
        assert (shipped.registry() / name).read_text(encoding="utf-8") == text, "run scripts/make_allocations.py"


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "source" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def every_row() -> list[tuple[str, int]]:
    folder = shipped.registry()
    totals = rows(folder, "quota_totals")
    return [("allocations", n) for n in range(len(rows(folder, "allocations")))] + [
        ("quota_totals", n) for n, row in enumerate(totals) if row["year"] in {"2023", "2024"}
    ]


@pytest.mark.parametrize(("name", "number"), every_row())
def test_one_tampered_tonne_anywhere_is_refused(script: ModuleType, tmp_path: Path, name: str, number: int) -> None:
    folder = tmp_path / "registry"
    shutil.copytree(shipped.registry(), folder)
    tampered = rows(folder, name)
    tampered[number]["tonnes_reo"] = str(int(tampered[number]["tonnes_reo"]) + 1)
    with (folder / "source" / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, tampered[0].keys())
        writer.writeheader()
        writer.writerows(tampered)
    with pytest.raises(script.DoesNotAddUpError, match=tampered[number]["year"]):
        script.make(folder)


def test_a_batch_without_a_published_total_is_refused(script: ModuleType) -> None:
    allocation = {"year": "2023", "batch": "9", "kind": "separation", "tonnes_reo": "0"}
    found = list(script.differences([allocation], []))
    assert "2023 batch 9, separation: no published national total to check against" in found


def granted_t(registry: Registry, holder: str, year: int, kind: CapKind, day: date) -> int:
    return granted_g(registry.grants(holder, year, kind), day) // TONNE


def test_the_national_totals_come_out(registry: Registry) -> None:
    found: dict[tuple[int, CapKind], int] = {}
    for holder, year, kind in registry.granted_caps():
        found[year, kind] = found.get((year, kind), 0) + granted_t(registry, holder, year, kind, date(2025, 1, 1))
    assert found == {
        (2023, ROCK): 235_850,
        (2023, IONIC): 19_150,
        (2023, SEPARATION): 243_850,
        (2024, ROCK): 250_850,
        (2024, IONIC): 19_150,
        (2024, SEPARATION): 254_000,
    }


def test_a_cap_grows_with_each_batch(registry: Registry) -> None:
    days = (date(2023, 3, 23), date(2023, 3, 24), date(2023, 9, 25), date(2023, 12, 14))
    assert [granted_t(registry, "northern", 2023, ROCK, day) for day in days] == [0, 80_943, 166_650, 178_650]


@pytest.mark.parametrize("former", ["guangdong", "xiamen"])
def test_the_folded_holders_draw_on_their_own_caps_in_2023_and_on_the_groups_in_2024(
    registry: Registry, former: str
) -> None:
    everything: list[tuple[str, Any]] = [(noun, each) for noun, found in registry.entries.items() for each in found]
    with_plant = Registry.of(
        2, [*everything, ("operations", Operation(plant="plant", enterprise=former, since=date(2020, 1, 1)))]
    )
    assert with_plant.holders("plant", date(2023, 12, 31)) == (former,)
    assert "creg" in with_plant.holders("plant", date(2024, 1, 1))
    assert with_plant.listed("plant", SEPARATION, date(2023, 12, 31))
    assert with_plant.listed("plant", SEPARATION, date(2024, 1, 1))
    assert with_plant.grants(former, 2024, SEPARATION) == ()


def test_everything_shipped_says_how_sure_it_is_and_is_not_invented(registry: Registry) -> None:
    for noun, found in registry.entries.items():
        for each in found:
            assert each.evidence, (noun, each.key)
            assert not getattr(each, "invented", False)
            assert not getattr(each, "simulated", False)
    assert all(each.issued_on_evidence for each in registry.entries["allocations"])


def test_whoever_mines_or_separates_owes_flow_records_since_order_71(registry: Registry) -> None:
    still_there = {"northern", "creg", "guangdong"}
    for enterprise in still_there:
        assert not registry.duties.bind(enterprise, date(2025, 8, 21))
        assert registry.duties.bind(enterprise, date(2025, 8, 22))
    assert {duty.enterprise for duty in registry.entries["duties"]} == still_there
    assert registry.duties.first_day == date(2025, 8, 22)
    assert not is_owed("2025-08", registry), "no plant is shipped: nobody can owe its record"


def explained() -> dict[str, str]:
    """The example of each noun in the README's table."""
    text = (shipped.registry() / "README.md").read_text(encoding="utf-8")
    table = text.partition("## Every noun")[2].partition("## Every setting")[0]
    return dict(re.findall(r"^\| `(\w+)` \| .+ \| `(\{.+\})` \|$", table, re.MULTILINE))


def test_the_readme_shows_an_example_of_every_noun_that_can_be_applied(tmp_path: Path) -> None:
    examples = explained()
    assert set(examples) == set(NOUNS)
    key = encode_base64url(bytes(SigningKey(bytes(32)).verify_key))
    lines = [f"{noun}:\n  {'' if noun == 'settings' else '- '}{text}\n" for noun, text in examples.items()]
    others = "  - {code: northern, name: Northern}\n  - {code: oldhe, name: Oldhe}\n"
    lines[0] += others
    (tmp_path / "registry.yaml").write_text("".join(lines).replace("KEY", key), encoding="utf-8")
    assert {noun for noun, _ in entries(tmp_path)} == set(NOUNS)


def test_the_readme_shows_every_setting_with_its_default(tmp_path: Path) -> None:
    text = (shipped.registry() / "README.md").read_text(encoding="utf-8")
    block = text.partition("## Every setting")[2].partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "settings.yaml").write_text(block, encoding="utf-8")
    assert entries(tmp_path) == (("settings", Settings()),)
    assert entries(tmp_path)[0][1].model_fields_set == set(Settings.model_fields)


def test_the_shipped_directory_is_found_in_a_wheel_and_missed_loudly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "monazite"
    package.mkdir()
    monkeypatch.setattr(shipped, "_PACKAGE", package)
    with pytest.raises(FileNotFoundError, match="without its registry data"):
        shipped.registry()
    shutil.copytree(ROOT / "deploy" / "registry", package / "registry_data")
    assert shipped.registry() == package / "registry_data"
