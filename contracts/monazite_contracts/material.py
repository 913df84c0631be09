"""What is stated of material outside production: it entered, was there already, was split, blended, or lost."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from monazite_contracts.identifiers import LotCode, Reference, Text
from monazite_contracts.model import Contract, Form
from monazite_contracts.production import AssayedLot, Origin
from monazite_contracts.quantities import Kilograms, PositiveKilograms
from monazite_contracts.times import Instant

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$"), Form("ISO 3166-1 alpha-2.", "MM")]
"""ISO 3166-1 alpha-2."""


class Import(AssayedLot):
    """A lot that entered the country under a customs import declaration."""

    claimed_reo_kg: Kilograms
    """The plant's own REO figure."""
    declaration: Reference
    """Number of the customs import declaration."""
    country_of_origin: Country
    exporter: Text
    """Name of the foreign seller."""
    imported_at: Instant
    """When customs released it; the event time."""


class ScrapIntake(AssayedLot):
    """A lot of secondary material taken in from outside the regulated chain."""

    claimed_reo_kg: Kilograms
    """The plant's own REO figure."""
    supplier: Text
    """Name of whom it came from."""
    taken_in_at: Instant
    """The event time."""


class OpeningInventory(AssayedLot):
    """A lot that was already there when the plant went live."""

    claimed_reo_kg: Kilograms
    """The plant's own REO figure."""
    origin: Origin
    """Of the feed that it was made from."""
    counted_at: Instant
    """The event time."""


class Part(Contract):
    """A mass of one lot."""

    lot: LotCode
    net_mass_kg: PositiveKilograms


class Split(Contract):
    """One lot becomes several of the same product and assay."""

    parent: Part
    """The lot, and how much of it is split."""
    children: Annotated[tuple[Part, ...], Field(min_length=1, max_length=100)]
    """The new lots."""
    split_at: Instant
    """The event time."""


class Blend(AssayedLot):
    """Parts of several lots become one."""

    parents: Annotated[tuple[Part, ...], Field(min_length=1, max_length=100)]
    """What went in."""
    blended_at: Instant
    """The event time."""


class Loss(Contract):
    """Mass of a lot that is gone, outside production."""

    lot: LotCode
    net_mass_kg: PositiveKilograms
    """The mass that is gone."""
    reason: Literal["spill", "fire", "theft", "flood", "drying", "sampling", "disposal", "other"]
    """Why it is gone."""
    note: Text | None = None
    """For a person."""
    lost_at: Instant
    """The event time."""
