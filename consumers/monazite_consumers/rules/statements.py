"""Which of several events with one id is applied, and what a statement says after its amendments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from monazite_consumers.rules.envelopes import Coordinate
from monazite_contracts import statements as st
from monazite_contracts.assays import MetalAssay
from monazite_contracts.events import Event
from monazite_contracts.receipts import Outcome
from monazite_contracts.refusals import Refusal


@dataclass(slots=True)
class Claim:
    """An event of a standing envelope that claims its id. `event` is read from the ledger only when it is needed."""

    message: int
    index: int
    coordinate: Coordinate
    plant: str
    event_id: str
    hash: bytes
    target: tuple[str, bytes] | None
    applied_before: bool
    event: Event | None = None
    applied: bool = False

    @property
    def place(self) -> tuple[int, int]:
        """Where its bytes are: message and index."""
        return self.message, self.index

    @property
    def order(self) -> tuple[Coordinate, int]:
        """Earlier is smaller."""
        return self.coordinate, self.index


CONFLICT = Refusal(
    "event-conflict", "id", "Another content stands under this record id: send a correction that names it instead."
)


def outcomes_of(claims: Sequence[Claim]) -> dict[tuple[int, int], Outcome]:
    """The outcome of each event that claims one id: the earliest is applied, equal ones repeat it, others await."""
    ordered = sorted(claims, key=lambda claim: claim.order)
    first = ordered[0]
    outcomes = {first.place: Outcome.APPLIED}
    for claim in ordered[1:]:
        outcomes[claim.place] = Outcome.DUPLICATE if claim.hash == first.hash else Outcome.AWAITING
    return outcomes


@dataclass(frozen=True, slots=True)
class Version:
    """What a statement says now. `by`: the event that made it so; `statement` None: voided."""

    by: Claim
    statement: st.Statement | None


@dataclass(frozen=True, slots=True)
class Step:
    """An amendment that took effect, with what the statement said before and after it."""

    by: Claim
    before: st.Statement
    after: st.Statement | None


@dataclass(frozen=True, slots=True)
class History:
    """One statement with its amendments. `idle`: amendments without effect, each with the rule that says why."""

    root: Claim
    current: Version
    steps: tuple[Step, ...]
    idle: tuple[tuple[Claim, str], ...]

    @property
    def said_until(self) -> dict[tuple[int, int], datetime | None]:
        """The places that say what is so now (None), or said so until an amendment arrived."""
        versions = (self.root, *(step.by for step in self.steps))
        ends: list[datetime | None] = [step.by.coordinate.arrived_at for step in self.steps]
        standing = versions if self.current.statement is not None else versions[:-1]
        return {claim.place: end for claim, end in zip(standing, [*ends, None], strict=False)}

    @property
    def amended_with(self) -> dict[tuple[int, int], int]:
        """The message with which whoever follows the log reads that a version was amended: until then it is said.

        Where an amendment came before what it amends, it is the statement itself that is said until all are read.
        """
        versions = [self.root, *(step.by for step in self.steps)]
        amended = list(pairwise(versions))
        if all(version.message <= by.message for version, by in amended):
            return {version.place: by.message for version, by in amended}
        return {version.place: version.message for version in versions[1:-1]}

    @property
    def event_ids(self) -> set[str]:
        """Of the statement and of all its amendments."""
        return {
            claim.event_id for claim in (self.root, *(step.by for step in self.steps), *(by for by, _ in self.idle))
        }


def resolve(root: Claim, amendments: Sequence[Claim]) -> History:
    """Follows the amendments from a root; of rivals the earlier stands.

    `amendments` are the applied amendments of the same plant that refer, directly or not, to the root.
    """
    by_target: dict[tuple[str, bytes], list[Claim]] = {}
    for claim in sorted(amendments, key=lambda claim: claim.order):
        if claim.target is not None:
            by_target.setdefault(claim.target, []).append(claim)
    version = Version(root, _statement(root))
    steps: list[Step] = []
    idle: list[tuple[Claim, str]] = []
    while (rivals := by_target.pop((version.by.event_id, version.by.hash), None)) is not None:
        following, without_effect = _next_version(version, rivals)
        idle += _with_followers(without_effect, by_target)
        if following is None:
            break
        assert version.statement is not None  # noqa: S101 - a voided version has no next one
        steps.append(Step(following.by, version.statement, following.statement))
        version = following
    return History(root, version, tuple(steps), tuple(idle))


def _next_version(version: Version, rivals: list[Claim]) -> tuple[Version | None, list[tuple[Claim, str]]]:
    following: Version | None = None
    idle: list[tuple[Claim, str]] = []
    for claim in rivals:
        if version.statement is None:
            idle.append((claim, "void-of-void"))
            continue
        amended = _amended(version.statement, claim)
        if isinstance(amended, _OutOfScope):
            idle.append((claim, "amendment-out-of-scope"))
        elif following is None:
            following = Version(claim, amended)
        else:
            idle.append((claim, "amendment-rival"))
    return following, idle


WITHDRAWN = ""
"""Stands for a rule: a later rival whose plant has voided it, and that void, are nothing to notice."""


def _with_followers(
    without_effect: list[tuple[Claim, str]], by_target: dict[tuple[str, bytes], list[Claim]]
) -> list[tuple[Claim, str]]:
    """Amendments without effect, and what amends them: without effect too, and rivals unless it is their void."""
    found: list[tuple[Claim, str]] = []
    open_claims = list(without_effect)
    while open_claims:
        claim, rule = open_claims.pop()
        followers = by_target.pop((claim.event_id, claim.hash), [])
        if rule == "amendment-rival" and followers and _is_void(followers[0]):
            rule = WITHDRAWN
            open_claims.append((followers.pop(0), WITHDRAWN))
        found.append((claim, rule))
        open_claims += [(follower, "amendment-rival") for follower in followers]
    return found


def _is_void(claim: Claim) -> bool:
    return claim.event is not None and isinstance(claim.event.data, st.Void)


class _OutOfScope:
    pass


def _statement(claim: Claim) -> st.Statement:
    data: Any = claim.event.data if claim.event is not None else None
    assert isinstance(data, st.Statement)  # noqa: S101 - only statements are roots
    return data


def _amended(statement: st.Statement, claim: Claim) -> st.Statement | _OutOfScope | None:
    assert claim.event is not None  # noqa: S101 - the caller has read every member of the history
    data = claim.event.data
    if isinstance(data, st.Void):
        return None
    if isinstance(data, st.AssayFinalised):
        if getattr(statement, "lot", None) != data.lot or not hasattr(statement, "assay"):
            return _OutOfScope()
        if isinstance(data.assay, MetalAssay) != isinstance(statement.assay, MetalAssay):
            return _OutOfScope()
        return statement.model_copy(update={"assay": data.assay})
    assert isinstance(data, st.Correction)  # noqa: S101 - the third and last amendment
    replacement = data.replacement.data
    return replacement if _in_scope(statement, replacement) else _OutOfScope()


def _in_scope(before: st.Statement, after: st.Statement) -> bool:
    """Kind and counterparty are not corrected."""
    if type(before) is not type(after):
        return False
    fixed = ("activity", "consignee", "consignor", "buyer", "month")
    return all(getattr(before, name, None) == getattr(after, name, None) for name in fixed)


def histories(claims: Mapping[str, Claim]) -> tuple[list[History], list[Claim]]:
    """Every history among the applied claims, by event id; and the amendments whose target is not there."""
    children: dict[str, list[Claim]] = {}
    for claim in claims.values():
        if claim.target is not None:
            children.setdefault(claim.target[0], []).append(claim)
    found, reached = [], set()
    for root in claims.values():
        if root.target is not None:
            continue
        members = _descendants(root, children)
        history = resolve(root, members)
        reached |= {claim.place for claim, _ in history.idle} | {step.by.place for step in history.steps}
        found.append(history)
    orphans = [claim for claim in claims.values() if claim.target is not None and claim.place not in reached]
    return found, orphans


def _descendants(root: Claim, children: Mapping[str, list[Claim]]) -> list[Claim]:
    found: list[Claim] = []
    seen = {root.event_id}
    open_ids = [root.event_id]
    while open_ids:
        for claim in children.get(open_ids.pop(), []):
            if claim.event_id not in seen and claim.plant == root.plant:
                seen.add(claim.event_id)
                found.append(claim)
                open_ids.append(claim.event_id)
    return found
