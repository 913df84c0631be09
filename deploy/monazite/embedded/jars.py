"""Brings Kafka's jars to this machine, once per user, and checks every one of them against the lock file."""

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from monazite.embedded import cache, lock, progress
from monazite.embedded.errors import ChecksumError, DownloadError
from monazite.embedded.lock import Jar

AT_ONCE = 6
ATTEMPTS = 3
TIMEOUT_S = 30


def class_path(
    on_progress: Callable[[str], None] = progress.silent, registries: Mapping[str, str] | None = None
) -> list[Path]:
    """Paths of all locked jars, each with the right checksum; downloads what is missing or damaged.

    Raises DownloadError when a registry cannot be reached and ChecksumError when it sends something else.
    """
    jars = lock.read()
    folder = cache.folder("kafka", _version(jars))
    if _unusable(jars, folder):
        with cache.locked(folder):
            missing = _unusable(jars, folder)  # another process may have brought them while we waited
            if missing:
                _download(missing, folder, on_progress, registries)
    return [folder / jar.filename for jar in jars]


def _version(jars: list[Jar]) -> str:
    return jars[0].coordinates.rpartition(":")[2]


def _unusable(jars: list[Jar], folder: Path) -> list[Jar]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        right = pool.map(lambda jar: is_right(jar, folder / jar.filename), jars)
        return [jar for jar, is_fine in zip(jars, right, strict=True) if not is_fine]


def is_right(jar: Jar, path: Path) -> bool:
    """Whether this file is the locked jar."""
    try:
        if path.stat().st_size != jar.size:
            return False
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


def _download(
    jars: list[Jar], folder: Path, on_progress: Callable[[str], None], registries: Mapping[str, str] | None
) -> None:
    size = sum(jar.size for jar in jars)
    title = f"Kafka's jars ({len(jars)}, {size / 1e6:.0f} MB)"
    on_progress(f"Downloading {title}")
    # Beside the cache: whoever reads the cache never sees half a file.
    staging = Path(tempfile.mkdtemp(prefix=".download-", dir=folder))
    try:
        with progress.bar(title, size) as advance, ThreadPoolExecutor(AT_ONCE) as pool:
            context = _context(staging, advance, registries)
            fetched = [pool.submit(_fetch, jar, context, folder) for jar in jars]
            try:
                for future in fetched:
                    future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _context(staging: Path, advance: Callable[[int], None], registries: Mapping[str, str] | None) -> Any:
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - heavy; most starts find everything cached

    once_at_a_time = threading.Lock()

    @contextmanager
    def report(_filename: str, _size: int) -> Iterator[Callable[[int], None]]:
        def update(count: int) -> None:
            with once_at_a_time:
                advance(count)

        yield update

    resolver = PythonResolver(progress_callback=report)
    remotes = None if registries is None else dict(registries)
    return MavenContext(resolver=resolver, repo_cache=staging, remote_repos=remotes, timeout=TIMEOUT_S)


def _fetch(jar: Jar, context: Any, folder: Path) -> None:
    artifact = context.create_dependency(jar.coordinates).artifact
    for attempt in range(1, ATTEMPTS + 1):
        try:
            path = Path(artifact.resolve())
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors, jgo's own are RuntimeErrors
            if attempt == ATTEMPTS:
                raise DownloadError(
                    f"{jar.coordinates} could not be downloaded ({error}). {DownloadError.__doc__}"
                ) from error
            continue
        if is_right(jar, path):
            path.replace(folder / jar.filename)
            return
        path.unlink()
    raise ChecksumError(f"{jar.coordinates} does not have the sha256 {jar.sha256}. {ChecksumError.__doc__}")
