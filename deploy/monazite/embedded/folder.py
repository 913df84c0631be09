"""The data directory of one running copy: who uses it, and what lies where."""

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from monazite.embedded import leftovers
from monazite.embedded.errors import DataError, DataInUseError, DiskFullError

LOCK = "lock"
TEMPORARY = "monazite-embedded-"
# A fresh Kafka and PostgreSQL take 100 MB; below this they would soon fail in the middle of their work.
FREE_BYTES_MIN = 512_000_000
NOT_WRITABLE = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.ENOENT, errno.EEXIST, errno.ENAMETOOLONG}
)


@dataclass(frozen=True)
class DataFolder:
    """A data directory that is ours until the context ends."""

    path: Path
    temporary: bool

    @property
    def kafka(self) -> Path:
        """Kafka's data and configuration."""
        return self.path / "kafka"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory."""
        return self.path / "postgres"

    @property
    def logs(self) -> Path:
        """One log file for each child."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Records of the children, for the next start."""
        return self.path / "run"

    def note(self, name: str) -> dict[str, int]:
        """Small numbers kept from one start to the next; empty when there are none."""
        try:
            return {str(key): int(value) for key, value in json.loads((self.path / name).read_text()).items()}
        except (OSError, ValueError):
            return {}

    def keep(self, name: str, numbers: dict[str, int]) -> None:
        """Writes what note reads."""
        (self.path / name).write_text(json.dumps(numbers))


@contextmanager
def opened(data: Path | None) -> Iterator[DataFolder]:
    """Takes hold of a data directory, or of a temporary one that is removed at the end, and clears its leftovers."""
    if data is None:
        sweep()
        path = Path(tempfile.mkdtemp(prefix=TEMPORARY)).resolve()
    else:
        path = data.expanduser().resolve()
    folder = DataFolder(path, temporary=data is None)
    with in_words(path):
        _make(folder)
        lock = _taken(path)
    with lock:
        try:
            leftovers.clear(folder.run)
            yield folder
        finally:
            lock.truncate(0)
            if folder.temporary:
                shutil.rmtree(path, ignore_errors=True)


def occupant(data: Path) -> int | None:
    """The process id of whoever runs on this data directory now."""
    try:
        told = json.loads((data.expanduser() / LOCK).read_text())
        pid, started_at = int(told["pid"]), float(told["started_at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    real = leftovers.started_at(pid)
    return pid if real and abs(real - started_at) <= leftovers.START_TIME_SLACK_S else None


def sweep() -> None:
    """Removes temporary data directories whose process was killed, and ends what it left running."""
    for path in Path(tempfile.gettempdir()).glob(f"{TEMPORARY}*"):
        with suppress(OSError):
            ours = path.is_dir() and path.stat().st_uid == os.geteuid()
            # Without a name in the lock the directory is being made at this moment.
            if ours and (path / LOCK).stat().st_size > 0 and occupant(path) is None:
                leftovers.clear(path / "run")
                shutil.rmtree(path, ignore_errors=True)


@contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Says in words what is wrong with the disk while the servers' files are made."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFullError(f"The disk of {path} is full. {DiskFullError.__doc__}") from error
        if error.errno in NOT_WRITABLE:
            raise DataError(f"{path} cannot be written ({error}). {DataError.__doc__}") from error
        raise


def _make(folder: DataFolder) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    for part in (folder.kafka, folder.logs, folder.run):
        part.mkdir(exist_ok=True)
        part.chmod(0o700)
    if os.geteuid() == 0:
        folder.path.chmod(folder.path.stat().st_mode | 0o011)  # PostgreSQL's user passes through
    free = shutil.disk_usage(folder.path).free
    if free < FREE_BYTES_MIN:
        raise DiskFullError(f"Only {free // 1_000_000} MB free at {folder.path}. {DiskFullError.__doc__}")


def _taken(path: Path) -> IO[str]:
    """The lock; the kernel lets go of it when this process dies, however it dies."""
    lock = (path / LOCK).open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.truncate(0)
        json.dump({"pid": os.getpid(), "started_at": psutil.Process().create_time()}, lock)
        lock.flush()
    except BlockingIOError as error:
        lock.close()
        raise DataInUseError(
            f"Process {occupant(path) or '(just starting)'} runs on {path}. {DataInUseError.__doc__}"
        ) from error
    except OSError:
        lock.close()
        raise
    return lock
