"""What an event states, in one place: the statements and amendments of all nouns, and when each act happened."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, Final, get_args

from typing_extensions import TypeIs

from monazite_contracts.amendments import (
    AmendmentReason,
    AssayFinalised,
    BlendReplacement,
    Correction,
    DeclarationReplacement,
    DestinationChangedReplacement,
    DispatchedReplacement,
    ImportReplacement,
    LossReplacement,
    OpeningInventoryReplacement,
    ProductionReplacement,
    ReceivedReplacement,
    Replacement,
    ScrapIntakeReplacement,
    SplitReplacement,
    StocktakeReplacement,
    Target,
    Void,
)
from monazite_contracts.declarations import Count, Declaration, DeclaredFlow, Stocktake
from monazite_contracts.material import Blend, Country, Import, Loss, OpeningInventory, Part, ScrapIntake, Split
from monazite_contracts.production import AssayedLot, Input, Origin, Production
from monazite_contracts.shipments import (
    DestinationChanged,
    Dispatched,
    ExportPapers,
    Invoice,
    NamedParty,
    Party,
    Received,
    ReceivedLine,
    RegisteredParty,
    ShipmentLine,
)

Statement = (
    Production | Import | ScrapIntake | OpeningInventory | Split | Blend | Loss
    | Dispatched | Received | DestinationChanged | Declaration | Stocktake
)  # fmt: skip
"""What stands by itself: the world, as a plant saw it."""

Amendment = AssayFinalised | Void | Correction
"""What changes an earlier statement of the same plant."""

_AMENDMENTS: Final = frozenset({AssayFinalised, Void, Correction})


def is_amendment(data: Statement | Amendment) -> TypeIs[Amendment]:
    """Whether it changes an earlier statement; models are abstract base classes, whose `isinstance` fails slowly."""
    return type(data) in _AMENDMENTS


AssayedStatement = Production | Import | ScrapIntake | OpeningInventory | Blend
"""What states the assay of a whole lot."""

_ASSAYED: Final = frozenset(get_args(AssayedStatement))


def is_assayed(data: Statement) -> TypeIs[AssayedStatement]:
    """Whether it states a lot's assay."""
    return type(data) in _ASSAYED


INSTANT_OF: Final[dict[type[Any], Callable[[Any], datetime]]] = {
    Import: attrgetter("imported_at"),
    ScrapIntake: attrgetter("taken_in_at"),
    OpeningInventory: attrgetter("counted_at"),
    Split: attrgetter("split_at"),
    Blend: attrgetter("blended_at"),
    Loss: attrgetter("lost_at"),
    Dispatched: attrgetter("dispatched_at"),
    Received: attrgetter("received_at"),
    DestinationChanged: attrgetter("changed_at"),
    Stocktake: attrgetter("taken_at"),
    AssayFinalised: attrgetter("finalised_at"),
    Void: attrgetter("voided_at"),
    Correction: attrgetter("corrected_at"),
}
"""Every statement and amendment that states its instant; the others' follows from a period or a month."""


def acted_at(data: Statement | Amendment) -> datetime | None:
    """The stated instant of the act; None where a period or a month says when."""
    instant = INSTANT_OF.get(type(data))
    return instant(data) if instant else None


__all__ = [
    "Amendment",
    "AmendmentReason",
    "AssayFinalised",
    "AssayedLot",
    "AssayedStatement",
    "Blend",
    "BlendReplacement",
    "Correction",
    "Count",
    "Country",
    "Declaration",
    "DeclarationReplacement",
    "DeclaredFlow",
    "DestinationChanged",
    "DestinationChangedReplacement",
    "Dispatched",
    "DispatchedReplacement",
    "ExportPapers",
    "Import",
    "ImportReplacement",
    "Input",
    "Invoice",
    "Loss",
    "LossReplacement",
    "NamedParty",
    "OpeningInventory",
    "OpeningInventoryReplacement",
    "Origin",
    "Part",
    "Party",
    "Production",
    "ProductionReplacement",
    "Received",
    "ReceivedLine",
    "ReceivedReplacement",
    "RegisteredParty",
    "Replacement",
    "ScrapIntake",
    "ScrapIntakeReplacement",
    "ShipmentLine",
    "Split",
    "SplitReplacement",
    "Statement",
    "Stocktake",
    "StocktakeReplacement",
    "Target",
    "Void",
    "acted_at",
    "is_amendment",
    "is_assayed",
]
