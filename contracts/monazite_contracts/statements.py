"""What an event states: production, material that enters or changes, shipments, declarations, and their amendments."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts.assays import Assay, MetalAssay
from monazite_contracts.catalogue import PRODUCTS, ProductCode, Stage
from monazite_contracts.identifiers import EventId, LotCode, PlantCode, Sha256, Text
from monazite_contracts.model import Contract
from monazite_contracts.quantities import Amount, Kilograms, PositiveKilograms
from monazite_contracts.times import Instant, Month, Period

Origin = Literal["domestic", "imported", "monazite", "by_product", "recycled"]
"""Where the feed comes from (Order 71 art. 3): the caps and the monthly report tell them apart."""

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""

_STAGES_MADE = {
    "mined": {Stage.ORE},
    "separated": {Stage.COMPOUND},
    "smelted": {Stage.METAL},
    "recovered": {Stage.COMPOUND, Stage.METAL},
}


def _assay_fits(product: str, assay: Assay) -> None:
    if (PRODUCTS[product].stage is Stage.METAL) != isinstance(assay, MetalAssay):
        raise PydanticCustomError(
            "assay_basis", "a metal or alloy has an assay of basis `metal`, every other product `dry` or `as_received`"
        )


class Input(Contract):
    """One lot that was used, and how much of it."""

    lot: LotCode
    product: ProductCode
    net_mass_kg: PositiveKilograms
    assay: Assay
    """Of the lot as it was used."""


class Production(Contract):
    """One lot made in one period: mined, separated, smelted to metal, or recovered from scrap."""

    activity: Literal["mined", "separated", "smelted", "recovered"]
    lot: LotCode
    product: ProductCode
    net_mass_kg: PositiveKilograms
    assay: Assay
    claimed_reo_kg: Kilograms
    """The plant's own REO figure: compared with mass × assay, never drawn."""
    inputs: Annotated[tuple[Input, ...], Field(max_length=100)] = ()
    """The lots used. A mine has none."""
    origin: Origin
    """Of the feed; feed of two origins is reported as two lots."""
    period: Period
    losses_kg: Kilograms | None = None
    """Mass lost in the process."""
    energy_kwh: Amount | None = None
    water_m3: Amount | None = None
    carbon_kg: Amount | None = None
    """CO2 equivalent."""

    @model_validator(mode="after")
    def _product_fits(self) -> Self:
        if PRODUCTS[self.product].stage not in _STAGES_MADE[self.activity]:
            raise PydanticCustomError(
                "product_activity",
                "mined lots are ore products, separated ones compounds, smelted ones metals, recovered ones either",
            )
        _assay_fits(self.product, self.assay)
        return self


class Import(Contract):
    """A lot that entered the country under a customs import declaration."""

    lot: LotCode
    product: ProductCode
    net_mass_kg: PositiveKilograms
    assay: Assay
    claimed_reo_kg: Kilograms
    declaration: Text
    """Number of the customs import declaration."""
    country_of_origin: Country
    exporter: Text
    imported_at: Instant


class ScrapIntake(Contract):
    """A lot of secondary material taken in from outside the regulated chain."""

    lot: LotCode
    product: ProductCode
    net_mass_kg: PositiveKilograms
    assay: Assay
    claimed_reo_kg: Kilograms
    supplier: Text
    taken_in_at: Instant


class OpeningInventory(Contract):
    """A lot that was already there when the plant went live."""

    lot: LotCode
    product: ProductCode
    net_mass_kg: PositiveKilograms
    assay: Assay
    claimed_reo_kg: Kilograms
    origin: Origin
    counted_at: Instant


class Part(Contract):
    """A mass of one lot."""

    lot: LotCode
    net_mass_kg: PositiveKilograms


class Split(Contract):
    """One lot becomes several of the same product and assay."""

    parent: Part
    children: Annotated[tuple[Part, ...], Field(min_length=1, max_length=100)]
    split_at: Instant


class Blend(Contract):
    """Parts of several lots become one."""

    parents: Annotated[tuple[Part, ...], Field(min_length=1, max_length=100)]
    lot: LotCode
    product: ProductCode
    net_mass_kg: PositiveKilograms
    assay: Assay
    blended_at: Instant


