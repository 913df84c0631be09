"""What one decision changes, gathered in memory before it is written."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.draws import Draw
from monazite_consumers.rules.lots import LotMade
from monazite_consumers.rules.production import Finding
from monazite_contracts.catalogue import CapKind
from monazite_contracts.deadletters import DeadLetter
from monazite_contracts.receipts import ReceiptEntry

Place = tuple[int, int]
"""Message and index of an event; index -1 for the message itself."""

WHOLE = -1
EVERY_RULE = ""


class DrawKey(NamedTuple):
    """One sum of draws."""

    plant: str
    day: date
    kind: CapKind
    basis: str


@dataclass(slots=True)
class DrawSum:
    """How much a sum changes: grams as they stand, grams as first stated, and events."""

    drawn_g: int = 0
    original_g: int = 0
    events: int = 0


@dataclass(slots=True)
class Changes:
    """Gathers effects; the writers take them from here. `at`: the instant that new alerts are dated."""

    at: datetime
    arrived_at: datetime | None = None
    """Of the newest message that is answered, where arrival and publication are on one clock."""
    draws: dict[DrawKey, DrawSum] = field(default_factory=lambda: defaultdict(DrawSum))
    lots_made: list[tuple[Place, str, LotMade]] = field(default_factory=list)
    lots_unmade: list[Place] = field(default_factory=list)
    findings: list[tuple[Place, Finding]] = field(default_factory=list)
    findings_gone: list[tuple[Place, str]] = field(default_factory=list)
    finding_sums: dict[AlertKey, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    """How many findings of each alert came or went, and what they measure."""
    touched: set[AlertKey] = field(default_factory=set)
    entries: dict[int, list[ReceiptEntry]] = field(default_factory=lambda: defaultdict(list))
    untold: set[int] = field(default_factory=set)
    """Messages that no receipt mentions: copies that anybody can have made of what stands."""
    dead_letters: list[DeadLetter] = field(default_factory=list)
    tallies: dict[tuple[str, int, int, str], int] = field(default_factory=lambda: defaultdict(int))

    def draw(self, plant: str, draw: Draw, *, current: int, original: int, events: int = 0) -> None:
        """Adds a draw `current` times to what stands and `original` times to what was first stated; and its events."""
        total = self.draws[DrawKey(plant, draw.day, draw.kind, draw.basis)]
        total.drawn_g += current * draw.amount_g
        total.original_g += original * draw.amount_g
        total.events += events

    def look_at(self, plant: str, draw: Draw) -> None:
        """The caps that a draw counts towards are judged anew, even when their sums come to what they were."""
        self.draws[DrawKey(plant, draw.day, draw.kind, draw.basis)]

    def find(self, place: Place, finding: Finding) -> None:
        """Adds a finding; its alert will be looked at."""
        self.findings.append((place, finding))
        self.touched.add(AlertKey(finding.rule, finding.subject, finding.period))

    def count(self, key: AlertKey, findings: int, measure: int) -> None:
        """So many findings of an alert were written, or below zero taken out; its alert will be looked at."""
        self.touched.add(key)
        total = self.finding_sums[key]
        total[0] += findings
        total[1] += measure

    def unfind(self, place: Place, rule: str = EVERY_RULE) -> None:
        """Takes a place's findings back."""
        self.findings_gone.append((place, rule))
