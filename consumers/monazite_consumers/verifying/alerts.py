"""Verifies every alert against what it rests on; also those that should be there and are not, of every rule."""

from typing import Any, Final

from monazite_consumers.database import Connection
from monazite_consumers.decisions.logs import log_alerts
from monazite_consumers.decisions.observing import observe, observe_caps
from monazite_consumers.rules.alerts import AlertKey, Observed
from monazite_consumers.rules.caps import Cap, CapJudgement
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.draws import LISTED_BASES
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import Misfit, Report, differing
from monazite_consumers.verifying.sums import Draws
from monazite_contracts.alerts import Condition
from monazite_contracts.catalogue import CapKind

KEYS_AT_ONCE: Final = 500


async def check_alerts(
    connection: Connection, registry: Registry, draws: Draws, judged_at: Any, report: Report
) -> None:
    """Every alert, and how every cap is judged, against the findings, sums and lots that they rest on."""
    rows = await connection.fetch(statement("caps", "all"))
    kept = {Cap(row["holder"], row["year"], CapKind(row["kind"])): row for row in rows}
    granted = {Cap(*key) for key in registry.granted_caps()}
    judgements, observed = await observe_caps(connection, registry, kept.keys() | granted, judged_at)
    for cap, judgement in judgements.items():
        _check_judgement(cap, judgement, kept.get(cap), report)
    stored: dict[AlertKey, Any] = {}
    for row in await connection.fetch(statement("verifying", "alerts")):
        key = AlertKey(row["rule"], row["subject"], row["period"])
        if row["alert"] != key.id:
            report.add(Misfit("alerts.alert", key.id, row["alert"], named(key)))
        if key.rule in RULES:
            stored[key] = row
        else:
            report.add(Misfit("alerts.rule", "a rule of the catalogue", key.rule, named(key)))
    due = await _due(connection, draws)
    keys = sorted(key for key in due | stored.keys() if RULES[key.rule].subject != "cap")
    for start in range(0, len(keys), KEYS_AT_ONCE):
        observed |= await observe(connection, registry, keys[start : start + KEYS_AT_ONCE], judged_at)
    for key in sorted(observed.keys() | stored.keys()):
        _check_alert(key, observed.get(key), stored.get(key), report)


async def _due(connection: Connection, draws: Draws) -> set[AlertKey]:
    """Whatever may be alerted but for caps, taken from what each rule rests on and never from the alerts themselves."""
    due = {AlertKey(*row) for row in await connection.fetch(statement("verifying", "alert_keys"))}
    due |= {AlertKey(*row) for row in await connection.fetch(statement("verifying_custody", "alert_keys"))}
    due |= {AlertKey("unlisted-producer", key.plant, f"{key.day.year}") for key in draws if key.basis in LISTED_BASES}
    return due | await log_alerts(connection)


def named(key: AlertKey) -> str:
    """An alert as misfits name it."""
    return f"{key.rule} {key.subject} {key.period}".rstrip()


def _check_judgement(cap: Cap, judgement: CapJudgement, row: Any, report: Report) -> None:
    then = judgement.then
    expected = (judgement.granted_g, *((then.first_day, then.last_day, then.peak_g) if then else (None, None, None)))
    names = ("granted_g", "overrun_first_day", "overrun_last_day", "overrun_peak_g")
    found = tuple(row[name] for name in names) if row is not None else (None,) * 4
    for column, due, is_so in differing(
        {f"caps.{name}": pair for name, pair in zip(names, zip(expected, found, strict=True), strict=True)}
    ):
        report.add(Misfit(column, due, is_so, f"{cap.subject} {cap.year}"))


def _check_alert(key: AlertKey, observed: Observed | None, row: Any, report: Report) -> None:
    if row is None and (observed is None or not observed.holds):
        return
    wanted = _condition(observed)
    if row is None or wanted != row["condition"]:
        report.add(Misfit("alerts.condition", wanted, row and row["condition"], named(key)))
        return
    expected: dict[str, tuple[Any, Any]] = {
        "alerts.severity": (RULES[key.rule].severity.value, row["severity"]),
        "alerts.raised_at": (True, row["raised_at"] <= row["changed_at"]),
    }
    if observed is not None and observed.holds:
        expected |= {
            "alerts.percent": (observed.percent, row["percent"]),
            "alerts.province": (observed.province, row["province"]),
            "alerts.evidence": (dict(observed.evidence), row["evidence"]),
        }
    for column, due, is_so in differing(expected):
        report.add(Misfit(column, due, is_so, named(key)))


def _condition(observed: Observed | None) -> Condition:
    """What nothing speaks of any more would never have been raised."""
    if observed is not None and observed.holds:
        return Condition.RAISED
    return Condition.RECOVERED if observed is not None and observed.held_before else Condition.RETRACTED
