"""What a registry file may declare: one frozen model per noun, each entry named by its noun and key."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts.catalogue import CapKind
from monazite_contracts.identifiers import GatewayCode, KeyId, PlantCode, Text
from monazite_contracts.seal import public_key

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,63}$")]
ListedActivity = Literal["mining", "separation"]

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{5,8}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})")


def _day(value: Any) -> Any:
    # pydantic alone would take "0" for 1970-01-01
    if not isinstance(value, str):
        return value
    try:
        if _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:  # the 31st of February
        pass
    raise PydanticCustomError("written_day", "there is no such day")


def _instant(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        if _INSTANT.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise PydanticCustomError("written_instant", "there is no such instant, or its offset is missing")


Day = Annotated[date, BeforeValidator(_day)]
"""A calendar day in Asia/Shanghai."""

Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(lambda instant: instant.astimezone(UTC))]
"""An instant, kept in UTC: written with another offset it is still the same entry."""

Year = Annotated[int, Field(ge=2000, le=2100)]


def _in_order(since: Any, until: Any) -> None:
    if until is not None and until <= since:
        raise PydanticCustomError("until_order", "until lies after since", {"field": "until"})


class Entry(BaseModel):
    """One declared fact. `noun` and `key` name it; everything else is what it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def key(self) -> str:
        """What tells this entry from others of its noun."""
        raise NotImplementedError


class _Sourced(Entry):
    evidence: str = ""
    """How sure the fact is: read, derived, recalled or assumed, and where."""


class _Dated(_Sourced):
    since: Day
    until: Day | None = None
    """The first day on which it no longer holds; none: it holds on."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        _in_order(self.since, self.until)
        return self

    def holds_on(self, day: date) -> bool:
        """Whether the fact holds on a day in Asia/Shanghai."""
        return self.since <= day and (self.until is None or day < self.until)


class Enterprise(_Sourced):
    """A legal holder of caps, or a subsidiary of one."""

    code: Code
    name: Text
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


class Plant(_Sourced):
    """One site that reports."""

    code: PlantCode
    name: Text
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
    since: Instant
    until: Instant | None = None
    revoked_from: Instant | None = None
    """Nothing that arrived from here on is vouched for; may be set back before a theft."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        _in_order(self.since, self.until)
        return self

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
    """One grant, cut or release to a cap, or a reserve held back from it, with its decision. A cut is negative."""

    decision: Text
    batch: Text
    """As numbered by the decision; also tells a reserve's release or a penalty's cut."""
    form: Literal["grant", "cut", "release", "reserve"] = "grant"
    """A reserve is announced and grants nothing; a release grants (part of) it later."""
    year: Year
    holder: Code
    kind: CapKind
    issued_on: Day
    issued_on_evidence: str = ""
    tonnes_reo: Annotated[int, Field(strict=True)]
    evidence: Text
    invented: bool = False

    @model_validator(mode="after")
    def _sign_fits_form(self) -> Self:
        if (self.tonnes_reo < 0) != (self.form == "cut"):
            raise PydanticCustomError(
                "sign", "a cut is below zero, a grant, release or reserve is not", {"field": "tonnes_reo"}
            )
        return self

    @property
    def key(self) -> str:
        return f"{self.year} {self.holder} {self.kind} {self.batch} {self.form} {self.decision}"


class Breakdown(_Sourced):
    """How a group passes part of its grant to a member; below zero it takes back, to pass it to another, say."""

    group: Code
    member: Code
    year: Year
    kind: CapKind
    issued_on: Day
    tonnes_reo: Annotated[int, Field(strict=True)]
    invented: bool = False

    @property
    def key(self) -> str:
        return f"{self.year} {self.group} {self.member} {self.kind} {self.issued_on}"


class Succession(_Sourced):
    """A holder takes over another's caps of the named years: granted and drawn move whole."""

    predecessor: Code
    successor: Code
    years: Annotated[tuple[Year, ...], Field(min_length=1)]

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
