"""kill -9 of the process that runs the servers."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from monazite.embedded import folder, leftovers
from monazite.embedded.servers import running

PARENT = """
import json, sys, time
from pathlib import Path
from monazite.embedded.servers import running
with running(Path(sys.argv[1]) if len(sys.argv) > 1 else None) as servers:
    pids = [servers.kafka.pid, servers.postgres.pid]
    print(json.dumps({"pids": pids, "folder": str(servers.folder.path)}), flush=True)
    time.sleep(600)
"""


def until(condition: Callable[[], object], limit_s: float = 90) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < limit_s, "the condition was not met in time"
        time.sleep(0.01)
    return time.monotonic() - started


def test_kill_9_of_the_parent_leaves_nothing_behind_and_the_next_start_works(tmp_path: Path) -> None:
    told = start_and_kill_parent(str(tmp_path / "data"))
    assert until(lambda: not any(leftovers.started_at(pid) for pid in told["pids"])) < 30
    assert until(lambda: not at_work_in(tmp_path / "data")) < 30
    with running(tmp_path / "data") as again:
        assert again.kafka.alive
        assert again.postgres.alive


def test_a_start_at_once_after_kill_9_of_the_parent_works(tmp_path: Path) -> None:
    start_and_kill_parent(str(tmp_path / "data"))
    with running(tmp_path / "data") as again:
        assert again.kafka.alive
        assert again.postgres.alive


def test_the_temporary_directory_of_a_killed_parent_is_removed_by_the_next_start() -> None:
    told = start_and_kill_parent()
    assert Path(told["folder"]).exists()
    with folder.opened(None) as ours:
        assert ours.path.exists()
        assert not Path(told["folder"]).exists()
    assert not ours.path.exists()


def start_and_kill_parent(*arguments: str) -> dict[str, Any]:
    with subprocess.Popen([sys.executable, "-c", PARENT, *arguments], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        told: dict[str, Any] = json.loads(parent.stdout.readline())
        parent.kill()
    return told


def at_work_in(path: Path) -> list[psutil.Process]:
    def names(process: psutil.Process) -> bool:
        try:
            return str(path) in " ".join(process.cmdline()) or Path(process.cwd()).is_relative_to(path)
        except (psutil.Error, OSError):
            return False

    return [process for process in psutil.process_iter() if process.pid != os.getpid() and names(process)]
