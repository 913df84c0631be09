"""How a simulated plant amends what it said, and what that does to its draws by the simulator's own arithmetic."""

from datetime import date

from monazite_contracts.events import Stream
from monazite_producers.simulator import records
from monazite_producers.simulator.assaying import Assay, reo_grams
from monazite_producers.simulator.capwatch import Posting
from monazite_producers.simulator.records import Event
from monazite_producers.simulator.sites import Site, drawn

NINE_S = 9 * 3600
"""Offices amend in the morning."""


def correct(site: Site, amended: Event, changes: Event, day: date) -> Event:
    """Corrects a production statement, and posts what that adds to its draws or takes from them."""
    before = amended["data"] if "replacement" not in amended["data"] else amended["data"]["replacement"]["data"]
    after = before | changes
    stated = correction(site, amended, {"type": "monazite.production.v1", "data": after}, day)
    _post(site, before, -1, day)
    _post(site, after, 1, day)
    return stated


def correction(site: Site, amended: Event, replacement: Event, day: date) -> Event:
    """States a correction, whatever becomes of it."""
    at = records.clock(day, NINE_S)
    data = {"target": records.target(amended), "reason": "data_entry", "replacement": replacement, "corrected_at": at}
    return site.state("correction", Stream.PRODUCTION, at, data)


def void(site: Site, amended: Event, day: date) -> Event:
    """States a void, whatever becomes of it."""
    at = records.clock(day, NINE_S + 60)
    data = {"target": records.target(amended), "reason": "duplicate", "voided_at": at}
    return site.state("void", Stream.PRODUCTION, at, data)


def take_back(site: Site, amended: Event, day: date) -> Event:
    """Voids a production statement, and takes back what it drew."""
    _post(site, amended["data"], -1, day)
    return void(site, amended, day)


def finalise(site: Site, amended: Event, assay: Assay, day: date) -> Event:
    """States a lot's final assay, and posts the difference."""
    at = records.clock(day, NINE_S + 120)
    _post(site, amended["data"], -1, day)
    _post(site, amended["data"] | {"assay": assay}, 1, day)
    data = {
        "target": records.target(amended), "lot": amended["data"]["lot"], "assay": assay, "finalised_at": at,
    }  # fmt: skip
    return site.state("assay-finalised", Stream.PRODUCTION, at, data)


def _post(site: Site, data: Event, sign: int, day: date) -> None:
    """Every simulated period ends on the day it began or at midnight after it, so its start names the event's day."""
    kind, grams = drawn(data, reo_grams(data["net_mass_kg"], data["assay"]))
    if kind is not None:
        event_day = date.fromisoformat(data["period"]["start"][:10])
        site.account.draw(site.code, kind, Posting(day, event_day, sign * grams, corrects=True))
