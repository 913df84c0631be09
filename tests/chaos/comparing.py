"""Holds what the platform says against the second implementation, exactly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.observed import Observed
from chaos.oracle import End, Message


@dataclass
class Verdict:
    """What a comparison found. `lost`, `doubled`: acknowledged messages, and changes told, by what became of them."""

    lost: int = 0
    doubled: int = 0
    differences: dict[str, list[str]] = field(default_factory=dict)
    spent_s: dict[str, float] = field(default_factory=dict)
    """In which part of comparing how long."""

    @property
    def holds(self) -> bool:
        """Whether everything is as it must be."""
        return not (self.lost or self.doubled or self.differences)


def compare(account: list[Message], end: End, found: Observed) -> Verdict:
    """Every noun, exactly; and what subscribers were told."""
    verdict = Verdict()
    said = {message.coordinate: message.value for message in account}
    lost = [place for place, value in said.items() if found.values.get(place) != value]
    invented = [place for place in found.values if place not in said]
    verdict.lost, verdict.doubled = len(lost), len(invented)
    differ: dict[str, list[str]] = {
        "lost": [f"{place} is not in the ledger as it was sent" for place in lost],
        "doubled": [f"{place} is in the ledger and was never acknowledged" for place in invented],
        "messages": _difference(end.messages, found.messages),
        "events": _difference(end.events, found.events),
        "caps": _difference(end.caps, found.caps),
        "lots": _difference(end.lots, found.lots),
        "holdings": _difference(end.holdings, found.holdings),
        "flows": _difference(end.flows, found.flows),
        "shipments": _difference(end.shipments, found.shipments),
        "raised": _difference(dict.fromkeys(end.raised, "raised"), dict.fromkeys(found.raised, "raised")),
        "receipts": _difference(end.receipts, found.receipts),
        "figures": _difference(end.figures, found.figures),
        "told": _difference(found.alerts, {name: (told[0], told[2]) for name, told in found.told.items()}),
        "odd": found.odd,
    }
    verdict.differences = {name: each for name, each in differ.items() if each}
    return verdict


def _difference(expected: Mapping[Any, Any], observed: Mapping[Any, Any]) -> list[str]:
    return [
        f"{name}: expected {expected.get(name)}, found {observed.get(name)}"
        for name in sorted({*expected, *observed}, key=str)
        if expected.get(name) != observed.get(name)
    ]