class Loss(Contract):
    """Mass of a lot that is gone, outside production."""

    lot: LotCode
    net_mass_kg: PositiveKilograms
    reason: Literal["spill", "fire", "theft", "flood", "drying", "sampling", "disposal", "other"]
    note: Text | None = None
    lost_at: Instant


class RegisteredParty(Contract):
    """A plant on the regulator's register."""

    kind: Literal["plant"]
    plant: PlantCode


class NamedParty(Contract):
    """Somebody outside the register: a foreign buyer, a magnet user."""

    kind: Literal["named"]
    name: Text
    country: Country
    tax_id: Text | None = None


Party = Annotated[RegisteredParty | NamedParty, Field(discriminator="kind")]


class Invoice(Contract):
    """The special VAT invoice of a sale."""

    number: Text
    issued_on: Annotated[str, Field(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")]


class ExportPapers(Contract):
    """The customs export declaration, and the MOFCOM licence where the items need one (R12)."""

    declaration: Text
    destination: Country
    end_user: Text
    licence: Text | None = None


class ShipmentLine(Contract):
    """One lot, or part of one, on a waybill."""

    lot: LotCode
    product: ProductCode
    net_mass_kg: PositiveKilograms


class Dispatched(Contract):
    """Goods have left the consignor, which is the reporting plant. A sale is a dispatch with a buyer."""

    waybill: Text
    consignee: Party
    buyer: Party | None = None
    end_use: Literal[
        "mining", "separation", "smelting", "alloy", "magnet", "catalyst", "polishing", "glass", "ceramics",
        "phosphor", "hydrogen_storage", "trade", "stockpile", "research", "export", "other",
    ]  # fmt: skip
    lines: Annotated[tuple[ShipmentLine, ...], Field(min_length=1, max_length=100)]
    dispatched_at: Instant
    expected_at: Instant | None = None
    invoice: Invoice | None = None
    export: ExportPapers | None = None


class ReceivedLine(Contract):
    """What the consignee found of one lot on a waybill."""

    lot: LotCode
    accepted_kg: Kilograms
    refused_kg: Kilograms
    reason: (
        Literal["damaged", "contaminated", "off_specification", "wrong_product", "not_ordered", "mass_differs", "other"]
        | None
    ) = None
    """Must be there when something was refused or the outcome is short or over."""


class Received(Contract):
    """Goods have reached the consignee, which is the reporting plant."""

    waybill: Text
    consignor: Party
    outcome: Literal["accepted", "short", "over", "partly_refused", "refused"]
    lines: Annotated[tuple[ReceivedLine, ...], Field(min_length=1, max_length=100)]
    received_at: Instant

    @model_validator(mode="after")
    def _reasons_given(self) -> Self:
        if self.outcome != "accepted" and not any(line.reason for line in self.lines):
            raise PydanticCustomError("reason_missing", "an outcome other than `accepted` has a reason on some line")
        return self


class DestinationChanged(Contract):
    """A shipment under way goes to somebody else; said by its consignor."""

    waybill: Text
    consignee: Party
    reason: Text
    changed_at: Instant


class FlowLine(Contract):
    """One product's month: opening + in + made - used - shipped - lost = closing, as the plant counts it."""

    product: ProductCode
    opening_kg: Kilograms
    in_kg: Kilograms
    made_kg: Kilograms
    used_kg: Kilograms
    shipped_kg: Kilograms
    lost_kg: Kilograms
    closing_kg: Kilograms


class Declaration(Contract):
    """The plant's flow record of one month (R1): its lines per product, or an explicit nil."""

    month: Month
    nil: bool
    """True states that nothing was held and nothing moved; then there are no lines."""
    lines: Annotated[tuple[FlowLine, ...], Field(max_length=200)] = ()

    @model_validator(mode="after")
    def _nil_or_lines(self) -> Self:
        if self.nil == bool(self.lines):
            raise PydanticCustomError("nil_or_lines", "either `nil` is true and there are no lines, or there are lines")
        return self


class Count(Contract):
    """What was found of one product."""

    product: ProductCode
    net_mass_kg: Kilograms


class Stocktake(Contract):
    """A physical count of what is on hand."""

    counts: Annotated[tuple[Count, ...], Field(min_length=1, max_length=200)]
    taken_at: Instant


class Target(Contract):
    """The current version of a statement, by its event's id and hash."""

    id: EventId
    hash: Sha256


class AssayFinalised(Contract):
    """The laboratory's final assay for a lot: amends the statement that reported the lot."""

    target: Target
    lot: LotCode
    assay: Assay
    finalised_at: Instant

    @model_validator(mode="after")
    def _is_final(self) -> Self:
        if self.assay.status != "final":
            raise PydanticCustomError("assay_status", "a finalised assay has the status `final`")
        return self


AmendmentReason = Literal["data_entry", "assay", "weighing", "wrong_lot", "wrong_party", "duplicate", "other"]


class Void(Contract):
    """Takes a statement back."""

    target: Target
    reason: AmendmentReason
    note: Text | None = None
    voided_at: Instant


class ProductionReplacement(Contract):
    """A whole production statement in another's place."""

    type: Literal["monazite.production.v1"]
    data: Production


class ImportReplacement(Contract):
    """A whole import statement in another's place."""

    type: Literal["monazite.import.v1"]
    data: Import


class ScrapIntakeReplacement(Contract):
    """A whole scrap intake in another's place."""

    type: Literal["monazite.scrap-intake.v1"]
    data: ScrapIntake


class OpeningInventoryReplacement(Contract):
    """A whole opening inventory in another's place."""

    type: Literal["monazite.opening-inventory.v1"]
    data: OpeningInventory


class SplitReplacement(Contract):
    """A whole split in another's place."""

    type: Literal["monazite.split.v1"]
    data: Split


class BlendReplacement(Contract):
    """A whole blend in another's place."""

    type: Literal["monazite.blend.v1"]
    data: Blend


class LossReplacement(Contract):
    """A whole loss in another's place."""

    type: Literal["monazite.loss.v1"]
    data: Loss


class DispatchedReplacement(Contract):
    """A whole dispatch in another's place."""

    type: Literal["monazite.dispatched.v1"]
    data: Dispatched


class ReceivedReplacement(Contract):
    """A whole receipt of goods in another's place."""

    type: Literal["monazite.received.v1"]
    data: Received


class DestinationChangedReplacement(Contract):
    """A whole change of destination in another's place."""

    type: Literal["monazite.destination-changed.v1"]
    data: DestinationChanged


class DeclarationReplacement(Contract):
    """A whole declaration in another's place."""

    type: Literal["monazite.declaration.v1"]
    data: Declaration


class StocktakeReplacement(Contract):
    """A whole stocktake in another's place."""

    type: Literal["monazite.stocktake.v1"]
    data: Stocktake


Replacement = Annotated[
    ProductionReplacement
    | ImportReplacement
    | ScrapIntakeReplacement
    | OpeningInventoryReplacement
    | SplitReplacement
    | BlendReplacement
    | LossReplacement
    | DispatchedReplacement
    | ReceivedReplacement
    | DestinationChangedReplacement
    | DeclarationReplacement
    | StocktakeReplacement,
    Field(discriminator="type"),
]


class Correction(Contract):
    """Puts a whole statement of the same kind in another's place. Plant, kind and counterparty are not corrected."""

    target: Target
    reason: AmendmentReason
    note: Text | None = None
    replacement: Replacement
    corrected_at: Instant


Statement = (
    Production | Import | ScrapIntake | OpeningInventory | Split | Blend | Loss
    | Dispatched | Received | DestinationChanged | Declaration | Stocktake
)  # fmt: skip
"""What stands by itself: the world, as a plant saw it."""

Amendment = AssayFinalised | Void | Correction
"""What changes an earlier statement of the same plant."""


def acted_at(data: Statement | Amendment) -> datetime | None:
    """The stated instant of the act; None where a period or a month says when."""
    for name in _INSTANTS:
        found: datetime | None = getattr(data, name, None)
        if found is not None:
            return found
    return None


_INSTANTS = (
    "imported_at", "taken_in_at", "counted_at", "split_at", "blended_at", "lost_at", "dispatched_at", "received_at",
    "changed_at", "taken_at", "finalised_at", "voided_at", "corrected_at",
)  # fmt: skip
