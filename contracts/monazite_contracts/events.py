"""Events: immutable statements of a plant in CloudEvents JSON form, one class per type."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts import statements as st
from monazite_contracts.identifiers import EventId, PlantCode, Reference, SystemCode, event_id
from monazite_contracts.model import Contract
from monazite_contracts.months import last_instant, month_end
from monazite_contracts.times import Instant

EVENT_BYTES_MAX: Final = 64 * 1024
"""An event in its JSON form is at most this long."""


class Stream(StrEnum):
    """What a gateway numbers separately: one stream is one topic."""

    PRODUCTION = "production"
    SHIPMENTS = "shipments"
    DECLARATIONS = "declarations"


_MADE_LOTS: Final[dict[type[Any], Callable[[Any], tuple[str, ...]]]] = {
    **dict.fromkeys(
        (st.Production, st.Import, st.ScrapIntake, st.OpeningInventory, st.Blend), lambda made: (made.lot,)
    ),
    st.Split: lambda split: tuple(child.lot for child in split.children),
    st.Correction: lambda correction: made_lots(correction.replacement.data),
}


def made_lots(data: Any) -> tuple[str, ...]:
    """The lots that a statement brings into being; for a correction, those of the statement it puts in place."""
    lots_of = _MADE_LOTS.get(type(data))
    return lots_of(data) if lots_of else ()


class _Event(Contract):
    specversion: Literal["1.0"]
    """CloudEvents 1.0."""
    id: EventId
    source: PlantCode
    """The plant that states it."""
    time: Instant
    """When the record was made; informative, decides nothing."""
    datacontenttype: Literal["application/json"] = "application/json"
    sourcesystem: SystemCode
    """The plant's own system that holds the record."""
    recordid: Reference
    """The record's id in that system. Plant, system and record make the event's id."""
    test: bool = False
    """A rehearsal: checked and receipted, without effect."""

    @model_validator(mode="after")
    def _identified(self) -> Self:
        if self.id != event_id(self.source, self.sourcesystem, self.recordid):
            raise PydanticCustomError(
                "event_id", "`id` is the UUIDv5 of `source/sourcesystem/recordid` in the contract's namespace"
            )
        own = f"{self.source}/"
        for lot in made_lots(getattr(self, "data", None)):
            if not lot.startswith(own):
                raise PydanticCustomError("lot_of_another_plant", "a plant names the lots it makes by its own code")
        return self


class ProductionReported(_Event):
    """A lot was made."""

    type: Literal["monazite.production.v1"]
    data: st.Production


class ImportReported(_Event):
    """A lot entered the country."""

    type: Literal["monazite.import.v1"]
    data: st.Import


class ScrapTakenIn(_Event):
    """A lot of scrap was taken in."""

    type: Literal["monazite.scrap-intake.v1"]
    data: st.ScrapIntake


class InventoryOpened(_Event):
    """A lot was there at go-live."""

    type: Literal["monazite.opening-inventory.v1"]
    data: st.OpeningInventory


class LotSplit(_Event):
    """A lot became several."""

    type: Literal["monazite.split.v1"]
    data: st.Split


class LotsBlended(_Event):
    """Parts of lots became one lot."""

    type: Literal["monazite.blend.v1"]
    data: st.Blend


class LossReported(_Event):
    """Mass was lost outside production."""

    type: Literal["monazite.loss.v1"]
    data: st.Loss


class AssayWasFinalised(_Event):
    """A lot's assay is final."""

    type: Literal["monazite.assay-finalised.v1"]
    data: st.AssayFinalised


class ShipmentDispatched(_Event):
    """Goods left the plant."""

    type: Literal["monazite.dispatched.v1"]
    data: st.Dispatched


class ShipmentReceived(_Event):
    """Goods reached the plant."""

    type: Literal["monazite.received.v1"]
    data: st.Received


class ShipmentRedirected(_Event):
    """A shipment goes to somebody else."""

    type: Literal["monazite.destination-changed.v1"]
    data: st.DestinationChanged


class MonthDeclared(_Event):
    """A month's flow record."""

    type: Literal["monazite.declaration.v1"]
    data: st.Declaration


class StockTaken(_Event):
    """A physical count."""

    type: Literal["monazite.stocktake.v1"]
    data: st.Stocktake


class Voided(_Event):
    """A statement is taken back."""

    type: Literal["monazite.void.v1"]
    data: st.Void


class Corrected(_Event):
    """A statement is replaced."""

    type: Literal["monazite.correction.v1"]
    data: st.Correction


Event = Annotated[
    ProductionReported
    | ImportReported
    | ScrapTakenIn
    | InventoryOpened
    | LotSplit
    | LotsBlended
    | LossReported
    | AssayWasFinalised
    | ShipmentDispatched
    | ShipmentReceived
    | ShipmentRedirected
    | MonthDeclared
    | StockTaken
    | Voided
    | Corrected,
    Field(discriminator="type"),
]
"""Any event, told apart by its `type`."""

EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)

_PRODUCTION, _SHIPMENTS, _DECLARATIONS = Stream.PRODUCTION, Stream.SHIPMENTS, Stream.DECLARATIONS

STREAMS_OF_TYPE: Final[dict[str, frozenset[Stream]]] = {
    "monazite.production.v1": frozenset({_PRODUCTION}),
    "monazite.import.v1": frozenset({_PRODUCTION}),
    "monazite.scrap-intake.v1": frozenset({_PRODUCTION}),
    "monazite.opening-inventory.v1": frozenset({_PRODUCTION}),
    "monazite.split.v1": frozenset({_PRODUCTION}),
    "monazite.blend.v1": frozenset({_PRODUCTION}),
    "monazite.loss.v1": frozenset({_PRODUCTION}),
    "monazite.assay-finalised.v1": frozenset({_PRODUCTION}),
    "monazite.dispatched.v1": frozenset({_SHIPMENTS}),
    "monazite.received.v1": frozenset({_SHIPMENTS}),
    "monazite.destination-changed.v1": frozenset({_SHIPMENTS}),
    "monazite.declaration.v1": frozenset({_DECLARATIONS}),
    "monazite.stocktake.v1": frozenset({_DECLARATIONS}),
    "monazite.void.v1": frozenset(Stream),
    "monazite.correction.v1": frozenset(Stream),
}
"""Where a type may be published; a void or correction goes where its target went."""

KNOWN_TYPES: Final = frozenset(STREAMS_OF_TYPE)


def streams_of(event: Event) -> frozenset[Stream]:
    """The streams that an event may be published on: a correction goes where the statement it replaces went."""
    data = event.data
    return STREAMS_OF_TYPE[data.replacement.type if type(data) is st.Correction else event.type]


def event_time(event: Event) -> datetime:
    """The last instant before the period's end, else the stated instant of the act.

    A correction's is that of the statement it puts in place, because that is when its effect lies.
    """
    data = event.data
    return statement_time(data.replacement.data if type(data) is st.Correction else data)


def statement_time(data: st.Statement | st.Amendment) -> datetime:
    if type(data) is st.Production:
        return last_instant(data.period.end)
    if type(data) is st.Declaration:
        return last_instant(month_end(data.month))
    return st.INSTANT_OF[type(data)](data)


def target_of(event: Event) -> tuple[UUID, bytes] | None:
    """Id and hash of the version that an amendment names; None for a statement."""
    data = event.data
    if st.is_amendment(data):
        return UUID(data.target.id), bytes.fromhex(data.target.hash)
    return None
