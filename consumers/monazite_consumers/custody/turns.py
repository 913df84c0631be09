"""Turns: custody stands back for intake while intake is at work, and new messages for what is still to be judged."""

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


PORTIONS_MIN: Final = 20
"""That follow new messages before these stand back."""


class Judging:
    """Whether new messages stand back until everything that was followed has been judged.

    So months, which come last, are judged however far intake is ahead. New messages have as many portions as they last
    stood back for, and no fewer than so many: each side has half of the time for ever.
    """

    def __init__(self) -> None:
        self.is_on = False
        self._portions = self._lasted = 0

    def note(self, *, is_all: bool) -> None:
        """A portion is done; whether it left nothing."""
        self._portions += 1
        if is_all:
            self._lasted = self._portions if self.is_on else 0
        if is_all or (not self.is_on and self._portions >= max(PORTIONS_MIN, self._lasted)):
            self.is_on, self._portions = not is_all, 0
