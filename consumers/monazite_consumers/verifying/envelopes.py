"""Verifies one message of the walk: its bytes, its seal, what was decided about it, and its place in the chain."""

from dataclasses import dataclass, field
from typing import Any

from monazite_consumers.decisions.changes import WHOLE, Changes
from monazite_consumers.decisions.gaps import found_missing
from monazite_consumers.decisions.reading import read_row
from monazite_consumers.decisions.unvouched import find
from monazite_consumers.rules.envelopes import (
    BEYOND_BOUND,
    FAULT,
    FORK,
    FORKS,
    OCCUPIES,
    REPEATS,
    Arrival,
    Place,
    Vouching,
    vouch,
)
from monazite_consumers.rules.production import Finding
from monazite_consumers.rules.registry import Registry
from monazite_consumers.verifying.misfits import Misfit, Report, differing, place_of
from monazite_contracts.envelope import value_hash
from monazite_contracts.months import day_of
from monazite_contracts.receipts import Outcome
from monazite_contracts.refusals import Refusal


@dataclass(frozen=True, slots=True)
class Walked:
    """One message, read again. `opened` of it is what its bytes say now."""

    row: Any
    arrival: Arrival
    vouched: bool

    @property
    def message(self) -> int:
        """Its number."""
        return int(self.row["message"])


@dataclass(slots=True)
class _Link:
    """The occupant of a source's highest sequence so far."""

    source: int
    sequence: int = 0
    hash: bytes | None = None


@dataclass(slots=True)
class _Slot:
    """One sequence, its claims taken in the order of their coordinates: the first holds it."""

    source: int | None = None
    sequence: int | None = None
    occupant: bytes | None = None
    kept: set[tuple[Any, ...]] = field(default_factory=set)

    def take(self, row: Any) -> Place:
        """What the next claim comes to; as `rules.envelopes.place`, but one at a time: a flood may claim one slot."""
        if self.occupant is None:
            self.occupant = row["hash"]
            return OCCUPIES
        identity = (row["hash"], row["key_id"], row["seal"])
        repeats = row["hash"] == self.occupant or identity in self.kept
        self.kept.add(identity)
        return REPEATS if repeats else FORKS


@dataclass(slots=True)
class Chain:
    """Follows the walk: rivals for one sequence, and the link from each occupant to the next."""

    registry: Registry
    report: Report
    link: _Link | None = None
    slot: _Slot = field(default_factory=_Slot)

    def take(self, row: Any, changes: Changes) -> Walked:
        """Verifies the next message of the walk; what should have been found about it goes into `changes`."""
        arrival = read_row(row)
        if row["rule"] == FAULT.rule:
            arrival = arrival._replace(is_parked=True)
        _check_bytes(row, arrival, self.report)
        vouching = vouch(arrival, self.registry)
        walked = Walked(row, arrival, vouching.vouched)
        expected: dict[str, tuple[Any, Any]] = {
            "envelopes.hash": (row["hash"].hex(), row["decided_hash"].hex()),
            "envelopes.arrived_at": (row["arrived_at"], row["decided_at"]),
            "envelopes.key_id": (row["key_id"], row["decided_key_id"]),
            "envelopes.vouched": (vouching.vouched, row["vouched"]),
        }
        if vouching.vouched:
            self.report.seals += 1
            if (self.slot.source, self.slot.sequence) != (row["source"], row["sequence"]):
                self.slot = _Slot(row["source"], row["sequence"])
            held = self.slot.take(row)
            expected |= _as_claimed(walked) | _as_held(walked, held)
            self._find_vouched(walked, held, changes)
        else:
            expected |= _unvouched(walked, vouching)
            find(walked.message, arrival, vouching, self.registry, changes)
        for column, wanted, found in differing(expected):
            detail = f"by its seal: {vouching.reason.rule}" if vouching.reason and column == "envelopes.vouched" else ""
            self.report.add(Misfit(column, wanted, found, detail, **place_of(row)))
        return walked

    def _find_vouched(self, walked: Walked, held: Place, changes: Changes) -> None:
        """What chains, forks and refusals should have been found."""
        at, where, source = walked.row["arrived_at"], (walked.message, WHOLE), walked.arrival.opened.source
        if held is FORKS:
            changes.find(where, Finding("envelope-fork", _gateway(walked.row), f"{day_of(at)}", at))
        if held is not OCCUPIES:
            return
        is_refused = walked.arrival.opened.refusal is not None
        if is_refused and source is not None:
            changes.find(where, Finding("contract-refused", f"{source.plant}/{source.gateway}", f"{day_of(at)}", at))
        self._follow(walked, changes, is_refused=is_refused)

    def _follow(self, walked: Walked, changes: Changes, *, is_refused: bool) -> None:
        row, opened, where = walked.row, walked.arrival.opened, (walked.message, WHOLE)
        if self.link is None or self.link.source != row["source"]:
            self.link = _Link(row["source"])
        link, sequence, at = self.link, row["sequence"] or 0, row["arrived_at"]
        missing = sequence - link.sequence - 1
        fits = opened.previous is None if sequence == 1 else missing > 0 or opened.previous == link.hash
        if not fits and not is_refused:
            changes.find(where, Finding("chain-broken", _gateway(row), f"{day_of(at)}", at))
        if missing > 0:
            changes.find(where, found_missing(_gateway(row), at, missing))
        link.sequence, link.hash = sequence, row["hash"]


