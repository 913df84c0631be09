"""Exact quantities: decimal strings with a stated scale on the wire, integers of grams and parts per million inside."""

from typing import Annotated, Final

from pydantic import StringConstraints

from monazite_contracts.model import Form

Kilograms = Annotated[
    str,
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,8})\.[0-9]{3}$"),
    Form("Kilograms, exactly three decimals, 0.000 to 999999999.999.", "12.500"),
]
"""A mass of 0.000 to 999999999.999 kg: three decimals, so that it names whole grams."""

PositiveKilograms = Annotated[
    str,
    StringConstraints(pattern=r"^(0\.(00[1-9]|0[1-9][0-9]|[1-9][0-9]{2})|[1-9][0-9]{0,8}\.[0-9]{3})$"),
    Form("Kilograms, exactly three decimals, 0.001 to 999999999.999.", "20000.000"),
]
"""A mass of 0.001 to 999999999.999 kg, three decimals."""

Percent = Annotated[
    str,
    StringConstraints(pattern=r"^(100\.0000|(0|[1-9][0-9]?)\.[0-9]{4})$"),
    Form("Percent, exactly four decimals, 0.0000 to 100.0000.", "92.5000"),
]
"""A share of 0.0000 to 100.0000 %, four decimals, so that it names whole parts per million."""

Amount = Annotated[
    str,
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,11})\.[0-9]{3}$"),
    Form("Exactly three decimals, in the unit that the field's name ends in.", "1250.000"),
]
"""Energy, water or carbon in the unit that the field's name ends in, three decimals."""

PPM: Final = 1_000_000
GRAMS_PER_TONNE: Final = 1_000_000


def grams(kilograms: str) -> int:
    """Whole grams of a mass in kilograms with three decimals: `"12.500"` is 12500."""
    return int(kilograms.replace(".", ""))


def kilograms(mass_g: int) -> str:
    """The wire form of a mass in grams, three decimals: 12500 is `"12.500"`."""
    return _decimal(mass_g, 3)


def ppm(percent: str) -> int:
    """Whole parts per million of a percentage with four decimals: `"92.5000"` is 925000."""
    return int(percent.replace(".", ""))


def percent(share_ppm: int) -> str:
    """The wire form of a share in parts per million, four decimals: 925000 is `"92.5000"`."""
    return _decimal(share_ppm, 4)


def _decimal(units: int, places: int) -> str:
    """The sign stands before the whole: -1 of a thousand is `-0.001`."""
    whole, rest = divmod(abs(units), 10**places)
    return f"{'-' if units < 0 else ''}{whole}.{rest:0{places}d}"


def divide_half_even(numerator: int, denominator: int) -> int:
    """The quotient rounded half to even, exactly; `denominator` is positive."""
    quotient, rest = divmod(numerator, denominator)
    doubled = 2 * rest
    if doubled > denominator or (doubled == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient
