"""What people did about alerts, as the topic of alerts tells it: brought back into a database that was restored."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from monazite_consumers.database import Connection
from monazite_consumers.rules.alerts import SOMEBODY
from monazite_consumers.sql import statement
from monazite_contracts.alerts import Alert, AlertAcknowledged, Handling


@dataclass(frozen=True, slots=True)
class Handled:
    """What somebody did about an alert, and when."""

    handling: Handling
    by: str
    note: str | None
    at: datetime


_NOBODY: Final = Handled(Handling.NEW, SOMEBODY, None, datetime.min)  # noqa: DTZ901 - only stands for nothing


def hear(found: dict[str, Handled], message: AlertAcknowledged | Alert) -> None:
    """Takes in one message after the other. An alert does not say whose its handling is: it counts where nobody did."""
    if isinstance(message, AlertAcknowledged):
        found[message.alert] = Handled(message.handling, message.by, message.note, message.handled_at)
    elif message.handling is not Handling.NEW and found.get(message.id, _NOBODY).by == SOMEBODY:
        found[message.id] = Handled(message.handling, SOMEBODY, None, message.changed_at)


def newer(heard: Mapping[str, Handled], stored: Mapping[str, Handled]) -> dict[str, Handled]:
    """What the topic knows and the database does not."""
    return {alert: told for alert, told in heard.items() if _adds(told, stored.get(alert))}


def _adds(told: Handled, known: Handled | None) -> bool:
    if known is None:
        return told.handling is not Handling.NEW
    return told.at > known.at and (told.by != SOMEBODY or told.handling is not known.handling)


async def read_back(connection: Connection, heard: Mapping[str, Handled]) -> int:
    """Brings the table of handlings up to what was heard; returns how many alerts that was news about."""
    rows = await connection.fetch(statement("alerts", "handled"), list(heard))
    stored = {r["alert"]: Handled(Handling(r["handling"]), r["handled_by"], None, r["handled_at"]) for r in rows}
    news = newer(heard, stored)
    kept = [(alert, told) for alert, told in news.items() if told.handling is not Handling.NEW]
    await connection.execute(
        statement("alerts", "put_handlings"),
        [alert for alert, _ in kept],
        [told.handling for _, told in kept],
        [told.by for _, told in kept],
        [told.note for _, told in kept],
        [told.at for _, told in kept],
    )
    await connection.execute(statement("alerts", "drop_handlings"), [a for a, t in news.items() if t.handling == "new"])
    return len(news)
