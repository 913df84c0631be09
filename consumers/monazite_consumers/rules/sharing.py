"""Shares: a whole divided by mass, to the last unit."""

from collections.abc import Mapping, MutableMapping
from typing import Final

WHOLE: Final = 10**12
"""Units that a lot is divided into: of a million tonnes each is a gram."""


def apportion(units: int, masses: Mapping[str, int], rest: int = 0) -> dict[str, int]:
    """Units by mass, nobody off by as much as one; what a `rest` of mass has is what is missing to all of them."""
    found = dict.fromkeys(masses, 0)
    pass_on(units, masses, rest, found)
    return found


def pass_on(units: int, masses: Mapping[str, int], rest: int, found: MutableMapping[str, int]) -> int:
    """Adds its units by mass to what each name has been `found` to have; how many that were, without the rest's.

    Each has what the mass up to its own comes to, rounded, less what those before it have: so nothing is left over,
    and it hangs on names, not on the order in which they were read. Masses are not negative, and not all zero.
    """
    total = sum(masses.values()) + rest
    twice, two_totals = 2 * units, 2 * total  # what is worked out once a lot, not once a name: traces are made of this
    mass_so_far = units_so_far = 0
    for name in sorted(masses):
        mass_so_far += masses[name]
        up_to_here = (twice * mass_so_far + total) // two_totals
        found[name] += up_to_here - units_so_far
        units_so_far = up_to_here
    return units_so_far
