"""Stores alerts that have changed, and tells subscribers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from monazite_consumers.database import Connection
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.delivery import Outgoing
from monazite_consumers.rules.alerts import AlertKey, AlertState, Observed, next_state
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.summaries import summary
from monazite_consumers.sql import statement
from monazite_contracts.alerts import Alert, Condition, Handling, Severity, Subject
from monazite_contracts.topics import ALERTS, province_topic


async def publish(
    connection: Connection, observed: Mapping[AlertKey, Observed], at: datetime, epoch: int, *, simulated: bool
) -> list[Outgoing]:
    """Stores every alert that has changed; returns the messages that tell it, in order."""
    by_id = {key.id: key for key in observed}
    if not by_id:
        return []
    stored = {
        row["alert"]: state_of(row, by_id[row["alert"]])
        for row in await connection.fetch(statement("alerts", "lock"), list(by_id))
    }
    changed: list[AlertState] = []
    told: list[AlertState] = []
    for alert_id, key in sorted(by_id.items(), key=lambda item: item[1]):
        before = stored.get(alert_id)
        after = next_state(before, key, observed[key], at)
        if after is None or after is before:
            continue
        changed.append(after)
        if before is None or after.revision != before.revision:
            told.append(after)
    if changed:
        await connection.execute(statement("alerts", "put"), *transposed([row_of(state) for state in changed], 12))
    return await messages_of(connection, told, epoch, simulated=simulated)


def state_of(row: Any, key: AlertKey) -> AlertState:
    """An alert as its row has it."""
    return AlertState(
        key,
        Condition(row["condition"]),
        Severity(row["severity"]),
        row["evidence"],
        row["percent"],
        row["province"],
        row["raised_at"],
        row["changed_at"],
        row["revision"],
    )


def row_of(state: AlertState) -> tuple[Any, ...]:
    """The columns of its row."""
    return (
        state.key.id, state.key.rule, state.key.subject, state.key.period, state.province, state.condition,
        state.severity, state.percent, dict(state.evidence), state.raised_at, state.changed_at, state.revision,
    )  # fmt: skip


async def messages_of(connection: Connection, told: list[AlertState], epoch: int, *, simulated: bool) -> list[Outgoing]:
    """What subscribers are told of alerts, to the nation and to the province that each is about."""
    if not told:
        return []
    rows = await connection.fetch(statement("alerts", "handlings"), [state.key.id for state in told])
    handlings = {row["alert"]: Handling(row["handling"]) for row in rows}
    outgoing = []
    for state in told:
        value = to_message(state, handlings.get(state.key.id, Handling.NEW), epoch, simulated=simulated)
        key, raw = state.key.id.encode(), value.model_dump_json().encode()
        outgoing.append(Outgoing(ALERTS, key, raw))
        if state.province is not None:
            outgoing.append(Outgoing(province_topic(state.province), key, raw))
    return outgoing


def to_message(state: AlertState, handling: Handling, epoch: int, *, simulated: bool) -> Alert:
    """An alert as subscribers read it."""
    rule = RULES[state.key.rule]
    return Alert(
        type="monazite.alert.v1",
        id=state.key.id,
        epoch=epoch,
        revision=state.revision,
        rule=rule.id,
        basis=rule.basis,
        severity=state.severity,
        subject=Subject(kind=rule.subject, code=state.key.subject, province=state.province),
        period=state.key.period,
        condition=state.condition,
        handling=handling,
        percent=state.percent,
        summary=summary(state),
        simulated=simulated,
        evidence=dict(state.evidence),
        raised_at=state.raised_at,
        changed_at=state.changed_at,
    )
