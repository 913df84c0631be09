"""Remembers started children in files, so that the next start finds those that a killed parent left behind."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

# psutil derives a start time from ticks of 10 ms and the boot time in whole seconds.
START_TIME_SLACK_S = 2.0
FORCE_AFTER_S = 5.0


@dataclass(frozen=True)
class Record:
    """One started child, precise enough that a recycled process id is never taken for it."""

    name: str
    pid: int
    started_at: float  # seconds since the epoch, as psutil tells it
    argv: tuple[str, ...]
    death_signal: int


def remember(folder: Path, record: Record) -> None:
    """Writes the record whole or not at all."""
    unfinished = folder / f"{record.name}.json.new"
    unfinished.write_text(json.dumps(asdict(record)))
    unfinished.replace(folder / f"{record.name}.json")


def forget(folder: Path, name: str) -> None:
    """Removes the record of a child that has ended."""
    (folder / f"{name}.json").unlink(missing_ok=True)


def clear(folder: Path) -> list[str]:
    """Ends every recorded child that still runs; returns their names."""
    found: list[tuple[Record, psutil.Process]] = []
    for path in sorted(folder.glob("*.json")):
        record = _read(path)
        process = living(record) if record else None
        if record and process:
            found.append((record, process))
    for record, process in found:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(record.death_signal)
    end(process for _, process in found)
    for path in folder.glob("*.json"):
        path.unlink(missing_ok=True)
    return [record.name for record, _ in found]


def end(processes: Iterable[psutil.Process]) -> None:
    """Waits a little for processes that were told to end, then kills those that did not."""
    _, stubborn = psutil.wait_procs(list(processes), timeout=FORCE_AFTER_S)
    for process in stubborn:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=FORCE_AFTER_S)


def living(record: Record) -> psutil.Process | None:
    """The recorded child if it runs; None when it is gone or when its process id now belongs to another."""
    try:
        process = psutil.Process(record.pid)
        same_start = abs(process.create_time() - record.started_at) <= START_TIME_SLACK_S
        same_program = tuple(process.cmdline()) == record.argv
        alive = process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None
    return process if same_start and same_program and alive else None


def _read(path: Path) -> Record | None:
    try:
        told = json.loads(path.read_text())
        return Record(told["name"], told["pid"], told["started_at"], tuple(told["argv"]), told["death_signal"])
    except (OSError, ValueError, KeyError, TypeError):
        # A disk that filled up while it was written; without it the child's own locks still refuse a second copy.
        return None


def started_at(pid: int) -> float:
    """When a process started; 0 when it is gone, also when nobody has taken note of its end yet."""
    try:
        process = psutil.Process(pid)
        return 0.0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return 0.0
