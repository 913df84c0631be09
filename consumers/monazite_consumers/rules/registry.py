"""The regulator's own data as one immutable value: who exists, who may, who holds which cap, and the open settings."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from monazite_contracts.catalogue import CapKind
from monazite_contracts.identifiers import GatewayCode, KeyId, PlantCode
from monazite_contracts.quantities import GRAMS_PER_TONNE
from monazite_contracts.seal import public_key
from nacl.signing import VerifyKey
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,63}$")]
ListedActivity = Literal["mining", "separation"]


class Entry(BaseModel):
    """One declared fact. `noun` and `key` name it; everything else is what it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def key(self) -> str:
        """What tells this entry from others of its noun."""
        raise NotImplementedError


class _Dated(Entry):
    since: date
    until: date | None = None
    """The first day on which it no longer holds; none: it holds on."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.until is not None and self.until <= self.since:
            raise ValueError("until: must lie after since")
        return self

    def holds_on(self, day: date) -> bool:
        """Whether the fact holds on a day in Asia/Shanghai."""
        return self.since <= day and (self.until is None or day < self.until)


class Enterprise(Entry):
    """A legal holder of caps, or a subsidiary of one."""

    code: Code
    name: str
    name_zh: str = ""
    simulated: bool = False
    """Invented, or real but with invented data: every screen says so."""

    @property
    def key(self) -> str:
        return self.code


class Membership(_Dated):
    """An enterprise belongs to a group from a day on; its draws add to the group's."""

    member: Code
    group: Code

    @property
    def key(self) -> str:
        return f"{self.member} {self.since}"


class Plant(Entry):
    """One site that reports."""

    code: PlantCode
    name: str
    name_zh: str = ""
    province: Code
    simulated: bool = False

    @property
    def key(self) -> str:
        return self.code


class Operation(_Dated):
    """An enterprise runs a plant from a day on; the plant's draws post to it."""

    plant: PlantCode
    enterprise: Code

    @property
    def key(self) -> str:
        return f"{self.plant} {self.since}"


class GatewayKey(Entry):
    """A gateway's public signing key, and when it vouches: by arrival time."""

    id: KeyId
    plant: PlantCode
    gateway: GatewayCode
    public: Annotated[str, AfterValidator(lambda text: public_key(text) and text)]
    """Ed25519, base64url without padding."""
    since: AwareDatetime
    until: AwareDatetime | None = None
    revoked_from: AwareDatetime | None = None
    """Nothing that arrived from here on is vouched for; may be set back before a theft."""

    @property
    def key(self) -> str:
        return self.id

    def vouches_at(self, arrival: datetime) -> bool:
        """Whether the key was valid at an arrival."""
        ends = [end for end in (self.until, self.revoked_from) if end is not None]
        return self.since <= arrival and all(arrival < end for end in ends)


class Approval(_Dated):
    """An enterprise stands on the published list (R6)."""

    enterprise: Code
    activity: ListedActivity

    @property
    def key(self) -> str:
        return f"{self.enterprise} {self.activity} {self.since}"


class Allocation(Entry):
    """One grant, cut or release to a cap, with its decision. A cut is negative."""

    decision: str
    batch: str
    """As numbered by the decision; also tells a reserve's release or a penalty's cut."""
    form: Literal["grant", "cut", "release"] = "grant"
    year: int
    holder: Code
    kind: CapKind
    issued_on: date
    tonnes_reo: Annotated[int, Field(strict=True)]
    evidence: str
    invented: bool = False

    @model_validator(mode="after")
    def _sign_fits_form(self) -> Self:
        if (self.tonnes_reo < 0) != (self.form == "cut"):
            raise ValueError("tonnes_reo: a cut is below zero, a grant or release is not")
        return self

    @property
    def key(self) -> str:
        return f"{self.year} {self.holder} {self.kind} {self.batch} {self.form} {self.decision}"


class Breakdown(Entry):
    """How a group passes part of its grant to a member."""

    group: Code
    member: Code
    year: int
    kind: CapKind
    issued_on: date
    tonnes_reo: Annotated[int, Field(strict=True, gt=0)]
    invented: bool = False

    @property
    def key(self) -> str:
        return f"{self.year} {self.group} {self.member} {self.kind} {self.issued_on}"


