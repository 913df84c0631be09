"""What is stated of shipments: dispatched by the consignor, received by the consignee, redirected on the way."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts.catalogue import ProductCode
from monazite_contracts.identifiers import LotCode, PlantCode, Reference, Text
from monazite_contracts.material import Country
from monazite_contracts.model import Contract
from monazite_contracts.quantities import Kilograms, PositiveKilograms, grams
from monazite_contracts.times import Day, Instant


class RegisteredParty(Contract):
    """A plant on the regulator's register."""

    kind: Literal["plant"]
    plant: PlantCode


class NamedParty(Contract):
    """Somebody outside the register: a foreign buyer, a magnet user."""

    kind: Literal["named"]
    name: Text
    country: Country
    tax_id: Reference | None = None
    """Its tax number: the unified social credit code in China."""


Party = Annotated[RegisteredParty | NamedParty, Field(discriminator="kind")]
"""Either end of a shipment."""


class Invoice(Contract):
    """The special VAT invoice of a sale."""

    number: Reference
    issued_on: Day


class ExportPapers(Contract):
    """The customs export declaration, and the MOFCOM licence where the items need one (R12)."""

    declaration: Reference
    """Number of the customs export declaration."""
    destination: Country
    end_user: Text
    """Name of the end user, as on the licence."""
    licence: Reference | None = None
    """Number of the export licence."""


class ShipmentLine(Contract):
    """One lot, or part of one, on a waybill."""

    lot: LotCode
    product: ProductCode
    """From the catalogue."""
    net_mass_kg: PositiveKilograms


class Dispatched(Contract):
    """Goods have left the consignor, which is the reporting plant. A sale is a dispatch with a buyer."""

    waybill: Reference
    """Number of the waybill: consignor and consignee write the same."""
    consignee: Party
    """Who will take the goods in."""
    buyer: Party | None = None
    """Who buys them, where it is a sale."""
    end_use: Literal[
        "mining", "separation", "smelting", "alloy", "magnet", "catalyst", "polishing", "glass", "ceramics",
        "phosphor", "hydrogen_storage", "trade", "stockpile", "research", "export", "other",
    ]  # fmt: skip
    """What the consignee declares to use them for."""
    lines: Annotated[tuple[ShipmentLine, ...], Field(min_length=1, max_length=100)]
    """What is on the waybill."""
    dispatched_at: Instant
    """When they left; the event time."""
    expected_at: Instant | None = None
    """When they should arrive: after they left."""
    invoice: Invoice | None = None
    """Of the sale, where there is one."""
    export: ExportPapers | None = None
    """Must be there when the goods leave the country; its absence is a finding, no refusal."""

    @model_validator(mode="after")
    def _expected_after_they_left(self) -> Self:
        if self.expected_at is not None and self.expected_at <= self.dispatched_at:
            raise PydanticCustomError("expected_order", "goods are expected after they left")
        return self


class ReceivedLine(Contract):
    """What the consignee found of one lot on a waybill."""

    lot: LotCode
    accepted_kg: Kilograms
    """Mass taken in."""
    refused_kg: Kilograms
    """Mass sent back or set apart."""
    reason: (
        Literal["damaged", "contaminated", "off_specification", "wrong_product", "not_ordered", "mass_differs", "other"]
        | None
    ) = None
    """Must be there on a line of which something was refused."""

    @model_validator(mode="after")
    def _refused_for_a_reason(self) -> Self:
        if self.reason is None and grams(self.refused_kg):
            raise PydanticCustomError("line_reason_missing", "a line of which something was refused has a reason")
        return self


class Received(Contract):
    """Goods have reached the consignee, which is the reporting plant."""

    waybill: Reference
    """Number of the waybill, as the consignor wrote it."""
    consignor: Party
    """Who sent the goods."""
    outcome: Literal["accepted", "short", "over", "partly_refused", "refused"]
    """Refusal outweighs: `partly_refused` and `refused` also when the mass differs. All but `accepted` need a reason
    on some line; `accepted`, `short` and `over` refuse nothing, `refused` accepts nothing. For a person: the platform
    compares the masses with those of the dispatch, whatever is said here.
    """
    lines: Annotated[tuple[ReceivedLine, ...], Field(min_length=1, max_length=100)]
    """What was found."""
    received_at: Instant
    """When they arrived; the event time."""

    @model_validator(mode="after")
    def _outcome_fits_lines(self) -> Self:
        if self.outcome != "accepted" and not any(line.reason for line in self.lines):
            raise PydanticCustomError("reason_missing", "an outcome other than `accepted` has a reason on some line")
        accepts = any(grams(line.accepted_kg) for line in self.lines)
        refuses = any(grams(line.refused_kg) for line in self.lines)
        if refuses != (self.outcome in {"partly_refused", "refused"}) or (accepts and self.outcome == "refused"):
            raise PydanticCustomError("outcome_lines", "the outcome and the masses of the lines contradict each other")
        return self


class DestinationChanged(Contract):
    """A shipment under way goes to somebody else; said by its consignor."""

    waybill: Reference
    """Number of the waybill under way."""
    consignee: Party
    """Who will take the goods in now."""
    reason: Text
    """For a person."""
    changed_at: Instant
    """The event time."""
