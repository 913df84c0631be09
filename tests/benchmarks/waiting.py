"""Waits for processes that work through a backlog, and says when they no longer do."""

from collections.abc import Sequence
from time import monotonic, sleep

from monazite.embedded.children import Child

POLL_S = 0.1
STILL_S = 60.0


class Progress:
    """Notes how far it is, and sleeps between two looks."""

    def __init__(self, processes: Sequence[Child]) -> None:
        self._processes = processes
        self._seen: float = -1.0
        self._changed_at = monotonic()

    def note(self, seen: float) -> None:
        """Raises RuntimeError when a process has ended, or when nothing has moved for long."""
        if seen != self._seen:
            self._seen, self._changed_at = seen, monotonic()
        ended = [child for child in self._processes if not child.alive]
        if ended or monotonic() - self._changed_at > STILL_S:
            tails = "\n".join(child.log_tail() for child in ended or self._processes)
            raise RuntimeError(f"{[child.name for child in self._processes]} stopped at {seen:,}:\n{tails}")
        sleep(POLL_S)
