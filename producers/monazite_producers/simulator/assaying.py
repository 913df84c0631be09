"""Assays of simulated lots, and the simulator's own arithmetic for REO: decimals of the wire's text, half to even.

The platform computes the same with integers; that the two agree is what the demo proves, so neither may call the other.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from random import Random
from typing import Any, Final

from monazite_contracts.quantities import percent

Assay = dict[str, Any]

_EXACT: Final = Context(prec=60)
_GRAM: Final = Decimal(1)
_OXIDE_PER_METAL: Final = {
    "Y": Decimal("1.2699"), "La": Decimal("1.1728"), "Ce": Decimal("1.2284"), "Pr": Decimal("1.2082"),
    "Nd": Decimal("1.1664"), "Tb": Decimal("1.1762"), "Dy": Decimal("1.1477"),
}  # fmt: skip
"""Oxide from metal by mass, for the elements that simulated metals hold (the domain page, section 3)."""

_NOMINAL: Final = {
    # product: (moisture, TREO) in ppm, dry basis; typical figures, assumed
    "bastnaesite-concentrate": (82_000, 602_000),
    "mixed-concentrate": (95_000, 511_000),
    "ionic-carbonate-concentrate": (121_000, 468_000),
    "ionic-oxide-concentrate": (9_000, 921_000),
    "monazite-concentrate": (21_000, 553_000),
    "magnet-sludge": (182_000, 243_000),
}
_NOMINAL_OXIDE: Final = {"lanthanum-cerium-carbonate": 451_000, "mixed-carbonate": 442_000}
"""TREO in ppm as received; any other compound is an almost pure oxide."""

_NOMINAL_METAL: Final = {
    "ndpr-metal": {"Nd": 748_000, "Pr": 246_000},
    "ndfeb-magnet": {"Nd": 230_000, "Pr": 75_600},
}
"""Magnets hold what the metal holds that they are made of: an element from nowhere would be found."""


def an_assay(product: str, random: Random, status: str = "final") -> Assay:
    """A plausible assay of a product, somewhat off its nominal one."""
    if product in _NOMINAL_METAL:
        elements = {e: percent(_about(share, random, 6_000)) for e, share in _NOMINAL_METAL[product].items()}
        return {"status": status, "basis": "metal", "elements_pct": elements}
    if product in _NOMINAL:
        moisture, treo = (_about(share, random, 30_000) for share in _NOMINAL[product])
        return {
            "status": status, "basis": "dry", "moisture_pct": percent(moisture), "treo_pct": percent(treo),
        }  # fmt: skip
    treo = _about(_NOMINAL_OXIDE.get(product, 993_000), random, 4_000)
    return {"status": status, "basis": "as_received", "treo_pct": percent(treo)}


def _about(share: int, random: Random, spread_ppm: int) -> int:
    return share + share * (random.randrange(2 * spread_ppm) - spread_ppm) // 1_000_000


def oxide_share(assay: Assay) -> Decimal:
    """REO per mass as weighed, exactly."""
    if assay["basis"] == "metal":
        return sum(
            (Decimal(share) / 100 * _OXIDE_PER_METAL[element] for element, share in assay["elements_pct"].items()),
            Decimal(0),
        )
    return _share(assay["treo_pct"], assay.get("moisture_pct", "0.0000"))


@lru_cache(maxsize=1024)
def _share(treo: str, moisture: str) -> Decimal:
    return Decimal(treo) / 100 * (1 - Decimal(moisture) / 100)


def reo_grams(net_mass_kg: str, assay: Assay) -> int:
    """Grams of REO in a mass as the wire states both, half to even to the gram."""
    exact = _EXACT.multiply(Decimal(net_mass_kg) * 1000, oxide_share(assay))
    return int(exact.quantize(_GRAM, ROUND_HALF_EVEN, _EXACT))


def mass_for(reo_g: int, assay: Assay) -> int:
    """The mass in grams, to 100 g, that holds about so much REO; at least 1 kg."""
    return max(1000, int(reo_g / oxide_share(assay)) // 100 * 100)


def part_half_even(whole: int, part: int, total: int) -> int:
    """`whole × part / total`, half to even."""
    exact = _EXACT.divide(Decimal(whole * part), Decimal(total))
    return int(exact.quantize(_GRAM, ROUND_HALF_EVEN, _EXACT))
