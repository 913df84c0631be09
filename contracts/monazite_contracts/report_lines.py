"""The lines of a month's traceability report: what each table says of a cap, a plant, a shipment, a condition."""

from typing import Annotated, Literal

from pydantic import Field

from monazite_contracts.identifiers import Text
from monazite_contracts.model import Contract, Form
from monazite_contracts.times import Instant

Grams = Annotated[int, Form("Whole grams; negative where more left than came.", "12500")]
"""A mass in whole grams."""

Ppm = Annotated[int, Form("Parts per million, rounded down.", "925000")]
"""A share in whole parts per million."""

Name = Annotated[str, Field(min_length=1, max_length=1_000)]
"""A name that is put together from others."""

Count = Annotated[int, Field(ge=0)]


class Plant(Contract):
    """A plant of the scope in that month."""

    code: Text
    name: Text
    enterprise: Text
    """Who ran it on the month's last day on which somebody did."""
    enterprise_name: Text
    province: Text
    province_name: Text


class CapLine(Contract):
    """One account (R3) at the month's end, by event time. What a group was granted and drew includes its members."""

    holder: Text
    name: Text
    group: Text | None
    """The group that the holder belongs to; its line includes this one."""
    kind: Text
    """Of the cap."""
    granted_g: Grams | None
    """Null: not yet issued."""
    drawn_g: Grams
    """From the year's first day to the month's last."""
    headroom_g: Grams | None
    """Granted less drawn, below zero where more was drawn; null: not yet issued."""
    drawn_in_month_g: Grams
    rate_g_per_day: Grams
    """Drawn in the year by days of the year so far, rounded half to even."""
    projected_g: Grams
    """At that rate to the year's end."""
    overrun_then_g: Grams
    """The highest excess on any day of the year so far over what was issued by then; 0: none."""


class OutputLine(Contract):
    """What a plant made in one activity, of one product, from one origin of feed (R4)."""

    plant: Text
    activity: Text
    """mined, separated, smelted, recovered."""
    product: Text
    origin: Text
    """Of the feed: domestic, imported, monazite, recycled, other; mixed lots are split by mass share."""
    net_g: Grams
    reo_g: Grams


class FlowLine(Contract):
    """A plant's month of one product: opening + in + made - used - shipped - lost = closing."""

    plant: Text
    product: Text
    unit: Literal["product", "reo"]
    """Grams of product, or of REO in it."""
    opening_g: Grams
    in_g: Grams
    made_g: Grams
    used_g: Grams
    shipped_g: Grams
    lost_g: Grams
    closing_g: Grams


class BalanceLine(Contract):
    """Feed against product of one process step of a plant, for REO or one element's oxide."""

    plant: Text
    step: Text
    element: Text
    """`REO`, or the symbol of an element whose assays are known on both sides."""
    used_g: Grams
    made_g: Grams
    uncertainty_g: Grams
    """One standard deviation of the difference, from the assays."""
    recovery_ppm: Ppm | None
    """Made of used; null where nothing was used."""
    low_ppm: Ppm | None
    """The registered band of the step; null where there is none."""
    high_ppm: Ppm | None


class CoverageLine(Contract):
    """The share of a plant's output of a product whose chain is unbroken and lawful (R8)."""

    plant: Text
    product: Text
    made_g: Grams
    lawful_g: Grams


class OpenShipmentLine(Contract):
    """A shipment that somebody must still act on."""

    shipment: Name
    """Consignor and waybill."""
    consignor: Name
    """Who sends."""
    consignee: Name
    """To whom."""
    state: Text
    actor: Text
    """Who must act next."""
    due_at: Instant | None
    dispatched_at: Instant | None
    net_g: Grams
    """Dispatched; what was received, where no dispatch is known."""


class ShipmentTotal(Contract):
    """A plant's shipments dispatched in the month, by how they stand."""

    plant: Text
    state: Text
    shipments: Count
    """That stand so."""
    net_g: Grams


class DeclaredFigure(Contract):
    """A figure of a declaration that disagrees with the plant's own events. Grams of product."""

    product: Text
    column: Text
    """opening, in, made, used, shipped, lost or closing."""
    declared_g: Grams
    computed_g: Grams
    """By the plant's events."""


class DeclarationLine(Contract):
    """What a plant owed for the month and whether it came (R1, R2)."""

    plant: Text
    enterprise: Text
    """Who owes it: the last that ran the plant while it had to report."""
    status: Text
    """not due, reminded, reported, confirmed nil, missing, late or excused."""
    deadline: Instant | None
    filed_at: Instant | None
    differences: Count
    """Figures in which it disagrees with the plant's own events."""
    differing: tuple[DeclaredFigure, ...]
    """Those figures, at most twenty."""


class ConditionLine(Contract):
    """An alert about the month, or time before it, that holds; or that did in the report before and does no longer."""

    alert: Text
    """Its id."""
    rule: Text
    severity: Text
    subject: Text
    period: Text
    summary: str
    """One sentence for a person."""
    basis: Text


class AmendmentLine(Contract):
    """A correction, void or final assay about the month, since the revision before (in the first one all of them)."""

    plant: Text
    kind: Text
    """correction, void or assay."""
    event: Text
    """Id of the statement that was amended."""
    arrived_at: Instant
    reason: str
    """As the plant gave it; empty where it gave none."""


class PartLine(Contract):
    """What one part adds to the whole: an enterprise or a province. The parts of a kind sum to the whole."""

    level: Literal["province", "enterprise"]
    """Which kind of part."""
    code: Text
    name: Text
    plants: Count
    """Of the part."""
    mined_reo_g: Grams
    separated_reo_g: Grams
    smelted_reo_g: Grams
    recovered_reo_g: Grams
    shipped_reo_g: Grams
    closing_reo_g: Grams
    made_g: Grams
    lawful_g: Grams
    """Of `made_g`: with an unbroken lawful chain."""
    owed: Count
    """Declarations."""
    filed: Count
    """Of those, that were filed."""
    conditions: Count
    """Alerts about its plants that hold."""


class Difference(Contract):
    """A figure that the revision before stated otherwise."""

    topic: Text
    """The table."""
    of: Name
    """The line: its words, separated by ` / `."""
    figure: Text
    before: Grams | str | None
    """Null: the line was not there."""
    after: Grams | str | None
    """Null: the line is gone."""
