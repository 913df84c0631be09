"""What is stated of a whole month or of a physical count."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts.catalogue import ProductCode
from monazite_contracts.model import Contract
from monazite_contracts.quantities import Kilograms
from monazite_contracts.times import Instant, Month


def _one_for_each(lines: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of two lines for one product nobody could say which holds."""
    seen: set[str] = set()
    for line in lines:
        if line.product in seen:
            raise PydanticCustomError("product_twice", "{product} stands in two lines", {"product": line.product})
        seen.add(line.product)
    return lines


class DeclaredFlow(Contract):
    """One product's month, as the plant counts it: opening + in + made - used - shipped - lost = closing.

    A line that does not add up is recorded; the difference is a finding.
    """

    product: ProductCode
    """From the catalogue."""
    opening_kg: Kilograms
    """On hand at the month's first instant."""
    in_kg: Kilograms
    """Received, imported or taken in."""
    made_kg: Kilograms
    used_kg: Kilograms
    """Used in production, with what the process lost of it."""
    shipped_kg: Kilograms
    lost_kg: Kilograms
    """Lost outside production."""
    closing_kg: Kilograms
    """On hand at the month's last instant."""


class Declaration(Contract):
    """The plant's flow record of one month (R1): its lines per product, or an explicit nil."""

    month: Month
    """Its last instant is the event time."""
    nil: bool
    """True states that nothing was held and nothing moved; then there are no lines."""
    lines: Annotated[tuple[DeclaredFlow, ...], Field(max_length=200), AfterValidator(_one_for_each)] = ()
    """One line for each product that was held or moved."""

    @model_validator(mode="after")
    def _nil_or_lines(self) -> Self:
        if self.nil == bool(self.lines):
            raise PydanticCustomError("nil_or_lines", "either `nil` is true and there are no lines, or there are lines")
        return self


class Count(Contract):
    """What was found of one product."""

    product: ProductCode
    """From the catalogue."""
    net_mass_kg: Kilograms


class Stocktake(Contract):
    """A physical count of what is on hand."""

    counts: Annotated[tuple[Count, ...], Field(min_length=1, max_length=200), AfterValidator(_one_for_each)]
    """One line for each product."""
    taken_at: Instant
    """The event time."""
