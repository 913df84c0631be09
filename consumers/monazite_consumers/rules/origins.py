"""Where the feed of a lot comes from (R4), by the lots that went into it: each origin's share of the mass."""

from collections.abc import Iterable, Mapping
from typing import Final

from monazite_consumers.rules.sharing import WHOLE, apportion
from monazite_contracts.catalogue import PRODUCTS, Stage

ORIGINS: Final = ("domestic", "imported", "monazite", "by_product", "recycled", "unknown")
"""Recycled feed lies outside the cap; of unknown feed no lot is known that it came from."""

UNKNOWN: Final = "unknown"


def end_of_chain(kind: str, product: str | None, stated: str | None) -> str:
    """The origin of a lot that nothing went into: what it is, and only where that leaves it open what is stated."""
    if kind == "imported":
        return "imported"
    if kind == "taken_in":
        is_ore = product is not None and PRODUCTS[product].stage is Stage.ORE
        return UNKNOWN if is_ore else "recycled"  # ore that came as scrap was mined somewhere
    if kind == "opening":
        return stated or UNKNOWN
    if product == "monazite-concentrate":
        return "monazite"
    return "by_product" if stated == "by_product" else "domestic"


def mingled(parts: Iterable[tuple[str, int]]) -> str:
    """The feed of a lot by (feed, grams) of what went into it. Shares add to a whole at every level."""
    masses: dict[str, int] = {}
    for feed, net_g in parts:
        for origin, units in read_feed(feed).items():
            masses[origin] = masses.get(origin, 0) + units * net_g
    return written(apportion(WHOLE, masses)) if any(masses.values()) else UNKNOWN


def written(shares: Mapping[str, int]) -> str:
    """Shares in units of a whole as a lot keeps them: `domestic`, or `domestic:600000000000 imported:400000000000`."""
    held = {origin: units for origin, units in sorted(shares.items()) if units}
    if len(held) == 1:
        return next(iter(held))
    return " ".join(f"{origin}:{units}" for origin, units in held.items())


def read_feed(feed: str) -> dict[str, int]:
    """The same the other way round."""
    if ":" not in feed:
        return {feed: WHOLE}
    parts = (part.partition(":") for part in feed.split())
    return {origin: int(units) for origin, _, units in parts}


def by_origin(mass_g: int, feed: str) -> dict[str, int]:
    """Grams of a lot by the origin of its feed; they add up to it."""
    return apportion(mass_g, read_feed(feed))
