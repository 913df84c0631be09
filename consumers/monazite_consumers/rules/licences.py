"""Export licences: drawn like a cap by what was dispatched on them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from monazite_consumers.rules.entries import Licence
from monazite_contracts.quantities import grams


class Drawn(NamedTuple):
    """What current dispatches have taken from a licence, in grams; when they last did, and when that arrived."""

    shipments: int
    net_g: int
    at: datetime
    arrived_at: datetime


def licence_problems(licence: Licence, drawn: Drawn) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Rule, measure and arithmetic of what is wrong with how a licence was used."""
    granted_g = grams(licence.net_mass_kg)
    detail = {
        "licence": licence.number,
        "granted_g": granted_g,
        "exported_g": drawn.net_g,
        "shipments": drawn.shipments,
    }
    if drawn.net_g > granted_g:
        yield "licence-overdrawn", drawn.net_g - granted_g, detail
    if licence.form == "single" and drawn.shipments > 1:
        yield "licence-reused", drawn.shipments - 1, detail
