"""The messages, one row each: name, version, model, and what it is told apart by. Everything generated starts here."""

from dataclasses import dataclass
from difflib import get_close_matches
from types import UnionType
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel

from monazite_contracts import events
from monazite_contracts.alerts import Alert, AlertAcknowledged, ReportReady
from monazite_contracts.control import RelayControl
from monazite_contracts.deadletters import DeadLetter
from monazite_contracts.envelope import Envelope
from monazite_contracts.heartbeat import Heartbeat
from monazite_contracts.receipts import Receipt, ResendRequest
from monazite_contracts.reports import TraceabilityReport


@dataclass(frozen=True, slots=True)
class Message:
    """One row. An `event` travels inside envelopes; a `record` is a Kafka record's whole value; a `file` is sealed."""

    name: str
    version: int
    model: type[BaseModel]
    travels: Literal["event", "record", "file"]

    @property
    def title(self) -> str:
        """Name and version, as files and people write them: `production.v1`."""
        return f"{self.name}.v{self.version}"

    @property
    def type(self) -> str | None:
        """The value of the field `type`; None for the envelope, which has none."""
        return None if self.model is Envelope else f"monazite.{self.title}"


def _type_of(model: type[BaseModel]) -> str:
    (stated,) = get_args(model.model_fields["type"].annotation)
    return str(stated)


def _typed(model: type[BaseModel], travels: Literal["event", "record", "file"]) -> Message:
    _, name, version = _type_of(model).split(".")
    return Message(name, int(version.removeprefix("v")), model, travels)


def _event_models() -> tuple[type[Any], ...]:
    union: UnionType = get_args(events.Event)[0]
    return get_args(union)


MESSAGES: Final = (
    Message("envelope", 1, Envelope, "record"),
    *(_typed(model, "event") for model in _event_models()),
    *(
        _typed(model, "record")
        for model in (
            Heartbeat, Receipt, ResendRequest, Alert, AlertAcknowledged, ReportReady, DeadLetter, RelayControl,
        )
    ),
    _typed(TraceabilityReport, "file"),
)  # fmt: skip
"""Every message type and version."""

_BY_TITLE: Final = {message.title: message for message in MESSAGES}


def find_message(asked: str) -> Message | None:
    """The newest version of a name, or exactly `production.v1`, or `monazite.production.v1`."""
    title = asked.strip().lower().removeprefix("monazite.")
    if title in _BY_TITLE:
        return _BY_TITLE[title]
    of_name = [message for message in MESSAGES if message.name == title.replace("_", "-")]
    return max(of_name, key=lambda message: message.version, default=None)


def near_names(asked: str) -> list[str]:
    """Names that somebody may have meant, the likeliest first."""
    return get_close_matches(asked.lower(), [message.name for message in MESSAGES], n=3, cutoff=0.5)
