"""The simulator's own account of what should come out: caps, outcomes and alerts, kept apart from the platform's rules.

It grows with the days that `Simulation.days` hands out and is whole when they are exhausted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Literal, NamedTuple

from monazite_producers.simulator.capwatch import CapHistory, Posting
from monazite_producers.simulator.register import Grants, Register

Outcome = Literal["applied", "awaiting", "duplicate", "refused"]
Condition = Literal["raised", "recovered"]


class CapName(NamedTuple):
    """The account of a holder × year × kind."""

    holder: str
    year: int
    kind: str

    @property
    def subject(self) -> str:
        """As alerts name it."""
        return f"{self.holder}/{self.kind}"


@dataclass(frozen=True, slots=True, order=True)
class ExpectedAlert:
    """A rule that must have fired about a subject, and how it stands at the year's end.

    `subject`: a cap `holder/kind`, a plant or lot code, a gateway `plant/gateway`, a source
    `plant/gateway/stream/incarnation`, or a topic. One entry stands for all periods: raised if any period's alert is.
    `recovered` covers retracted.
    """

    rule: str
    subject: str
    condition: Condition


class Account:
    """What was drawn, sent and should be noticed."""

    def __init__(self, register: Register, year: int) -> None:
        """Empty; `register` says who holds whom and what was granted."""
        self._register = register
        self._year = year
        self._histories: dict[CapName, CapHistory] = {}
        self._noticed: dict[tuple[str, str], Condition] = {}
        self._unlawful: set[str] = set()
        self._outcomes: Counter[Outcome] = Counter()
        self._event_outcomes: Counter[Outcome] = Counter()
        self._topics: Counter[str] = Counter()

    # Read at first use: plants and grants are declared while the world is built around its account.

    @cached_property
    def _groups(self) -> dict[str, str]:
        return self._register.groups()

    @cached_property
    def _grants(self) -> Grants:
        return self._register.grants()

    @cached_property
    def _operators(self) -> dict[str, str]:
        return {entry["plant"]: entry["enterprise"] for entry in self._register.entries("operations")}

    @cached_property
    def _miners(self) -> frozenset[str]:
        return frozenset(
            entry["enterprise"] for entry in self._register.entries("approvals") if entry["activity"] == "mining"
        )

    @property
    def drawn_g(self) -> Mapping[CapName, int]:
        """Grams REO drawn of each cap, groups included, as the statements now stand; zero where all was taken back."""
        return {cap: history.drawn_g for cap, history in sorted(self._histories.items())}

    @property
    def granted_g(self) -> Mapping[CapName, int]:
        """Grams REO granted to each cap by the year's end."""
        return {
            CapName(holder, self._year, kind): sum(tonnes for _, tonnes in issues) * 1_000_000
            for (holder, kind), issues in self._grants.items()
        }

    @property
    def messages(self) -> Mapping[Outcome, int]:
        """Messages by the outcome they have at the year's end."""
        return dict(sorted(self._outcomes.items()))

    @property
    def events(self) -> Mapping[Outcome, int]:
        """Events of standing envelopes by the outcome they have at the year's end."""
        return dict(sorted(self._event_outcomes.items()))

    @property
    def received(self) -> Mapping[str, int]:
        """Messages by topic."""
        return dict(sorted(self._topics.items()))

    @property
    def alerts(self) -> tuple[ExpectedAlert, ...]:
        """What must have fired by the year's end, if nothing more happened than was handed out."""
        found = [ExpectedAlert(rule, subject, condition) for (rule, subject), condition in self._noticed.items()]
        for cap, history in self._histories.items():
            issues = self._grants.get((cap.holder, cap.kind), [])
            if issues or cap.holder not in self._groups:  # a member without a grant of its own draws on its group's
                found += self._cap_alerts(cap, history, issues)
        return tuple(sorted(found))

    def _cap_alerts(
        self, cap: CapName, history: CapHistory, issues: Iterable[tuple[date, int]]
    ) -> Iterable[ExpectedAlert]:
        ever, at_the_end = history.judged(issues)
        for rule in sorted(ever):
            yield ExpectedAlert(rule, cap.subject, "raised" if rule in at_the_end else "recovered")

    def draw(self, plant: str, kind: str, posting: Posting) -> None:
        """Posts grams to the plant's enterprise and to every group above it."""
        if posting.grams == 0:
            return
        holder: str | None = self._operators[plant]
        while holder is not None:
            cap = CapName(holder, posting.event_day.year, kind)
            history = self._histories.get(cap)
            if history is None:
                history = self._histories[cap] = CapHistory(self._year)
            history.post(posting)
            holder = self._groups.get(holder)

    def mined(self, plant: str, lot: str) -> None:
        """A lot was mined: without lawful origin where its enterprise stands on no list."""
        if self._operators[plant] not in self._miners:
            self._without_origin(plant, lot)

    def made_of(self, plant: str, lot: str, parents: Iterable[str]) -> None:
        """A lot was made of others, and is no better than they are."""
        if not self._unlawful.isdisjoint(parents):
            self._without_origin(plant, lot)

    def never_reported(self, plant: str, lot: str) -> None:
        """A plant uses a lot under a number of its own that it never told anybody of."""
        self._unlawful.add(lot)
        self.expect("lot-unreported", plant)
        self.expect("lot-overdrawn", plant)

    def _without_origin(self, plant: str, lot: str) -> None:
        self._unlawful.add(lot)
        self.expect("origin-unlawful", plant)

    def sent(self, topic: str, outcome: Outcome, messages: int = 1) -> None:
        """Counts messages with the outcome that they have at the year's end."""
        self._topics[topic] += messages
        self._outcomes[outcome] += messages

    def carried(self, outcome: Outcome, events: int) -> None:
        """Counts events of standing envelopes."""
        if events:
            self._event_outcomes[outcome] += events

    def expect(self, rule: str, subject: str, condition: Condition = "raised") -> None:
        """A rule must have fired; said again, the later word holds."""
        self._noticed[rule, subject] = condition
