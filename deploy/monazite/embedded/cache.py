"""Where what was downloaded is kept, once per user."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from monazite.embedded.errors import DownloadError

VARIABLE = "MONAZITE_CACHE"


def folder(*parts: str) -> Path:
    """A folder in this user's cache, made when it is missing; the variable MONAZITE_CACHE moves the cache."""
    root = Path(os.environ.get(VARIABLE) or platformdirs.user_cache_path("monazite"))
    path = root.joinpath(*parts).absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(
            f"The cache folder {path} cannot be made ({error.strerror}). Set {VARIABLE} to a folder you can write."
        ) from error
    return path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time fills a cache folder; the others wait and then find it full."""
    try:
        handle = (path / ".lock").open("w")
    except OSError as error:
        raise DownloadError(
            f"The cache folder {path} cannot be written ({error.strerror}). Set {VARIABLE} to a folder you can write."
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
