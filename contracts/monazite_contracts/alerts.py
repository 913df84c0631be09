"""What regulators subscribe to: alerts in their whole state, acknowledgements, and reports that are ready."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from monazite_contracts.identifiers import Sha256, Text
from monazite_contracts.model import Contract, Form
from monazite_contracts.times import Instant, Month

AlertId = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{32}$"),
    Form("Hash of rule, subject and period: the same after a rebuild."),
]
"""Hash of rule, subject and period, 128 bits in lower-case hexadecimal."""


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

    kind: Literal["cap", "plant", "gateway", "enterprise", "topic", "platform"]
    """What `code` names."""
    code: Text
    """Its registered code, or its name in the kind's own form."""
    province: Text | None = None
    """Of the plant, when the subject is of a plant; its province's topic then carries the alert too."""


class Alert(Contract):
    """One alert in its whole state. Ignore a lower (epoch, revision) than you have seen of this id."""

    type: Literal["monazite.alert.v1"]
    id: AlertId
    epoch: Annotated[int, Field(ge=1)]
    """Grows when the platform was restored from a backup."""
    revision: Annotated[int, Field(ge=1)]
    """Grows with every publication of this alert in an epoch."""
    rule: Text
    """Id of the rule that found it."""
    basis: Text
    """The legal basis, as the rules table has it."""
    severity: Severity
    subject: Subject
    period: Annotated[str, StringConstraints(max_length=200)]
    """A year, a month, or empty where the rule knows none."""
    condition: Condition
    handling: Handling
    percent: Annotated[int, Field(ge=0)] | None = None
    """Whole percentage of a cap that is drawn."""
    summary: str
    """One sentence for a person."""
    simulated: bool = False
    """True: plants on this platform are simulated, and nothing here happened."""
    evidence: Mapping[str, JsonValue]
    """The figures that the rule saw; masses in grams, as integers or decimal strings."""
    raised_at: Instant
    """When the condition first held."""
    changed_at: Instant
    """When this revision was decided."""


class AlertAcknowledged(Contract):
    """Somebody took an alert in hand, or closed it."""

    type: Literal["monazite.alert-acknowledged.v1"]
    alert: AlertId
    handling: Handling
    """What the alert's handling became."""
    by: Text
    """The person."""
    note: Text | None = None
    """What the person had to say."""
    handled_at: Instant
    """When the person did so."""


class ReportReady(Contract):
    """A revision of a month's traceability report exists."""

    type: Literal["monazite.report-ready.v1"]
    month: Month
    """The month that it closes."""
    level: Literal["nation", "province", "enterprise", "plant"]
    """Whose flows it adds up."""
    subject: Text
    """Code of the province, enterprise or plant; `nation` for the whole."""
    revision: Annotated[int, Field(ge=1)]
    """1 for the first; a late correction makes the next."""
    hash: Sha256
    """Of the report's canonical form."""
    ready_at: Instant
    """When it was stored."""
