"""What regulators subscribe to: alerts in their whole state, acknowledgements, and reports that are ready."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from monazite_contracts.identifiers import Sha256, Text
from monazite_contracts.model import Contract
from monazite_contracts.times import Instant, Month


class Severity(StrEnum):
    """How soon somebody must answer."""

    INFORMATION = "information"
    WARNING = "warning"
    SERIOUS = "serious"
    CRITICAL = "critical"


class Condition(StrEnum):
    """Computed. Retracted: today's facts would never have raised it."""

    RAISED = "raised"
    RECOVERED = "recovered"
    RETRACTED = "retracted"


class Handling(StrEnum):
    """Changed by people only; survives rebuild and recovery."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Subject(Contract):
    """Whom or what an alert is about."""

    kind: Literal["cap", "plant", "gateway", "source", "lot", "enterprise", "topic", "platform"]
    code: Text
    province: Text | None = None
    """Of the plant, when the subject is of a plant; its province's topic then carries the alert too."""


class Alert(Contract):
    """One alert in its whole state. Ignore a lower (epoch, revision) than you have seen of this id."""

    type: Literal["monazite.alert.v1"]
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """Hash of rule, subject and period: the same after a rebuild."""
    epoch: Annotated[int, Field(ge=1)]
    revision: Annotated[int, Field(ge=1)]
    rule: Text
    basis: Text
    """The legal basis, as the rules table has it."""
    severity: Severity
    subject: Subject
    period: str
    """A year, a month, or empty where the rule knows none."""
    condition: Condition
    handling: Handling
    percent: Annotated[int, Field(ge=0)] | None = None
    """Whole percentage of a cap that is drawn."""
    summary: str
    """One sentence for a person."""
    evidence: Mapping[str, JsonValue]
    """The figures that the rule saw; masses in grams, as integers or decimal strings."""
    raised_at: Instant
    changed_at: Instant


class AlertAcknowledged(Contract):
    """Somebody took an alert in hand, or closed it."""

    type: Literal["monazite.alert-acknowledged.v1"]
    alert: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    handling: Handling
    by: Text
    note: Text | None = None
    handled_at: Instant


class ReportReady(Contract):
    """A revision of a month's traceability report exists."""

    type: Literal["monazite.report-ready.v1"]
    month: Month
    level: Literal["nation", "province", "enterprise", "plant"]
    subject: Text
    revision: Annotated[int, Field(ge=1)]
    hash: Sha256
    ready_at: Instant
