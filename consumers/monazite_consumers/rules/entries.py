"""What a registry file may declare: one frozen model per noun, each entry named by its noun and key."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from unicodedata import category

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts.catalogue import CapKind, ProductCode
from monazite_contracts.identifiers import GatewayCode, KeyId, PlantCode, Text
from monazite_contracts.material import Country
from monazite_contracts.months import day_start
from monazite_contracts.quantities import Percent, PositiveKilograms
from monazite_contracts.seal import public_key
from monazite_contracts.times import Month

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


_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2100
_BEGIN, _END = day_start(date(_FIRST_YEAR, 1, 1)), day_start(date(_LAST_YEAR + 1, 1, 1))
_OUTSIDE: Final = f"it lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}"


def _day_in_range(day: date) -> date:
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise PydanticCustomError("written_day", _OUTSIDE)
    return day


def _instant_in_range(instant: datetime) -> datetime:
    if not _BEGIN <= instant < _END:  # before it is converted: what lies far outside has no UTC
        raise PydanticCustomError("written_instant", _OUTSIDE)
    return instant.astimezone(UTC)


def _visible(value: Any) -> Any:
    # control, format, surrogate, line and paragraph separator: none can be seen, and PostgreSQL cannot hold some
    if isinstance(value, str) and any(category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for each in value):
        raise PydanticCustomError("visible_text", "it holds a character that cannot be seen")
    return value


Day = Annotated[date, BeforeValidator(_day), AfterValidator(_day_in_range)]
"""A calendar day in Asia/Shanghai."""

Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_instant_in_range)]
"""An instant, kept in UTC: written with another offset it is still the same entry."""

Year = Annotated[int, Field(ge=_FIRST_YEAR, le=_LAST_YEAR)]

Words = Annotated[Text, BeforeValidator(_visible)]
"""Text that must be there."""

Remark = Annotated[str, Field(max_length=500), BeforeValidator(_visible)]
"""Text that may be left out."""

TonnesReo = Annotated[int, Field(strict=True, ge=-1_000_000_000, le=1_000_000_000)]
"""Far beyond the world's output, and thousands of them in grams still fit 64 bits."""

_DAYS_MAX: Final = 36_500
_MINUTES_MAX: Final = 525_600
_HOURS_MAX: Final = 8_760
_AWAITING_MAX: Final = 10_000_000


def _in_order(since: Any, until: Any) -> None:
    if until is not None and until <= since:
        raise PydanticCustomError("until_order", "until lies after since", {"field": "until"})


class Entry(BaseModel):
    """One declared fact. `noun` and `key` name it; everything else is what it says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that make the key, in its order."""

    @property
    def key(self) -> str:
        """What tells this entry from others of its noun."""
        return " ".join(str(getattr(self, name)) for name in self.key_fields)


class _Sourced(Entry):
    evidence: Remark = ""
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

    key_fields = ("code",)

    code: Code
    name: Words
    name_zh: Remark = ""
    simulated: bool = False
    """Invented, or real but with invented data: every screen says so."""


class Membership(_Dated):
    """An enterprise belongs to a group from a day on; its draws add to the group's."""

    key_fields = ("member", "since")

    member: Code
    group: Code


class Plant(_Sourced):
    """One site that reports."""

    key_fields = ("code",)

    code: PlantCode
    name: Words
    name_zh: Remark = ""
    province: Code
    simulated: bool = False


class Operation(_Dated):
    """An enterprise runs a plant from a day on; the plant's draws post to it."""

    key_fields = ("plant", "since")

    plant: PlantCode
    enterprise: Code


class GatewayKey(Entry):
    """A gateway's public signing key, and when it vouches: by arrival time."""

    key_fields = ("id",)

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

    def vouches_at(self, arrival: datetime) -> bool:
        """Whether the key was valid at an arrival."""
        ends = [end for end in (self.until, self.revoked_from) if end is not None]
        return self.since <= arrival and all(arrival < end for end in ends)


class Approval(_Dated):
    """An enterprise stands on the published list (R6)."""

    key_fields = ("enterprise", "activity", "since")

    enterprise: Code
    activity: ListedActivity


class Allocation(Entry):
    """One grant, cut or release to a cap, or a reserve held back from it, with its decision. A cut is negative."""

    key_fields = ("year", "holder", "kind", "batch", "form", "decision")

    decision: Words
    batch: Words
    """As numbered by the decision; also tells a reserve's release or a penalty's cut."""
    form: Literal["grant", "cut", "release", "reserve"] = "grant"
    """A reserve is announced and grants nothing; a release grants (part of) it later."""
    year: Year
    holder: Code
    kind: CapKind
    issued_on: Day
    issued_on_evidence: Remark = ""
    tonnes_reo: TonnesReo
    evidence: Words
    invented: bool = False

    @model_validator(mode="after")
    def _sign_fits_form(self) -> Self:
        if (self.tonnes_reo < 0) != (self.form == "cut"):
            raise PydanticCustomError(
                "sign", "a cut is below zero, a grant, release or reserve is not", {"field": "tonnes_reo"}
            )
        return self


