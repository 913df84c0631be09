"""Turns: custody stands back for intake while intake is at work, and never for longer than it has worked itself."""

from typing import Final

REST_MAX_S: Final = 1.0


class Turns:
    """Whether intake decided something since the last portion, and how long custody rests for it.

    A rest is as long as the portion before it, so custody has half of the time however long intake is busy.
    """

    def __init__(self) -> None:
        self._numbered: int | None = None

    def rest_s(self, numbered: int, took_s: float) -> float:
        """Seconds to rest after a portion that took so long; `numbered`: the newest number of a message."""
        before, self._numbered = self._numbered, numbered
        return min(took_s, REST_MAX_S) if before is not None and numbered > before else 0.0
