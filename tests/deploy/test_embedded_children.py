"""Child processes: started, watched, stopped, and gone soon after their parent."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from monazite.embedded import children, folder, launch, leftovers
from monazite.embedded.children import Child, Program
from monazite.embedded.errors import ChildError

SLEEP = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
)
PARENT = """
import sys, time
from pathlib import Path
from monazite.embedded import children
folder = Path(sys.argv[1])
argv = (sys.executable, "-c", "import time; time.sleep(600)")
with children.running([children.Program("one", argv, folder / "one.log")], folder) as [child]:
    print(child.pid, flush=True)
    time.sleep(600)
"""


def a_program(tmp_path: Path, argv: tuple[str, ...] = SLEEP, **changes: object) -> Program:
    return Program(**({"name": "one", "argv": argv, "log": tmp_path / "one.log"} | changes))  # type: ignore[arg-type] # fields by name


def until(condition: Callable[[], object], limit_s: float = 90) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < limit_s, "the condition was not met in time"
        time.sleep(0.01)
    return time.monotonic() - started


def says_up(tmp_path: Path) -> Callable[[int], bool]:
    return lambda _pid: "up" in (tmp_path / "one.log").read_text()


def test_a_child_is_ready_when_start_returns_and_gone_when_stop_returns(tmp_path: Path) -> None:
    child = Child(a_program(tmp_path, ready=says_up(tmp_path)), tmp_path)
    child.start()
    assert child.alive
    assert "up" in child.log_tail()
    child.stop()
    assert not child.alive
    assert child.exit_code == -signal.SIGTERM
    assert not psutil.pid_exists(child.pid)


def test_a_restarted_child_is_another_process(tmp_path: Path) -> None:
    with children.running([a_program(tmp_path)], tmp_path) as [child]:
        before = child.pid
        child.restart()
        assert child.alive
        assert child.pid != before


def test_a_killed_child_can_be_started_again(tmp_path: Path) -> None:
    with children.running([a_program(tmp_path)], tmp_path) as [child]:
        child.kill()
        assert child.exit_code == -signal.SIGKILL
        child.start()
        assert child.alive


def test_a_child_cannot_be_started_twice(tmp_path: Path) -> None:
    with children.running([a_program(tmp_path)], tmp_path) as [child], pytest.raises(ChildError, match="already runs"):
        child.start()


def test_a_child_that_dies_at_its_start_tells_the_end_of_its_log(tmp_path: Path) -> None:
    argv = (sys.executable, "-c", "import sys; sys.exit('the cap is missing')")
    child = Child(a_program(tmp_path, argv, ready=lambda _pid: False), tmp_path)
    with pytest.raises(ChildError, match=r"exit code 1(?s:.*)the cap is missing"):
        child.start()
    assert list(tmp_path.glob("*.json")) == []


def test_the_log_of_an_earlier_run_is_not_blamed(tmp_path: Path) -> None:
    (tmp_path / "one.log").write_text("an old failure\n")
    child = Child(a_program(tmp_path, (sys.executable, "-c", "raise SystemExit(3)"), ready=lambda _: False), tmp_path)
    with pytest.raises(ChildError, match="it wrote nothing") as refused:
        child.start()
    assert "an old failure" not in str(refused.value)


def test_a_child_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    child = Child(a_program(tmp_path, ready=lambda _pid: False, ready_wait_s=0.2), tmp_path)
    with pytest.raises(ChildError, match="not ready"):
        child.start()
    assert not child.alive


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    child = Child(a_program(tmp_path, ("/nowhere/monazite",), ready=lambda _pid: False), tmp_path)
    with pytest.raises(ChildError, match=r"/nowhere/monazite: .*No such file"):
        child.start()


def test_a_child_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    program = a_program(tmp_path, STUBBORN, ready=says_up(tmp_path), stop_wait_s=0.2)
    with children.running([program], tmp_path) as [child]:
        child.stop()
        assert child.exit_code == -signal.SIGKILL


def test_children_started_before_a_failing_one_are_stopped(tmp_path: Path) -> None:
    broken = a_program(tmp_path, ("/nowhere/monazite",), name="broken", ready=lambda _pid: False)
    before = living_children()  # servers of the session among them
    with pytest.raises(ChildError), children.running([a_program(tmp_path), broken], tmp_path):
        pytest.fail("it must not get here")
    assert living_children() <= before


def living_children() -> set[psutil.Process]:
    return {child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE}


def test_a_child_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    # The kernel sends the death signal when the starting thread ends; a thread of our own must do the starting.
    child = Child(a_program(tmp_path, ready=says_up(tmp_path)), tmp_path)
    thread = threading.Thread(target=child.start)
    thread.start()
    thread.join()
    with pytest.raises(TimeoutError):
        child.wait(0.3)
    child.stop()


def test_kill_9_of_the_parent_ends_the_child(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    assert until(lambda: not _runs(pid)) < 30


def test_a_child_started_by_a_parent_that_is_already_gone_gives_up(tmp_path: Path) -> None:
    nobody = str(2**22 + 1)  # above the kernel's highest process id
    argv = [sys.executable, str(launch.__file__), nobody, "9", "-1", "-1", "1", *SLEEP]
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "the parent process is gone" in ended.stdout
    assert ended.returncode == 127


def test_call_hands_over_the_input_and_refuses_a_failure(tmp_path: Path) -> None:
    children.call(a_program(tmp_path, (sys.executable, "-c", "print(input())")), "grams")
    assert (tmp_path / "one.log").read_text() == "grams\n"
    with pytest.raises(ChildError, match=r"exit code 1(?s:.*)no grams"):
        children.call(a_program(tmp_path, (sys.executable, "-c", "raise SystemExit('no grams')")))


def test_a_leftover_is_ended_by_the_next_start(tmp_path: Path) -> None:
    with folder.opened(tmp_path / "data") as data:
        run = data.run
    with subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL) as leftover:
        leftovers.remember(run, a_record(leftover.pid))
        with folder.opened(tmp_path / "data"):
            assert not _runs(leftover.pid)
    assert list(run.glob("*.json")) == []


@pytest.mark.parametrize("change", ["started_at", "argv"])
def test_an_innocent_process_with_a_leftovers_id_is_spared(tmp_path: Path, change: str) -> None:
    with subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL) as innocent:
        record = a_record(innocent.pid)
        other = {"started_at": record.started_at - 60, "argv": ("java", "kafka.Kafka")}
        leftovers.remember(tmp_path, leftovers.Record(**(vars(record) | {change: other[change]})))
        assert leftovers.clear(tmp_path) == []
        assert innocent.poll() is None
        innocent.kill()


def test_a_damaged_record_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "kafka.json").write_text('{"name": "ka')
    assert leftovers.clear(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def a_record(pid: int) -> leftovers.Record:
    until(lambda: psutil.Process(pid).cmdline())
    return leftovers.Record("one", pid, leftovers.started_at(pid), SLEEP, signal.SIGKILL)


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_large_log_is_moved_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "ROTATE_BYTES", 3)
    (tmp_path / "one.log").write_text("from an earlier run")
    children.call(a_program(tmp_path, (sys.executable, "-c", "print('new')")))
    assert (tmp_path / "one.log").read_text() == "new\n"
    assert (tmp_path / "one.log.1").read_text() == "from an earlier run"
