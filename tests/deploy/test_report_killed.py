"""Whoever writes a report's file and dies in the middle leaves what was there before, or the whole new one."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from nacl.signing import SigningKey
from report_documents import a_report

from monazite import report_files
from monazite_contracts.sealed_files import open_sealed

TESTS = Path(__file__).parents[1]
KEY = SigningKey(bytes(32))
DYING = """
import os, pathlib, signal, sys
from nacl.signing import SigningKey
from report_documents import a_report
from monazite import report_files

def die_at(name, when):
    known = getattr(pathlib.Path, name)
    def deadly(self, *arguments):
        if when == "after":
            known(self, *arguments)
        elif name == "write_bytes":
            known(self, arguments[0][:100])
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(pathlib.Path, name, deadly)

path, name, when = sys.argv[1:]
die_at(name, when)
report_files.write(a_report(revision=2), "json", SigningKey(bytes(32)), pathlib.Path(path))
"""


def killed(path: Path, name: str, when: str) -> None:
    command = [sys.executable, "-c", DYING, str(path), name, when]
    done = subprocess.run(command, check=False, env={"PYTHONPATH": str(TESTS)}, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("name", "when", "revision"),
    [("write_bytes", "before", 1), ("write_bytes", "after", 1), ("replace", "before", 1), ("replace", "after", 2)],
)
def test_a_file_is_the_old_one_or_the_new_one(tmp_path: Path, name: str, when: str, revision: int) -> None:
    path = tmp_path / "report.json"
    report_files.write(a_report(), "json", KEY, path)
    killed(path, name, when)
    open_sealed(path.read_bytes(), [KEY.verify_key])
    assert f'"revision":{revision}'.encode() in path.read_bytes()
    report_files.write(a_report(revision=3), "json", KEY, path)
    assert b'"revision":3' in path.read_bytes(), "what lies beside stands in nobody's way"
