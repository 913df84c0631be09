"""The servers run for root and for an ordinary user alike."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import asyncpg
import psutil
import pytest

from monazite.embedded import jars, postgres
from monazite.embedded.servers import Servers, running

BOTH = """
import sys
from pathlib import Path
from monazite.embedded.servers import running
with running(Path(sys.argv[1])) as servers:
    print(servers.kafka.alive and servers.postgres.alive)
"""


async def ask(servers: Servers, query: str) -> object:
    connection = await asyncpg.connect(servers.addresses.postgres)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up being root")
async def test_as_root_postgres_runs_as_somebody_else_in_folders_that_stay_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with running(closed / "data", kafka=False) as up:
        assert await ask(up, "SELECT 1") == 1
        assert psutil.Process(up.postgres.pid).uids().effective != 0
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives up being root")
def test_as_root_a_wheel_in_a_closed_folder_is_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        monkeypatch.setattr(postgres, "SHARED_CACHE", Path(open_to_all, "cache"))
        monkeypatch.setattr(postgres, "_is_open", lambda _installed, _account: False)
        for _ in range(2):
            with running(kafka=False) as up:
                assert psutil.Process(up.postgres.pid).exe().startswith(open_to_all)
        assert len(list(Path(open_to_all, "cache").iterdir())) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="the rest of these tests already runs as an ordinary user")
def test_an_ordinary_user_can_run_both() -> None:
    python = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")
    if python is None or shutil.which("runuser") is None:
        pytest.skip("no Python of this version that an ordinary user can reach")
    with tempfile.TemporaryDirectory() as home:
        for jar in jars.class_path():
            Path(home, "cache", *jar.parts[-3:-1]).mkdir(parents=True, exist_ok=True)
            shutil.copy(jar, Path(home, "cache", *jar.parts[-3:]))
        for path in (Path(home), *Path(home).rglob("*")):
            shutil.chown(path, "nobody")
        environment = {
            "PATH": os.environ["PATH"],
            "MONAZITE_CACHE": f"{home}/cache",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        argv = ["runuser", "-u", "nobody", "--", python, "-c", BOTH, f"{home}/data"]
        told = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=240)
    assert told.returncode == 0, told.stderr
    assert told.stdout == "True\n"
