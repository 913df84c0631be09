"""Export licences: drawn like a cap by what was dispatched on them of the products that they cover."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from monazite_consumers.rules.entries import Licence
from monazite_contracts.quantities import grams


class Exported(NamedTuple):
    """What current dispatches on a licence have taken abroad of one product, in grams, and when they last did."""

    product: str
    declarations: frozenset[str]
    net_g: int
    at: datetime
    arrived_at: datetime


class Drawn(NamedTuple):
    """What has been drawn from a licence, in grams, and when last. What was refused abroad nobody states: it counts."""

    declarations: int
    net_g: int
    at: datetime
    arrived_at: datetime


def drawn_by(licence: Licence, exported: Iterable[Exported]) -> Drawn | None:
    """Goods that it does not cover draw nothing from it; None: nothing was drawn."""
    covered = [each for each in exported if each.product in licence.products]
    if not covered:
        return None
    return Drawn(
        len(frozenset[str]().union(*(each.declarations for each in covered))), sum(each.net_g for each in covered),
        max(each.at for each in covered), max(each.arrived_at for each in covered),
    )  # fmt: skip


def licence_problems(licence: Licence, drawn: Drawn) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Rule, measure and arithmetic of what is wrong with how a licence was used."""
    granted_g = grams(licence.net_mass_kg)
    detail = {
        "licence": licence.number,
        "granted_g": granted_g,
        "exported_g": drawn.net_g,
        "declarations": drawn.declarations,
    }
    if drawn.net_g > granted_g:
        yield "licence-overdrawn", drawn.net_g - granted_g, detail
    if licence.form == "single" and drawn.declarations > 1:
        yield "licence-reused", drawn.declarations - 1, detail