def _gateway(row: Any) -> str:
    return "/".join(row["source_name"].split("/")[:2])


def _as_claimed(walked: Walked) -> dict[str, tuple[Any, Any]]:
    opened, row = walked.arrival.opened, walked.row
    source = opened.source
    name = f"{source.plant}/{source.gateway}/{source.stream}/{source.incarnation}" if source else None
    return {
        "envelopes.source": (name, row["source_name"] or None),
        "envelopes.sequence": (opened.sequence, row["sequence"]),
    }


def _as_held(walked: Walked, held: Place) -> dict[str, tuple[Any, Any]]:
    """Who holds a sequence follows from the coordinates of all that claim it, and the rest from the bytes."""
    row, opened = walked.row, walked.arrival.opened
    outcome, reason = held.outcome, FORK if held is FORKS else None
    if outcome is None:
        outcome = Outcome.APPLIED if opened.refusal is None else Outcome.REFUSED
        reason = opened.refusal
    expected: dict[str, tuple[Any, Any]] = {
        "envelopes.occupies": (held.occupies, row["occupies"]),
        "envelopes.outcome": (outcome.value, row["outcome"]),
        "envelopes.events": (len(opened.events) if held.occupies else 0, row["events"]),
    } | because(row, reason, "envelopes")
    if held.occupies:
        expected["envelopes.previous"] = (_hex(opened.previous), _hex(row["previous"]))
    return expected


def _unvouched(walked: Walked, vouching: Vouching) -> dict[str, tuple[Any, Any]]:
    """Which of equal messages is kept and which repeat it is looked at apart: it hangs on what was decided first."""
    row, repeats = walked.row, walked.row["outcome"] == Outcome.DUPLICATE
    outcome = vouching.outcome.value if vouching.outcome is not None and not repeats else row["outcome"]
    expected: dict[str, tuple[Any, Any]] = {
        "envelopes.occupies": (False, row["occupies"]),
        "envelopes.outcome": (outcome, row["outcome"]),
        "envelopes.events": (0, row["events"]),
    } | because(row, None if repeats else vouching.reason, "envelopes")
    if vouching.reason is FAULT and row["source"] is None and row["sequence"] is None:
        return expected  # parked where even the telling raised: nobody is named
    is_named = vouching.is_proven or (vouching.outcome is Outcome.AWAITING and vouching.reason is not BEYOND_BOUND)
    if is_named:
        return expected | _as_claimed(walked)
    return expected | {
        "envelopes.source": (None, row["source_name"] or None),
        "envelopes.sequence": (None, row["sequence"]),
    }


def because(row: Any, reason: Refusal | None, relation: str) -> dict[str, tuple[Any, Any]]:
    """Rule, field and remedy as they are written."""
    wanted = (reason.rule, reason.field[:200], reason.remedy) if reason is not None else (None, None, None)
    names = ("rule", "field", "remedy")
    return {f"{relation}.{name}": (due, row[name]) for name, due in zip(names, wanted, strict=True)}


def _check_bytes(row: Any, arrival: Arrival, report: Report) -> None:
    if arrival.is_stripped:
        report.without_bytes += 1
        return
    value = row["value"] or b""
    if len(value) != row["size"]:
        report.add(Misfit("ledger.size", len(value), row["size"], **place_of(row)))
    if value_hash(value) != row["hash"]:
        report.add(Misfit("ledger.value", row["hash"].hex(), value_hash(value).hex(), **place_of(row)))


def _hex(raw: bytes | None) -> str | None:
    return None if raw is None else raw.hex()
