"""How many of our own faults a member bears before it stops: a rate, so that one odd message halts nobody."""

from typing import Final

FAULTS_MAX: Final = 100
"""Messages that may be parked in a burst."""

DECIDED_PER_FAULT: Final = 10
"""So many messages that are decided make room for one more: above this rate it is no odd message, it is us."""


class Patience:
    """What is left of it."""

    def __init__(self) -> None:
        self._left = FAULTS_MAX * DECIDED_PER_FAULT

    def decided(self, messages: int) -> None:
        """So many messages were decided without a fault."""
        self._left = min(self._left + messages, FAULTS_MAX * DECIDED_PER_FAULT)

    def endures(self) -> bool:
        """Counts one message that made our own code raise; false when that was one too many."""
        self._left -= DECIDED_PER_FAULT
        return self._left >= 0
