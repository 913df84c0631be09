"""Shares: a whole divided by mass, to the last unit."""

from collections.abc import Mapping
from typing import Final

WHOLE: Final = 10**12
"""Units that a lot is divided into: of a million tonnes each is a gram."""


def apportion(units: int, masses: Mapping[str, int]) -> dict[str, int]:
    """Units by mass to the last one: each its whole part, one more to those with the largest remainders.

    Of equal remainders the first by name has it. Masses are not negative, and not all zero.
    """
    total, found, remainders = sum(masses.values()), {}, []
    for name, mass in masses.items():
        found[name], rest = divmod(units * mass, total)
        remainders.append((-rest, name))
    remainders.sort()
    for _, name in remainders[: units - sum(found.values())]:
        found[name] += 1
    return found
