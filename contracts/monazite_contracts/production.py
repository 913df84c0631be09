"""What production states: one lot made in one period, from which lots, and what was lost."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from monazite_contracts.assays import Assay
from monazite_contracts.catalogue import PRODUCTS, ProductCode, Stage
from monazite_contracts.identifiers import LotCode
from monazite_contracts.model import Contract
from monazite_contracts.quantities import Amount, Kilograms, PositiveKilograms
from monazite_contracts.times import Period

Origin = Literal["domestic", "imported", "monazite", "by_product", "recycled"]
"""Where the feed comes from (Order 71 art. 3): the caps and the monthly report tell them apart."""

_STAGES_MADE: Final = {
    "mined": frozenset({Stage.ORE}),
    "separated": frozenset({Stage.COMPOUND}),
    "smelted": frozenset({Stage.METAL}),
    "recovered": frozenset({Stage.COMPOUND, Stage.METAL}),
}


def assay_fits(product: str, assay: Assay) -> None:
    """Metals have a metal assay, everything else an oxide assay.

    Raises:
        PydanticCustomError: the basis is of the other kind.
    """
    if (PRODUCTS[product].stage is Stage.METAL) != (assay.basis == "metal"):
        raise PydanticCustomError(
            "assay_basis", "a metal or alloy has an assay of basis `metal`, every other product `dry` or `as_received`"
        )


class AssayedLot(Contract):
    """A mass of one lot with its product and assay."""

    lot: LotCode
    product: ProductCode
    """What the lot is, from the catalogue."""
    net_mass_kg: PositiveKilograms
    """Mass as weighed, without packing."""
    assay: Assay
    """Of that mass."""

    @model_validator(mode="after")
    def _assay_fits_product(self) -> Self:
        assay_fits(self.product, self.assay)
        return self


class Input(AssayedLot):
    """One lot that was used, how much of it, and its assay as it was used."""


class Production(AssayedLot):
    """One lot made in one period: mined, separated, smelted to metal, or recovered from scrap."""

    activity: Literal["mined", "separated", "smelted", "recovered"]
    """Mined lots are ore products, separated ones compounds, smelted ones metals, recovered ones either."""
    claimed_reo_kg: Kilograms
    """The plant's own REO figure: compared with mass × assay, never drawn."""
    inputs: Annotated[tuple[Input, ...], Field(max_length=100)] = ()
    """The lots used. A mine has none."""
    origin: Origin
    """Of the feed; feed of two origins is reported as two lots."""
    period: Period
    """When it was made, within one month; its last instant is the event time."""
    losses_kg: Kilograms | None = None
    """Mass lost in the process."""
    energy_kwh: Amount | None = None
    """Energy used for this lot."""
    water_m3: Amount | None = None
    """Fresh water used for this lot."""
    carbon_kg: Amount | None = None
    """CO2 equivalent emitted for this lot."""

    @model_validator(mode="after")
    def _activity_fits_product(self) -> Self:
        if PRODUCTS[self.product].stage not in _STAGES_MADE[self.activity]:
            raise PydanticCustomError(
                "product_activity",
                "mined lots are ore products, separated ones compounds, smelted ones metals, recovered ones either",
            )
        return self
