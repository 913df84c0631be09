"""How figures are written on a terminal: masses, counts, and instants in Asia/Shanghai."""

from datetime import datetime
from decimal import Decimal

from monazite_contracts import quantities
from monazite_contracts.months import SHANGHAI


def tonnes(mass_g: int | None) -> str:
    """A mass in tonnes for a narrow column: whole ones from 10,000 on, one decimal below."""
    if mass_g is None:
        return "-"
    return f"{mass_g / 1_000_000:,.0f}" if abs(mass_g) >= 10_000_000_000 else f"{mass_g / 1_000_000:,.1f}"


def kilograms(mass_g: int) -> str:
    """A mass where nothing stands below it: thousands apart, no more decimals than it has."""
    return aligned_kilograms(mass_g).rstrip("0").rstrip(".")


def aligned_kilograms(mass_g: int) -> str:
    """A mass for a column of masses: thousands apart, to the gram."""
    return f"{Decimal(quantities.kilograms(mass_g)):,}"


def counted(number: int, noun: str) -> str:
    """So many of a thing: `1 lot`, `1,200 lots`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def minute(instant: datetime) -> str:
    """`2023-06-11 00:00`."""
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
