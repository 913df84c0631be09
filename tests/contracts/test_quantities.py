"""Masses and shares are exact; the REO of an assay is that of arithmetic with fractions, rounded half to even."""

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from monazite_contracts.assays import Assay, reo_g
from monazite_contracts.builders import a_metal_assay, an_assay, an_oxide_assay
from monazite_contracts.catalogue import ELEMENTS, OXIDE_FACTORS_E4
from monazite_contracts.envelope import canonical
from monazite_contracts.quantities import (
    Amount,
    Kilograms,
    Percent,
    PositiveKilograms,
    divide_half_even,
    grams,
    kilograms,
    percent,
    ppm,
)

MASSES = st.integers(1, 999_999_999_999)
SHARES = st.integers(0, 1_000_000)
ASSAY: TypeAdapter[Any] = TypeAdapter(Assay)


def an_assay_of(fields: dict[str, Any]) -> Any:
    return ASSAY.validate_json(canonical(fields))


def half_even(grams_of_reo: Decimal) -> int:
    return int(grams_of_reo.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@given(MASSES, SHARES, SHARES)
@example(1, 0, 500_000)
@example(3, 0, 500_000)
@example(5, 500_000, 1_000_000)
def test_a_dry_assay_takes_the_moisture_off_first(mass_g: int, moisture: int, treo: int) -> None:
    assay = an_assay_of(an_assay(moisture_pct=percent(moisture), treo_pct=percent(treo)))
    with localcontext(prec=60):
        dry_g = Decimal(kilograms(mass_g)) * 1000 * (1 - Decimal(percent(moisture)) / 100)
        assert reo_g(kilograms(mass_g), assay) == half_even(dry_g * Decimal(percent(treo)) / 100)


@given(MASSES, SHARES)
@example(1, 500_000)
@example(3, 500_000)
def test_an_assay_as_received_has_no_moisture_factor(mass_g: int, treo: int) -> None:
    assay = an_assay_of(an_oxide_assay(treo_pct=percent(treo)))
    expected = round(Fraction(mass_g) * Fraction(treo, 1_000_000))  # Python rounds fractions half to even
    assert reo_g(kilograms(mass_g), assay) == expected


@given(MASSES, st.dictionaries(st.sampled_from(ELEMENTS), SHARES, min_size=1))
def test_a_metal_is_the_sum_over_its_elements_times_the_oxide_factor(mass_g: int, shares: dict[str, int]) -> None:
    assay = an_assay_of(a_metal_assay(**{element: percent(share) for element, share in shares.items()}))
    parts = (Fraction(share, 1_000_000) * Fraction(OXIDE_FACTORS_E4[name], 10_000) for name, share in shares.items())
    assert reo_g(kilograms(mass_g), assay) == round(mass_g * sum(parts, Fraction(0)))


@given(st.integers(0, 10**30), st.integers(1, 10**18))
@example(1, 2)
@example(3, 2)
@example(5, 2)
def test_division_rounds_half_to_even(numerator: int, denominator: int) -> None:
    assert divide_half_even(numerator, denominator) == round(Fraction(numerator, denominator))


@given(st.integers(0, 999_999_999_999), SHARES)
def test_the_wire_form_comes_back_exactly(mass_g: int, share: int) -> None:
    assert grams(kilograms(mass_g)) == mass_g
    assert ppm(percent(share)) == share
    assert TypeAdapter(Kilograms).validate_python(kilograms(mass_g)) == kilograms(mass_g)
    assert TypeAdapter(Percent).validate_python(percent(share)) == percent(share)


@given(st.integers(-(10**13), 10**13))
@example(-1)
@example(-1_000)
def test_what_is_below_zero_is_written_as_far_below_it_as_it_is(number: int) -> None:
    assert Decimal(kilograms(number)) == Decimal(number).scaleb(-3)
    assert Decimal(percent(number)) == Decimal(number).scaleb(-4)


@given(st.integers(-2, 10**13))
def test_every_mass_above_zero_is_positive_and_no_other(mass_g: int) -> None:
    fits = 0 < mass_g <= 999_999_999_999
    assert accepts(PositiveKilograms, kilograms(mass_g)) == fits


def accepts(kind: Any, value: Any) -> bool:
    try:
        TypeAdapter(kind).validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("kind", [Kilograms, PositiveKilograms, Percent, Amount])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "1.0",
        "1.00",
        "1.00000",
        "+1.000",
        " 1.000",
        "1.000\n",
        "01.000",
        "1,000",
        "1e3",
        ".500",
        "١.000",
        "NaN",
        1,
        1.5,
    ],
)
def test_only_one_spelling_of_a_quantity_is_taken(kind: Any, text: Any) -> None:
    assert not accepts(kind, text)


def test_a_share_is_at_most_a_hundred_percent() -> None:
    assert accepts(Percent, "100.0000")
    assert not accepts(Percent, "100.0001")
    assert not accepts(Percent, "101.0000")
