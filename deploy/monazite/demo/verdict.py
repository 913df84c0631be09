"""Holds what the platform says against the simulator's own account, figure by figure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monazite_consumers import queries
from monazite_consumers.database import Connection
from monazite_consumers.reconciling import OUTCOMES, Account, reconcile
from monazite_producers.simulator import Account as Expected
from monazite_producers.simulator import CapName

CapKey = tuple[str, int, str]


@dataclass(frozen=True)
class Verdict:
    """The end of the demo. `differences` are sentences; none, and the year is proven."""

    caps: list[dict[str, Any]]
    alerts: list[dict[str, Any]]
    shipments: list[dict[str, Any]]
    """Those that somebody should have acted on by now."""
    account: Account
    rebuild_differences: int
    differences: list[str]

    @property
    def proven(self) -> bool:
        """Whether everything adds up."""
        return self.account.reconciled and not self.differences and not self.rebuild_differences


async def verdict(connection: Connection, expected: Expected) -> Verdict:
    """Asks the platform, rebuilds its projections beside the live ones, and compares."""
    caps = await queries.caps(connection)
    alerts = await queries.alerts(connection, None, None)
    shipments = (await queries.shipments(connection, queries.Wanted(only_open=True))).rows
    account = await reconcile(connection)
    rebuilt = await queries.rebuilt(connection, keep=False)
    differences = [
        *_caps(caps, expected),
        *_outcomes(account, expected),
        *_alerts(alerts, expected),
    ]
    late = [shipment for shipment in shipments if shipment["late_days"] is not None]
    return Verdict(caps, alerts, late, account, len(rebuilt), differences)


def _caps(rows: list[dict[str, Any]], expected: Expected) -> list[str]:
    drawn = {(row["holder"], row["year"], row["kind"]): row["drawn_g"] for row in rows}
    granted = {(row["holder"], row["year"], row["kind"]): row["granted_g"] for row in rows}
    found = [
        f"{cap.subject} {cap.year}: drawn {drawn.get(_key(cap), 0):,} g, the simulator says {grams:,} g"
        for cap, grams in expected.drawn_g.items()
        if drawn.get(_key(cap), 0) != grams
    ]
    found += [
        f"{cap.subject} {cap.year}: granted {granted.get(_key(cap))} g, the simulator says {grams:,} g"
        for cap, grams in expected.granted_g.items()
        if granted.get(_key(cap)) != grams
    ]
    known = {_key(cap) for cap in expected.drawn_g}
    return found + [
        f"{cap}: drawn {grams:,} g, the simulator knows nothing of it"
        for cap, grams in drawn.items()
        if grams and cap not in known
    ]


def _key(cap: CapName) -> CapKey:
    return cap.holder, cap.year, cap.kind


def _outcomes(account: Account, expected: Expected) -> list[str]:
    messages: Mapping[str, int] = Counter({str(o): n for o, n in expected.messages.items()})
    events: Mapping[str, int] = Counter({str(o): n for o, n in expected.events.items()})
    said = [(f"messages {o}", account.total(o), messages[o]) for o in OUTCOMES]
    said += [(f"events {o}", account.events[o], events[o]) for o in OUTCOMES]
    said.append(("messages received", account.received, sum(expected.received.values())))
    return [f"{name}: {ours:,}, the simulator says {theirs:,}" for name, ours, theirs in said if ours != theirs]


def _alerts(rows: list[dict[str, Any]], expected: Expected) -> list[str]:
    ours: dict[tuple[str, str], bool] = {}
    for row in rows:
        key = (row["rule"], row["subject"])
        ours[key] = ours.get(key, False) or row["condition"] == "raised"
    theirs = {(alert.rule, alert.subject): alert.condition == "raised" for alert in expected.alerts}
    found = [
        f"{rule} about {subject}: {_stand(ours.get((rule, subject)))}, the simulator says {_stand(stands)}"
        for (rule, subject), stands in theirs.items()
        if ours.get((rule, subject)) is not stands
    ]
    return found + [
        f"{rule} about {subject}: {_stand(stands)}, the simulator expects none"
        for (rule, subject), stands in ours.items()
        if (rule, subject) not in theirs and stands
    ]


def _stand(raised: bool | None) -> str:  # noqa: FBT001 - a fact or its absence
    return "no alert" if raised is None else "raised" if raised else "recovered"
