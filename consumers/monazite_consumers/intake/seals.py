"""Checks seals in a process beside intake, while intake decides.

Intake never waits for an answer: what is not known when it is needed, it checks itself.
"""

import asyncio
import fcntl
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Iterable
from contextlib import suppress

from monazite_consumers.database import back_off
from monazite_consumers.intake import answering
from monazite_consumers.intake.answering import COUNT, HEAD
from monazite_consumers.rules.envelopes import Proof

log = logging.getLogger(__name__)

ASKED_AT_ONCE = 64
UNDERWAY_BYTES = 1024 * 1024
"""Of values that are asked about and not answered: the largest pipe that Linux gives to an ordinary user."""


class Seals:
    """Asks a child process about seals, in order. `proven` fills up while others work."""

    def __init__(self) -> None:
        self.proven: set[Proof] = set()
        self._questions: asyncio.WriteTransport | None = None
        self._unasked: deque[Proof] = deque()
        self._asked: deque[Proof] = deque()
        self._underway_bytes = 0

    def check(self, sealed: Iterable[Proof]) -> None:
        """Asks about these seals, and forgets the others."""
        self.proven = set()
        self._unasked = deque(sealed)
        self._ask()

    def forget(self) -> None:
        """Nobody needs an answer any more."""
        self.check(())

    async def run(self) -> None:
        """Until cancelled; a child that ends is replaced."""
        attempt = 0
        while True:
            try:
                child, self._questions = await _start()
                if await self._listen(child):
                    attempt = 0
                log.warning("the process that checks seals has ended: %s", await child.wait())
            except OSError as error:
                log.warning("no process can be started to check seals: %s", error)
            await back_off(attempt)
            attempt += 1

    async def _listen(self, child: Process) -> bool:
        """Until the child ends; whether it ever answered."""
        assert child.stdout is not None  # noqa: S101 - it is a pipe
        has_answered = False
        try:
            while answers := await child.stdout.read(4_096):
                has_answered = True
                self._hear(answers)
        finally:
            if self._questions is not None and not self._questions.is_closing():
                self._questions.abort()  # the child ends with the pipe
            with suppress(ProcessLookupError):
                child.kill()  # unless somebody has stopped it
            await child.wait()
            self._questions, self._underway_bytes = None, 0
            self._asked.clear()
        return has_answered

    def _ask(self) -> None:
        questions = self._questions
        if questions is None or questions.is_closing():  # a closed one must not be written to: on uvloop that raises
            return
        while chunk := self._chunk():
            parts = (part for key, seal, value in chunk for part in (HEAD.pack(key.encode(), seal, len(value)), value))
            questions.write(b"".join((COUNT.pack(len(chunk)), *parts)))

    def _chunk(self) -> list[Proof]:
        """The next to ask about, as far as there is room."""
        chunk: list[Proof] = []
        while self._unasked and len(chunk) < ASKED_AT_ONCE and self._underway_bytes < UNDERWAY_BYTES:
            chunk.append(self._unasked.popleft())
            self._underway_bytes += HEAD.size + len(chunk[-1][2])
        self._asked += chunk
        return chunk

    def _hear(self, answers: bytes) -> None:
        for is_right in answers:
            proof = self._asked.popleft()
            self._underway_bytes -= HEAD.size + len(proof[2])
            if is_right:
                self.proven.add(proof)
        self._ask()


async def _start() -> tuple[Process, asyncio.WriteTransport]:
    """The child, and the pipe of questions to it."""
    theirs, ours = os.pipe()
    questions = os.fdopen(ours, "wb", 0)
    try:
        with suppress(AttributeError, OSError):  # elsewhere than on Linux a pipe is smaller, and the child waits more
            fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, UNDERWAY_BYTES)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", answering.__name__, stdin=theirs, stdout=PIPE
        )
    except BaseException:
        questions.close()
        raise
    finally:
        os.close(theirs)
    transport, _ = await asyncio.get_running_loop().connect_write_pipe(asyncio.BaseProtocol, questions)
    return child, transport
