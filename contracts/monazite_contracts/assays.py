"""Assays: what a mass of product contains, and the REO equivalent that follows from it."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from monazite_contracts.catalogue import OXIDE_FACTORS_E4, Element
from monazite_contracts.identifiers import Text
from monazite_contracts.model import Contract
from monazite_contracts.quantities import PPM, Percent, divide_half_even, grams, ppm


class _Assay(Contract):
    status: Literal["provisional", "final"]
    """Whether the laboratory may still change it."""
    certificate: Text | None = None
    """The laboratory's own number."""


class DryAssay(_Assay):
    """Of the dried sample: the moisture comes off first."""

    basis: Literal["dry"]
    moisture_pct: Percent
    """Water in the mass as weighed, %."""
    treo_pct: Percent
    """Total rare earth oxides in the dry mass, %."""
    oxides_pct: Mapping[Element, Percent] | None = None
    """Each element's oxide as a share of the TREO, %."""


class AsReceivedAssay(_Assay):
    """Of the sample as it is: no moisture factor."""

    basis: Literal["as_received"]
    treo_pct: Percent
    """Total rare earth oxides in the mass as weighed, %."""
    oxides_pct: Mapping[Element, Percent] | None = None
    """Each element's oxide as a share of the TREO, %."""


class MetalAssay(_Assay):
    """Of a metal or alloy: mass fractions of the elements."""

    basis: Literal["metal"]
    elements_pct: Annotated[Mapping[Element, Percent], Field(min_length=1)]
    """Each element's mass fraction, %."""


Assay = Annotated[DryAssay | AsReceivedAssay | MetalAssay, Field(discriminator="basis")]


def reo_g(net_mass_kg: str, assay: DryAssay | AsReceivedAssay | MetalAssay) -> int:
    """Grams of REO in a net mass, half-even to the gram, once per lot line.

    Dry: net × (1 - moisture) × TREO; as received: net × TREO; metal: the sum over elements of net × fraction × oxide
    factor. Source: the domain page, section 3.
    """
    net_g = grams(net_mass_kg)
    if assay.basis == "dry":
        return divide_half_even(net_g * (PPM - ppm(assay.moisture_pct)) * ppm(assay.treo_pct), PPM * PPM)
    if assay.basis == "as_received":
        return divide_half_even(net_g * ppm(assay.treo_pct), PPM)
    factored = sum(ppm(share) * OXIDE_FACTORS_E4[element] for element, share in assay.elements_pct.items())
    return divide_half_even(net_g * factored, PPM * 10_000)


def oxides_g(net_mass_kg: str, assay: DryAssay | AsReceivedAssay | MetalAssay) -> dict[str, int] | None:
    """Grams of each element's oxide in a net mass, each half-even to the gram; None where the assay tells no elements.

    What is worked out of shares that are rounded need not add up to the REO.
    """
    net_g = grams(net_mass_kg)
    if assay.basis == "metal":
        return {
            element: divide_half_even(net_g * ppm(share) * OXIDE_FACTORS_E4[element], PPM * 10_000)
            for element, share in assay.elements_pct.items()
        }
    if assay.oxides_pct is None:
        return None
    dry_ppm = PPM - ppm(assay.moisture_pct) if assay.basis == "dry" else PPM
    treo = net_g * dry_ppm * ppm(assay.treo_pct)
    return {element: divide_half_even(treo * ppm(share), PPM**3) for element, share in assay.oxides_pct.items()}
