"""What a plant installs: the base alone. Contracts work; what needs an extra says which, in one line."""

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from monazite_contracts.envelope import canonical
from monazite_contracts.generate.examples import examples
from monazite_contracts.seal import encode_base64url
from monazite_contracts.sealed_files import seal_file

ROOT = Path(__file__).parents[2]
Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the base dependencies, in the versions that we run with."""
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if uv is None:
        pytest.skip("uv is not installed: `make` brings it")
    folder = tmp_path_factory.mktemp("light")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    (folder / "base.txt").write_text("\n".join(project["project"]["dependencies"]))
    ours = {f"{d.name}=={d.version}" for d in distributions() if d.name != "monazite"}
    (folder / "ours.txt").write_text("\n".join(sorted(ours)))
    python = folder / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", python, "-r", "base.txt", "-c", "ours.txt"]
    # What `make` has brought is in uv's cache; only a new machine asks the index.
    for how in (["--offline"], []):
        tried = subprocess.run([*install, *how], cwd=folder, capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            break
    else:
        pytest.skip(f"the package index does not answer: {tried.stderr[-300:]}")
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    sources = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    (site / "monazite.pth").write_text("\n".join(str((ROOT / path).parent) for path in sources))
    version = project["project"]["version"]
    metadata = site / f"monazite-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: monazite\nVersion: {version}\n")
    return python


def run(light: Path, *arguments: object) -> Ran:
    return subprocess.run(
        [light, "-m", "monazite", *map(str, arguments)],
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_plant_reads_and_checks_contracts(light: Path, tmp_path: Path) -> None:
    listed = run(light, "contracts", "list")
    assert listed.returncode == 0, listed.stderr
    assert "production" in listed.stdout
    assert run(light, "contracts", "export", tmp_path / "contracts").returncode == 0
    assert list((tmp_path / "contracts").rglob("*.json"))


def test_a_plant_forms_seals_and_publishes(light: Path) -> None:
    code = "import monazite_producers.chain, monazite_producers.publisher, monazite_producers.simulator"
    assert subprocess.run([light, "-c", code], check=False).returncode == 0


def test_whoever_has_a_report_and_the_public_key_verifies_it(light: Path, tmp_path: Path) -> None:
    key, file = SigningKey(bytes(32)), tmp_path / "report.json"
    file.write_bytes(seal_file(canonical(examples()["traceability-report.v1"]), key))
    public = encode_base64url(bytes(key.verify_key))
    whole = run(light, "report", "verify", file, "--key", public)
    assert (whole.returncode, "verified" in whole.stdout) == (0, True), whole.stderr
    file.write_bytes(file.read_bytes().replace(b"2023-05", b"2023-06", 1))
    changed = run(light, "report", "verify", file, "--key", public)
    assert (changed.returncode, "was changed" in changed.stderr) == (1, True)


def test_help_lists_every_command(light: Path) -> None:
    shown = run(light, "--help")
    assert shown.returncode == 0, shown.stderr
    assert " caps " in shown.stdout


def test_the_shipped_registry_is_there(light: Path) -> None:
    assert Path(run(light, "registry", "shipped").stdout.strip()).is_dir()


@pytest.mark.parametrize(
    "command",
    [
        ("caps",),
        ("alerts",),
        ("ledger", "reconcile"),
        ("ledger", "rebuild", "--check"),
        ("registry", "show"),
        ("registry", "history"),
        ("registry", "plan", ROOT / "deploy" / "registry"),
        ("serve", "intake"),
        ("migrate",),
        ("up",),
        ("down",),
        ("demo",),
    ],
    ids=lambda command: " ".join(str(part) for part in command[:2]),
)
def test_what_needs_an_extra_says_so_in_one_line(light: Path, command: tuple[object, ...]) -> None:
    told = run(light, *command)
    assert told.returncode == 1
    assert "pip install 'monazite[" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1, told.stderr


RENDERED = """
import sys
sys.path.insert(0, sys.argv[1])
from report_documents import a_nation
from monazite.rendering import ExtraMissingError, render
assert render(a_nation(6), "html").startswith(b"<!DOCTYPE html>")
assert render(a_nation(6), "csv").startswith(b"PK")
for form in ("pdf", "xlsx"):
    try:
        render(a_nation(6), form)
    except ExtraMissingError as error:
        print(error)
"""


def test_a_report_is_rendered_as_page_and_csv_and_what_needs_an_extra_says_so(light: Path) -> None:
    told = subprocess.run([light, "-c", RENDERED, ROOT / "tests"], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert [line[-30:] for line in told.stdout.splitlines()] == ["pip install 'monazite[reports]'"[-30:]] * 2