class Breakdown(_Sourced):
    """How a group passes part of its grant to a member; below zero it takes back, to pass it to another, say."""

    key_fields = ("year", "group", "member", "kind", "issued_on")

    group: Code
    member: Code
    year: Year
    kind: CapKind
    issued_on: Day
    tonnes_reo: TonnesReo
    invented: bool = False


class Succession(_Sourced):
    """A holder takes over another's caps of the named years: granted and drawn move whole."""

    key_fields = ("predecessor", "successor")

    predecessor: Code
    successor: Code
    years: Annotated[tuple[Year, ...], Field(min_length=1)]


class Duty(_Dated):
    """An enterprise owes the flow record of every month, itemised per plant (R1, R2), from a day on."""

    key_fields = ("enterprise", "since")

    enterprise: Code
    basis: Words
    """The provision that obliges it."""


class Excuse(_Sourced):
    """A plant need not report a month: a decision by the regulator."""

    key_fields = ("plant", "month")

    plant: PlantCode
    month: Month
    decision: Words


class Holiday(_Sourced):
    """A day on which nobody works, or a weekend day on which everybody does, by the published calendar of its year."""

    key_fields = ("day",)

    day: Day
    working: bool = False


class Recovery(_Sourced):
    """Between what the recovery rate of a process step should lie, in percent of the REO used."""

    key_fields = ("step",)

    step: Literal["separated", "smelted", "recovered"]
    low_pct: Percent
    high_pct: Percent


class Licence(_Dated):
    """A licence to export (R12): whose, what, to whom, how much. A single one covers one export."""

    key_fields = ("number",)

    number: Words
    enterprise: Code
    form: Literal["single", "general"]
    products: Annotated[tuple[ProductCode, ...], Field(min_length=1)]
    destination: Country
    end_user: Words
    net_mass_kg: PositiveKilograms
    """That may be exported on it in all."""


class Tolerance(_Sourced):
    """How far masses of a product that should be equal may differ."""

    key_fields = ("product",)

    product: ProductCode
    mass_ppm: Annotated[int, Field(ge=0, le=1_000_000)]


class Settings(Entry):
    """What the law leaves open or an authority may tune (domain page, section 1)."""

    separation_counts: Literal["output", "feed"] = "output"
    recycled_counts: bool = False
    separated_again_counts: bool = False
    claim_tolerance_ppm: Annotated[int, Field(ge=0, le=1_000_000)] = 5_000
    """How far the plant's REO figure may lie from mass × assay."""
    future_tolerance_minutes: Annotated[int, Field(ge=0, le=_MINUTES_MAX)] = 15
    long_past_days: Annotated[int, Field(ge=1, le=_DAYS_MAX)] = 92
    settle_minutes: Annotated[int, Field(ge=0, le=_MINUTES_MAX)] = 15
    """How long an absence may last before it is alerted, by arrival time."""
    settle_across_hours: Annotated[int, Field(ge=0, le=_HOURS_MAX)] = 48
    """The same, where another enterprise has to speak first."""
    mass_tolerance_ppm: Annotated[int, Field(ge=0, le=1_000_000)] = 2_000
    """How far masses that should be equal may differ, where no product has a tolerance of its own."""
    transit_days: Annotated[int, Field(ge=1, le=_DAYS_MAX)] = 30
    """How long a shipment may be under way that nobody expects at a stated instant."""
    transit_days_max: Annotated[int, Field(ge=1, le=_DAYS_MAX)] = 90
    """How long it may be under way at all, however late its consignor expects it."""
    declared_by_day: Annotated[int, Field(ge=1, le=28)] = 10
    """Of the following month."""
    deadline_day_included: bool = True
    deadline_moves_on_holidays: bool = False
    outage_grace_hours: Annotated[int, Field(ge=0, le=_HOURS_MAX)] = 72
    """How much of the time before a deadline is given back if the platform was down in it."""
    outage_minutes: Annotated[int, Field(ge=1, le=_MINUTES_MAX)] = 5
    """For how long not everything that had arrived may be known before the platform was down or behind."""
    assay_uncertainty_ppm: Annotated[int, Field(ge=0, le=1_000_000)] = 5_000
    """One standard deviation of one assayed line, of its REO."""
    bias_tolerance_ppm: Annotated[int, Field(ge=0, le=1_000_000)] = 1_000
    """How far a month's claimed REO may lie from the computed one, in sum."""
    bias_year_tolerance_ppm: Annotated[int, Field(ge=0, le=1_000_000)] = 500
    """The same over twelve months, in which chance evens out."""
    answer_days: Annotated[int, Field(ge=1, le=_DAYS_MAX)] = 10
    """How long a consignor has to answer for a difference or a refusal."""
    awaiting_per_source_max: Annotated[int, Field(ge=1, le=_AWAITING_MAX)] = 2_000
    awaiting_total_max: Annotated[int, Field(ge=1, le=_AWAITING_MAX)] = 100_000

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
    "duties": Duty,
    "excuses": Excuse,
    "holidays": Holiday,
    "licences": Licence,
    "recoveries": Recovery,
    "tolerances": Tolerance,
    "settings": Settings,
}
"""Every noun that a registry file may declare, in the order in which a difference is shown."""