class Succession(Entry):
    """A holder takes over another's caps of the named years: granted and drawn move whole."""

    predecessor: Code
    successor: Code
    years: tuple[int, ...]

    @property
    def key(self) -> str:
        return f"{self.predecessor} {self.successor}"


class Settings(Entry):
    """What the law leaves open or an authority may tune (domain page, section 1)."""

    separation_counts: Literal["output", "feed"] = "output"
    recycled_counts: bool = False
    separated_again_counts: bool = False
    claim_tolerance_ppm: Annotated[int, Field(ge=0)] = 5_000
    """How far the plant's REO figure may lie from mass × assay."""
    future_tolerance_minutes: Annotated[int, Field(ge=0)] = 15
    long_past_days: Annotated[int, Field(ge=1)] = 92
    settle_minutes: Annotated[int, Field(ge=0)] = 15
    """How long an absence may last before it is alerted, by arrival time."""
    awaiting_per_source_max: Annotated[int, Field(ge=1)] = 2_000
    awaiting_total_max: Annotated[int, Field(ge=1)] = 100_000

    @property
    def key(self) -> str:
        return "settings"


NOUNS: Mapping[str, type[Entry]] = {
    "enterprises": Enterprise,
    "memberships": Membership,
    "plants": Plant,
    "operations": Operation,
    "gateway_keys": GatewayKey,
    "approvals": Approval,
    "allocations": Allocation,
    "breakdowns": Breakdown,
    "successions": Succession,
    "settings": Settings,
}
"""Every noun that a registry file may declare, in the order in which a difference is shown."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a cap is granted on a day of issue, in grams; a cut is negative."""

    day: date
    amount_g: int


