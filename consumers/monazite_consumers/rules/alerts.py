"""Alerts: identity, and how a computed condition changes one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, NamedTuple

from monazite_consumers.rules.catalogue import RULES
from monazite_contracts.alerts import Condition, Severity

SOMEBODY: Final = "read back from regulator-alerts"
"""Who handled an alert of which only the handling is known, not by whom."""


class AlertKey(NamedTuple):
    """What one alert is about; its id is the same after every rebuild."""

    rule: str
    subject: str
    period: str

    @property
    def id(self) -> str:
        """Hash of rule, subject and period: 32 hexadecimal digits."""
        return sha256(f"{self.rule}\n{self.subject}\n{self.period}".encode()).hexdigest()[:32]


class Observed(NamedTuple):
    """What today's facts say of one alert: whether it holds, whether it ever would have, and the figures."""

    holds: bool
    held_before: bool
    evidence: Mapping[str, Any]
    percent: int | None = None
    province: str | None = None


@dataclass(frozen=True, slots=True)
class AlertState:
    """One alert as stored."""

    key: AlertKey
    condition: Condition
    severity: Severity
    evidence: Mapping[str, Any]
    percent: int | None
    province: str | None
    raised_at: datetime
    changed_at: datetime
    revision: int


def next_state(before: AlertState | None, key: AlertKey, observed: Observed, at: datetime) -> AlertState | None:
    """The alert after an observation, or `before` itself when nothing changed; None while there is none.

    The revision grows, and the alert is published, only when condition, severity, province or the whole percentage
    changes; evidence alone is kept up quietly.
    """
    if before is None and not observed.holds:
        return None
    condition = _condition(observed)
    severity = RULES[key.rule].severity
    if before is None:
        return AlertState(
            key, condition, severity, observed.evidence, observed.percent, observed.province, at, at, revision=1
        )
    kept = replace(before, evidence=observed.evidence)
    if (condition, severity, observed.percent, observed.province) == (
        before.condition,
        before.severity,
        before.percent,
        before.province,
    ):
        return before if kept == before else kept
    raised_again = condition is Condition.RAISED and before.condition is not Condition.RAISED
    return replace(
        kept,
        condition=condition,
        severity=severity,
        percent=observed.percent,
        province=observed.province,
        raised_at=at if raised_again else before.raised_at,
        changed_at=at,
        revision=before.revision + 1,
    )


def _condition(observed: Observed) -> Condition:
    if observed.holds:
        return Condition.RAISED
    return Condition.RECOVERED if observed.held_before else Condition.RETRACTED
