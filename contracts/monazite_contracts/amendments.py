"""What changes an earlier statement of the same plant: a final assay, a void, a correction."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts.assays import Assay
from monazite_contracts.declarations import Declaration, Stocktake
from monazite_contracts.identifiers import EventId, LotCode, Sha256, Text
from monazite_contracts.material import Blend, Import, Loss, OpeningInventory, ScrapIntake, Split
from monazite_contracts.model import Contract
from monazite_contracts.production import Production
from monazite_contracts.shipments import DestinationChanged, Dispatched, Received
from monazite_contracts.times import Instant


class Target(Contract):
    """The current version of a statement, by its event's id and hash."""

    id: EventId
    """Of the event that states it."""
    hash: Sha256
    """SHA-256 of that event's RFC 8785 form."""


class AssayFinalised(Contract):
    """The laboratory's final assay for a lot: amends the statement that reported the lot."""

    target: Target
    lot: LotCode
    """The lot that the target made."""
    assay: Assay
    """With the status `final`."""
    finalised_at: Instant
    """When the laboratory signed it; the event time."""

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
    """Why; the note says more."""
    note: Text | None = None
    """For a person."""
    voided_at: Instant
    """When the plant decided so; the event time."""


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
    """Why; the note says more."""
    note: Text | None = None
    """For a person."""
    replacement: Replacement
    """The whole statement as it should have been; its own time is the event time."""
    corrected_at: Instant
    """When the plant decided so."""