@dataclass(frozen=True)
class Registry:
    """All entries at one revision, with the look-ups that rules need."""

    revision: int = 0
    entries: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, revision: int, entries: Iterable[tuple[str, Entry]]) -> Self:
        """From (noun, entry) pairs."""
        by_noun: dict[str, list[Entry]] = defaultdict(list)
        for noun, entry in entries:
            by_noun[noun].append(entry)
        return cls(revision, {noun: tuple(sorted(found, key=lambda e: e.key)) for noun, found in by_noun.items()})

    def _all(self, noun: str) -> tuple[Any, ...]:
        return self.entries.get(noun, ())

    @cached_property
    def settings(self) -> Settings:
        """The declared settings, or the defaults."""
        found = self._all("settings")
        return found[0] if found else Settings()

    @cached_property
    def plants(self) -> Mapping[str, Plant]:
        """Plants by code."""
        return {plant.code: plant for plant in self._all("plants")}

    @cached_property
    def enterprises(self) -> Mapping[str, Enterprise]:
        """Enterprises by code."""
        return {enterprise.code: enterprise for enterprise in self._all("enterprises")}

    @cached_property
    def keys(self) -> Mapping[str, GatewayKey]:
        """Signing keys by id."""
        return {key.id: key for key in self._all("gateway_keys")}

    @cached_property
    def verify_keys(self) -> Mapping[str, VerifyKey]:
        """The same, ready to verify with."""
        return {key.id: public_key(key.public) for key in self._all("gateway_keys")}

    @cached_property
    def gateways(self) -> frozenset[tuple[str, str]]:
        """(plant, gateway) of every gateway that has a key."""
        return frozenset((key.plant, key.gateway) for key in self._all("gateway_keys"))

    @cached_property
    def _operations(self) -> Mapping[str, list[Operation]]:
        return _grouped(self._all("operations"), "plant")

    @cached_property
    def _memberships(self) -> Mapping[str, list[Membership]]:
        return _grouped(self._all("memberships"), "member")

    @cached_property
    def _successors(self) -> Mapping[tuple[str, int], str]:
        return {(s.predecessor, year): s.successor for s in self._all("successions") for year in s.years}

    @cached_property
    def _holders_cache(self) -> dict[tuple[str, date], tuple[str, ...]]:
        return {}

    def operator(self, plant: str, day: date) -> str | None:
        """The enterprise that runs a plant on a day."""
        return next((o.enterprise for o in self._operations.get(plant, ()) if o.holds_on(day)), None)

    def groups(self, enterprise: str, day: date) -> tuple[str, ...]:
        """The groups above an enterprise on a day, nearest first."""
        found: list[str] = []
        current: str | None = enterprise
        while current is not None:
            current = next((m.group for m in self._memberships.get(current, ()) if m.holds_on(day)), None)
            if current is not None and (current == enterprise or current in found):
                break  # a circle is refused when files are read; a rule must not hang on one all the same
            if current is not None:
                found.append(current)
        return tuple(found)

    def successor(self, holder: str, year: int) -> str:
        """Who holds a holder's caps of a year: itself, or its last successor."""
        seen = {holder}
        while (following := self._successors.get((holder, year))) is not None and following not in seen:
            seen.add(following)
            holder = following
        return holder

    def holders(self, plant: str, day: date) -> tuple[str, ...]:
        """Whose caps a plant's draw of a day posts to: its enterprise, then the groups above, by succession."""
        found = self._holders_cache.get((plant, day))
        if found is None:
            operator = self.operator(plant, day)
            chain = () if operator is None else (operator, *self.groups(operator, day))
            found = tuple(dict.fromkeys(self.successor(holder, day.year) for holder in chain))
            self._holders_cache[plant, day] = found
        return found

    @cached_property
    def _grants(self) -> Mapping[tuple[str, int, CapKind], list[Grant]]:
        grants: dict[tuple[str, int, CapKind], list[Grant]] = defaultdict(list)
        for a in self._all("allocations"):
            grants[self.successor(a.holder, a.year), a.year, a.kind].append(
                Grant(a.issued_on, a.tonnes_reo * GRAMS_PER_TONNE)
            )
        for b in self._all("breakdowns"):
            grants[self.successor(b.member, b.year), b.year, b.kind].append(
                Grant(b.issued_on, b.tonnes_reo * GRAMS_PER_TONNE)
            )
        return {cap: sorted(found, key=lambda g: g.day) for cap, found in grants.items()}

    def grants(self, holder: str, year: int, kind: CapKind) -> tuple[Grant, ...]:
        """All grants to a cap, by day of issue."""
        return tuple(self._grants.get((holder, year, kind), ()))

    def granted_caps(self) -> Iterable[tuple[str, int, CapKind]]:
        """Every cap that has a grant, issued or to come."""
        return self._grants.keys()

    def is_member(self, holder: str, year: int) -> bool:
        """Whether a holder stands below a group at any time of a year: then a cap of its own needs a grant."""
        first, last = date(year, 1, 1), date(year, 12, 31)
        return any(m.since <= last and (m.until is None or m.until > first) for m in self._memberships.get(holder, ()))

    @cached_property
    def _approvals(self) -> Mapping[str, list[Approval]]:
        return _grouped(self._all("approvals"), "enterprise")

    def listed(self, plant: str, kind: CapKind, day: date) -> bool:
        """Whether the enterprise that runs a plant, or a group above it, stands on the list for a kind on a day."""
        operator = self.operator(plant, day)
        if operator is None:
            return False
        activity = "separation" if kind is CapKind.SEPARATION else "mining"
        return any(
            approval.activity == activity and approval.holds_on(day)
            for enterprise in (operator, *self.groups(operator, day))
            for approval in self._approvals.get(enterprise, ())
        )


def granted_g(grants: tuple[Grant, ...], day: date) -> int:
    """Grams issued up to and including a day."""
    count = bisect_right([grant.day for grant in grants], day)
    return sum(grant.amount_g for grant in grants[:count])


def _grouped(entries: Iterable[Any], attribute: str) -> Mapping[str, list[Any]]:
    grouped: dict[str, list[Any]] = defaultdict(list)
    for entry in entries:
        grouped[getattr(entry, attribute)].append(entry)
    return grouped
