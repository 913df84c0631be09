"""Kafka's jars: downloaded once, checked always."""

import gc
import shutil
import threading
import warnings
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from monazite.embedded import cache, jars, lock
from monazite.embedded.errors import ChecksumError, DownloadError

UNREACHABLE = {"here": "http://127.0.0.1:9"}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A registry on this machine: its folder, and what to give to class_path."""
    root = tmp_path / "registry"
    root.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=root)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield root, {"here": f"http://127.0.0.1:{server.server_address[1]}"}
        server.shutdown()
        thread.join()
    with warnings.catch_warnings():
        # jgo leaves the connection of a refused download to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of our own that holds all jars."""
    real = jars.class_path()
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    folder = cache.folder("kafka", lock.KAFKA.rpartition(":")[2])
    for jar in real:
        (folder / jar.name).hardlink_to(jar)
    return folder


def a_small_jar() -> lock.Jar:
    return min(lock.read(), key=lambda jar: jar.size)


def publish(jar: lock.Jar, root: Path, content: bytes) -> None:
    group, artifact, version = jar.coordinates.split(":")
    path = root.joinpath(*group.split("."), artifact, version, jar.filename)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)


def damage(path: Path) -> bytes:
    content = path.read_bytes()
    path.unlink()  # it is a hard link
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    return content


def test_what_is_cached_needs_no_registry(cached: Path) -> None:
    said: list[str] = []
    paths = jars.class_path(said.append, UNREACHABLE)
    assert [path.name for path in paths] == [jar.filename for jar in lock.read()]
    assert said == []


def test_a_damaged_jar_is_downloaded_again(cached: Path, registry: tuple[Path, dict[str, str]]) -> None:
    root, registries = registry
    jar = a_small_jar()
    publish(jar, root, damage(cached / jar.filename))
    said: list[str] = []
    jars.class_path(said.append, registries)
    assert jars.is_right(jar, cached / jar.filename)
    assert said == ["Downloading Kafka's jars (1, 0 MB)"]
    assert list(cached.glob(".download-*")) == []


def test_a_missing_jar_and_an_unreachable_registry_are_explained(cached: Path) -> None:
    (cached / a_small_jar().filename).unlink()
    with pytest.raises(DownloadError, match="Check the network"):
        jars.class_path(registries=UNREACHABLE)


def test_a_registry_that_sends_something_else_is_refused(cached: Path, registry: tuple[Path, dict[str, str]]) -> None:
    root, registries = registry
    jar = a_small_jar()
    content = damage(cached / jar.filename)
    publish(jar, root, content + b"!")
    with pytest.raises(ChecksumError, match=jar.coordinates):
        jars.class_path(registries=registries)
    assert not jars.is_right(jar, cached / jar.filename)


def test_a_registry_without_the_jar_is_explained(cached: Path, registry: tuple[Path, dict[str, str]]) -> None:
    jar = a_small_jar()
    (cached / jar.filename).unlink()
    with pytest.raises(DownloadError, match=jar.coordinates):
        jars.class_path(registries=registry[1])


def test_a_cache_that_cannot_be_made_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, "/dev/null/cache")
    with pytest.raises(DownloadError, match=cache.VARIABLE):
        jars.class_path()


def test_the_lock_file_says_what_the_lock_module_would_ask_for(tmp_path: Path) -> None:
    locked = lock.read()
    assert [jar.coordinates for jar in locked[:2]] == [lock.KAFKA, lock.SLF4J]
    assert len({jar.filename for jar in locked}) == len(locked) == 46
    lock.write(locked, tmp_path / "again.lock")
    assert (tmp_path / "again.lock").read_text() == lock.LOCK_FILE.read_text()


def test_a_full_copy_of_the_cache_is_enough(cached: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(tmp_path / "cache", tmp_path / "copy")
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "copy"))
    assert all(path.is_relative_to(tmp_path / "copy") for path in jars.class_path(registries=UNREACHABLE))
