"""The image's locks say what the project's lock says, and cover what the image installs. Needs no Docker."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy" / "docker"

Pins = dict[str, tuple[str, frozenset[str]]]


def pins(lock: Path) -> Pins:
    """Version and hashes by name."""
    found = re.finditer(
        r"^([a-z0-9.-]+)==(\S+)(.*?)(?=^[a-z]|\Z)", lock.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    return {match[1]: (match[2], frozenset(re.findall(r"sha256:[0-9a-f]{64}", match[3]))) for match in found}


def disagreements(image: Pins, project: Pins) -> list[str]:
    return [name for name, pinned in image.items() if project.get(name) != pinned]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^A-Za-z0-9._-]", requirement)[0] for requirement in requirements}


def test_the_images_lock_agrees_with_the_projects() -> None:
    image, project = pins(IMAGE / "requirements.lock"), pins(ROOT / "requirements.lock")
    assert image
    assert not disagreements(image, project), "the command in deploy/docker/README.md makes it again"


def test_another_version_or_another_hash_is_a_disagreement() -> None:
    project = {"a": ("1", frozenset({"sha256:1"}))}
    assert disagreements({"a": ("2", frozenset({"sha256:1"}))}, project) == ["a"]
    assert disagreements({"a": ("1", frozenset({"sha256:2"}))}, project) == ["a"]
    assert disagreements({"b": ("1", frozenset({"sha256:1"}))}, project) == ["b"]


def test_the_images_lock_has_what_base_and_platform_name_and_nothing_of_the_other_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    locked = pins(IMAGE / "requirements.lock").keys()
    assert names(project["dependencies"]) | names(extras["platform"]) <= locked
    assert not names(extras["embedded"]) & locked


def test_the_build_lock_is_made_from_what_the_project_asks_to_build() -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    assert (IMAGE / "build.in").read_text(encoding="utf-8").split() == asked
    assert names(asked) <= pins(IMAGE / "build.lock").keys()
