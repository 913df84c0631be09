"""How what a trace found is said: why a chain is broken, how a lot came to be, shares in a narrow column."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from monazite_consumers.rules.sharing import WHOLE
from monazite_contracts.quantities import divide_half_even, percent

if TYPE_CHECKING:  # it needs the database driver, which a plant does not install
    from monazite_consumers.tracing.papers import Papers

WHYS: Final = {
    "circle": "it went into itself in the end",
    "unreported": "nobody reported that it was made",
    "unlisted-mine": "mined by an enterprise that was not listed",
    "ore-as-scrap": "an ore product that was taken in as scrap",
    "no-input": "made of nothing that was reported",
    "not-judged": "custody has not judged it yet",
}
"""Why a chain is broken at a lot, in words."""

_HOWS: Final = {"imported": "imported", "taken_in": "scrap taken in", "opening": "opening inventory"}

_UNITS_A_PPM: Final = WHOLE // 1_000_000


def how_made(lot: str, papers: Mapping[str, "Papers"]) -> str | None:
    """How a lot came to be, by the first statement that made it."""
    found = papers.get(lot)
    if found is None or not found.made:
        return None
    made = found.made[0]
    return _HOWS.get(made.kind, made.step or made.kind)


def percentage(units: int | None) -> str:
    """A share with four decimals; what cannot be said is a question mark, and what is too small to show no zero."""
    if units is None:
        return "?"
    shown = percent(divide_half_even(units, _UNITS_A_PPM))
    return "<0.0001" if units and shown == "0.0000" else shown
