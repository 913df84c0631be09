"""Child processes that cannot outlive their parent for long: the servers and the platform's own services."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from monazite.embedded import launch, leftovers, nursery
from monazite.embedded.errors import ChildError

POLL_S = 0.02
TAIL_LINES = 15
TAIL_BYTES = 16_384
ROTATE_BYTES = 10_000_000


@dataclass(frozen=True)
class Account:
    """A system user that a program runs as."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Program:
    """What to run and how it wants to be stopped."""

    name: str
    argv: tuple[str, ...]
    log: Path  # standard output and error, appended
    env: Mapping[str, str] | None = None  # None: this process's own environment
    account: Account | None = None  # None: this process's own user
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    stop_wait_s: float = 20.0
    # What the kernel sends when the parent dies. Everything we run is built to survive it.
    death_signal: signal.Signals = signal.SIGKILL
    ready: Callable[[int], bool] = field(default=lambda _pid: True, compare=False)  # asked with the child's pid
    ready_wait_s: float = 60.0
    before_start: Callable[[], None] = field(default=lambda: None, compare=False)


class Child:
    """One program with a process that can be started, stopped, killed and started again."""

    def __init__(self, program: Program, state: Path) -> None:
        self.program = program
        self._state = state  # the folder of the records for the next start
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._asked = False

    @property
    def name(self) -> str:
        """The program's name."""
        return self.program.name

    @property
    def pid(self) -> int:
        """The process id, also when the process has ended."""
        return self._started().pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -9 after a SIGKILL."""
        return self._started().poll()

    def start(self) -> None:
        """Starts the process and waits until it is ready; raises ChildError with the end of its log when it is not."""
        if self.alive:
            raise ChildError(f"{self.name} already runs with process id {self.pid}.")
        self.program.before_start()
        self._log_start = _rotated(self.program.log)
        self._asked = False
        self._process = _spawn(self.program)
        started_at = leftovers.started_at(self.pid)
        record = leftovers.Record(self.name, self.pid, started_at, self.program.argv, self.program.death_signal)
        leftovers.remember(self._state, record)
        self._wait_ready()

    def ask_to_stop(self, *, in_order: bool = True) -> None:
        """Sends the stop signal, or the death signal when order does not matter; once, without waiting."""
        if self.alive and not self._asked:
            self._asked = True
            self._started().send_signal(self.program.stop_signal if in_order else self.program.death_signal)

    def stop(self) -> None:
        """Stops the process in good order, or by force when it takes too long; no matter if it already ended."""
        self.ask_to_stop()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self.program.stop_wait_s)
            self.kill()

    def kill(self) -> None:
        """SIGKILL, then waits until the process is gone; no matter if it already ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            leftovers.forget(self._state, self.name)

    def restart(self) -> None:
        """Stops it if it runs, then starts the same program again."""
        self.stop()
        self.start()

    def wait(self, limit_s: float | None = None) -> int:
        """Waits for the end of the process and returns its exit code; raises TimeoutError after the limit."""
        try:
            return self._started().wait(limit_s)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{self.name} still runs after {limit_s} s") from error

    def log_tail(self) -> str:
        """The last lines that the process wrote since its start."""
        return _tail(self.program.log, self._log_start)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ChildError(f"{self.name} was not started.")
        return self._process

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + self.program.ready_wait_s
        while self.alive:
            if self.program.ready(self.pid):
                return
            if time.monotonic() > deadline:
                self.kill()
                raise ChildError(self._complaint(f"was not ready after {self.program.ready_wait_s:.0f} s"))
            time.sleep(POLL_S)
        leftovers.forget(self._state, self.name)
        raise ChildError(self._complaint(f"ended at its start with exit code {self.exit_code}"))

    def _complaint(self, what: str) -> str:
        tail = self.log_tail() or "(it wrote nothing)"
        return f"{self.name} {what}. The end of its log, {self.program.log}:\n{tail}"


@contextmanager
def running(programs: Sequence[Program], state: Path) -> Iterator[list[Child]]:
    """Starts programs one after the other, ready before the next; stops them in the opposite order."""
    children = [Child(program, state) for program in programs]
    try:
        for child in children:
            child.start()
        yield children
    finally:
        for child in reversed(children):
            child.stop()


def call(program: Program, text: str = "", limit_s: float = 120.0) -> None:
    """Runs a program to its end with this text as its input; raises ChildError unless it exits with 0."""
    start = _rotated(program.log)
    process = _spawn(program, stdin=subprocess.PIPE)
    try:
        process.communicate(text.encode(), timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    if process.returncode != 0:
        tail = _tail(program.log, start)
        raise ChildError(f"{program.name} failed with exit code {process.returncode}. The end of its log:\n{tail}")


def _spawn(program: Program, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    account = program.account
    as_whom = (account.uid, account.gid) if account else (-1, -1)
    ours, report = os.pipe()
    with open(ours, "rb") as told:  # noqa: PTH123 - a file descriptor, not a path
        numbers = [str(int(number)) for number in (os.getpid(), program.death_signal, *as_whom, report)]
        # -I -S: neither this project nor site packages are loaded, which saves 40 ms and any surprise.
        argv = [sys.executable, "-I", "-S", launch.__file__, *numbers, *program.argv]
        try:
            process = nursery.run(lambda: _launch(program, argv, stdin, report))
        finally:
            os.close(report)
        complaint = told.read().decode(errors="replace")  # ends when the program runs
    if complaint:
        process.communicate()
        raise ChildError(f"{program.name} cannot be started: {complaint}")
    return process


def _launch(program: Program, argv: list[str], stdin: int, report: int) -> subprocess.Popen[bytes]:
    with program.log.open("ab") as log:
        # A session of its own: Ctrl-C in the terminal reaches the parent only, which stops its children in order.
        return subprocess.Popen(
            argv,
            stdin=stdin,
            stdout=log,
            stderr=log,
            env=program.env,
            cwd=program.cwd,
            start_new_session=True,
            pass_fds=(report,),
        )


def _rotated(log: Path) -> int:
    """Moves a log that has grown too large aside; returns where the next line will stand."""
    log.parent.mkdir(parents=True, exist_ok=True)
    size = log.stat().st_size if log.exists() else 0
    if size < ROTATE_BYTES:
        return size
    log.replace(log.with_name(f"{log.name}.1"))
    return 0


def _tail(log: Path, start: int) -> str:
    try:
        with log.open("rb") as handle:
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(start, size - TAIL_BYTES))
            lines = handle.read().decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-TAIL_LINES:])
