"""What a registry file may declare: one frozen model per noun, each entry named by its noun and key."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_consumers.rules.facts import Dated, Entry, Sourced, in_order
from monazite_consumers.rules.written import Code, Day, Instant, ListedActivity, Remark, TonnesReo, Words, Year
from monazite_contracts.catalogue import CapKind, ProductCode
from monazite_contracts.identifiers import GatewayCode, KeyId, PlantCode
from monazite_contracts.material import Country
from monazite_contracts.quantities import Percent, PositiveKilograms
from monazite_contracts.seal import public_key
from monazite_contracts.times import Month

_DAYS_MAX: Final = 36_500
_MINUTES_MAX: Final = 525_600
_HOURS_MAX: Final = 8_760
_AWAITING_MAX: Final = 10_000_000


class Enterprise(Sourced):
    """A legal holder of caps, or a subsidiary of one."""

    key_fields = ("code",)

    code: Code
    name: Words
    name_zh: Remark = ""
    simulated: bool = False
    """Invented, or real but with invented data: every screen says so."""


class Membership(Dated):
    """An enterprise belongs to a group from a day on; its draws add to the group's."""

    key_fields = ("member", "since")

    member: Code
    group: Code


class Plant(Sourced):
    """One site that reports."""

    key_fields = ("code",)

    code: PlantCode
    name: Words
    name_zh: Remark = ""
    province: Code
    simulated: bool = False


class Operation(Dated):
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
        in_order(self.since, self.until)
        return self

    def vouches_at(self, arrival: datetime) -> bool:
        """Whether the key was valid at an arrival."""
        ends = [end for end in (self.until, self.revoked_from) if end is not None]
        return self.since <= arrival and all(arrival < end for end in ends)


class Approval(Dated):
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


class Breakdown(Sourced):
    """How a group passes part of its grant to a member; below zero it takes back, to pass it to another, say."""

    key_fields = ("year", "group", "member", "kind", "issued_on")

    group: Code
    member: Code
    year: Year
    kind: CapKind
    issued_on: Day
    tonnes_reo: TonnesReo
    invented: bool = False


class Succession(Sourced):
    """A holder takes over another's caps of the named years: granted and drawn move whole."""

    key_fields = ("predecessor", "successor")

    predecessor: Code
    successor: Code
    years: Annotated[tuple[Year, ...], Field(min_length=1)]


class Duty(Dated):
    """An enterprise owes the flow record of every month, itemised per plant (R1, R2), from a day on."""

    key_fields = ("enterprise", "since")

    enterprise: Code
    basis: Words
    """The provision that obliges it."""


class Excuse(Sourced):
    """A plant need not report a month: a decision by the regulator."""

    key_fields = ("plant", "month")

    plant: PlantCode
    month: Month
    decision: Words


class Holiday(Sourced):
    """A day on which nobody works, or a weekend day on which everybody does, by the published calendar of its year."""

    key_fields = ("day",)

    day: Day
    working: bool = False


class Deadline(Sourced):
    """When the records of the months that begin on a day or later are due; earlier months keep what held for them."""

    key_fields = ("since",)

    since: Day
    declared_by_day: Annotated[int, Field(ge=1, le=28)] = 10
    """Of the following month."""
    day_included: bool = True
    moves_on_holidays: bool = False
    outage_grace_hours: Annotated[int, Field(ge=0, le=_HOURS_MAX)] = 72
    """How much of the time before a deadline is given back if the platform was down in it."""


class Recovery(Sourced):
    """Between what the recovery rate of a process step should lie, in percent of the REO used."""

    key_fields = ("step",)

    step: Literal["separated", "smelted", "recovered"]
    low_pct: Percent
    high_pct: Percent


class Licence(Dated):
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


class Tolerance(Sourced):
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
    """How far clocks may be apart: of a plant and ours, and of the two ends of a shipment."""
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
    """Of the following month. As the three that follow: of months before the first entry of `deadlines`."""
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
    opening_days: Annotated[int, Field(ge=0, le=_DAYS_MAX)] = 31
    """How long after the month of a plant's first dealing its opening inventory may still arrive."""
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
    "deadlines": Deadline,
    "holidays": Holiday,
    "licences": Licence,
    "recoveries": Recovery,
    "tolerances": Tolerance,
    "settings": Settings,
}
"""Every noun that a registry file may declare, in the order in which a difference is shown."""
