"""Exports: a dispatch held against its papers, its licence, and where the goods go."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from monazite_consumers.rules.entries import Licence
from monazite_consumers.rules.keys import BEHIND_NAMES, is_outside
from monazite_consumers.rules.licences import is_of
from monazite_consumers.rules.registry import Registry
from monazite_contracts import statements as st
from monazite_contracts.catalogue import PRODUCTS
from monazite_contracts.months import day_of

HOME: Final = "CN"


def is_abroad(party: str) -> bool:
    """Whether a party, as shipments name it, is outside the country."""
    return is_outside(party) and not party.startswith(f"@{HOME} ")


WITHHELD: Final = "(name withheld)"


def shown_as(party: str, products: Iterable[str | None]) -> str:
    """A party, or a shipment of its, on screens and in findings.

    Abroad, by its country only, if any product may need a licence (R11).

    A product that nobody has named may be one of those.
    """
    if not is_abroad(party) or all(product is not None and not PRODUCTS[product].licensed for product in products):
        return party
    waybill = party.rpartition(BEHIND_NAMES)[2] if BEHIND_NAMES in party else None
    return f"{party[:3]} {WITHHELD}" + ("" if waybill is None else f"{BEHIND_NAMES}{waybill}")


def export_problems(
    consignor: str, consignee: str, sent: st.Dispatched, registry: Registry
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Rule and arithmetic of what is wrong with an export; `consignee`: whoever the consignor named last."""
    papers = sent.export
    if papers is None:
        if is_abroad(consignee):
            yield "export-papers-missing", {"licence": None}
        return
    detail: dict[str, Any] = {"licence": papers.licence}
    licensed = sorted({line.product for line in sent.lines if PRODUCTS[line.product].licensed})
    if not licensed:
        return
    licence = registry.licences.get(papers.licence or "")
    if licence is None:
        yield "export-unlicensed", detail | {"products": licensed}
        return
    if reason := _not_valid(licence, consignor, sent, registry):
        held = {"holder": licence.enterprise, "since": f"{licence.since}", "last_day": _day(licence.last_day)}
        yield "export-licence-invalid", detail | held | {"reason": reason}
    if outside := sorted(set(licensed) - set(licence.products)):
        yield "export-out-of-scope", detail | {"products": outside}
    goes_to = consignee[1:3] if is_abroad(consignee) else papers.destination
    if (papers.destination, papers.end_user) != (licence.destination, licence.end_user) or (
        goes_to != papers.destination
    ):
        told = {
            "declaration": papers.declaration,
            "destination": papers.destination,
            "licensed_destination": licence.destination,
            "end_user_differs": papers.end_user != licence.end_user,
            "consignee": shown_as(consignee, licensed),
        }
        yield "export-other-party", detail | told


def _not_valid(licence: Licence, consignor: str, sent: st.Dispatched, registry: Registry) -> str:
    """Why a consignor may not export on a licence; empty: it may."""
    why, day = [], day_of(sent.dispatched_at)
    if not is_of(licence, consignor, sent.dispatched_at, registry):
        why.append(f"it is a licence of {licence.enterprise}, who does not answer for {consignor}")
    if not licence.holds_on(day):
        why.append(f"it was not in date on {day}")
    return "; ".join(why)


def _day(day: date | None) -> str | None:
    return None if day is None else f"{day}"
