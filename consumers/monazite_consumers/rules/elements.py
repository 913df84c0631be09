"""Elements: grams of each one's oxide in a mass, as moves and lots keep them."""

from collections.abc import Mapping

from monazite_contracts.quantities import divide_half_even


def written(oxides: Mapping[str, int] | None) -> str | None:
    """Grams of oxide by element, `Nd:123 Pr:45`; None where no assay tells them."""
    if not oxides:
        return None
    return " ".join(f"{element}:{oxide_g}" for element, oxide_g in sorted(oxides.items()))


def read_oxides(text: str | None) -> dict[str, int]:
    """The same the other way round."""
    parts = (part.partition(":") for part in (text or "").split())
    return {element: int(oxide_g) for element, _, oxide_g in parts}


def part_of(oxides: str | None, whole_g: int, net_g: int) -> str | None:
    """What so much of a whole holds, half-even to the gram for each element."""
    if not whole_g:
        return None
    held = read_oxides(oxides).items()
    return written({element: divide_half_even(net_g * oxide_g, whole_g) for element, oxide_g in held})
