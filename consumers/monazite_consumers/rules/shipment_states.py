"""How far a shipment can come, and what whoever must act next is to do."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from monazite_consumers.rules.keys import is_outside


class State(StrEnum):
    """How far a shipment has come."""

    UNDER_WAY = "under way"
    RECEIVED = "received"
    """Also what came back from a customer who states nothing."""
    SHORT = "short"
    OVER = "over"
    PARTLY_REFUSED = "partly refused"
    REFUSED = "refused"
    LEFT = "left the register"
    """To somebody who does not report: nobody will state that it arrived."""
    NOT_DISPATCHED = "not dispatched"


TASKS: Final[Mapping[State, str]] = MappingProxyType(
    {
        State.UNDER_WAY: "state the receipt",
        State.SHORT: "weigh again, and correct",
        State.OVER: "weigh again, and correct",
        State.PARTLY_REFUSED: "look for what is missing, and correct",
        State.REFUSED: "look for what is missing, and correct",
        State.NOT_DISPATCHED: "state the dispatch",
    }
)
"""What whoever must act is to do. What was refused is the consignor's stock again, without another word; somebody
must act only if part of it was neither accepted nor refused."""


def task_of(state: State, consignor: str) -> str | None:
    """What whoever must act on a shipment is to do. Who is outside the register cannot state a dispatch."""
    if state is State.NOT_DISPATCHED and is_outside(consignor):
        return "correct the consignor, or state an import or a scrap intake instead"
    return TASKS.get(state)
