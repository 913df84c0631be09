"""The process that checks seals for intake: `seals` asks, this answers. It imports little, for it is one a member."""

import signal
import sys
from contextlib import suppress
from functools import lru_cache
from struct import Struct, error
from typing import BinaryIO

from monazite_contracts.seal import public_key, verifies

COUNT = Struct("!I")
"""How many questions follow."""

HEAD = Struct("!43s64sI")
"""A public key in base64url, a seal, and the size of the value that follows."""

_verify_key = lru_cache(maxsize=4_096)(public_key)


def answer(questions: BinaryIO, answers: BinaryIO) -> None:
    """One byte a question, until whoever asks has gone."""
    while len(count := questions.read(COUNT.size)) == COUNT.size:
        rights = bytearray()
        for _ in range(*COUNT.unpack(count)):
            key, seal, size = HEAD.unpack(questions.read(HEAD.size))
            rights.append(verifies(questions.read(size), seal, _verify_key(key.decode())))
        answers.write(rights)
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who presses Ctrl-C means intake, and this ends with it
    with suppress(BrokenPipeError, error):  # whoever asked has gone in the middle of a question
        answer(sys.stdin.buffer, sys.stdout.buffer)
