"""How a simulated plant amends what it said, and what that does to its draws by the simulator's own arithmetic."""

from datetime import date

from monazite_contracts.events import Stream
from monazite_contracts.quantities import grams, kilograms
from monazite_producers.simulator import records
from monazite_producers.simulator.assaying import Assay, reo_grams
from monazite_producers.simulator.capwatch import Posting
from monazite_producers.simulator.chapters.crafting import Held
from monazite_producers.simulator.records import Event
from monazite_producers.simulator.sites import Site, drawn

NINE_S = 9 * 3600
"""Offices amend in the morning."""


def weighed(stated: Event, per_cent: int) -> Event:
    """Mass and claim of a lot that weighs so many per cent of what was stated."""
    data = stated["data"]
    mass_kg = kilograms(grams(data["net_mass_kg"]) * per_cent // 100)
    return {"net_mass_kg": mass_kg, "claimed_reo_kg": kilograms(reo_grams(mass_kg, data["assay"]))}


def weigh_again(site: Site, held: Held, per_cent: int, day: date) -> None:
    """Corrects a lot's weight, in the month in which it was made: stock and flow record follow. It waits no longer."""
    changes, lot = weighed(held.stated, per_cent), held.lot
    correct(site, held.stated, changes, day)
    mass_g = grams(changes["net_mass_kg"])
    site.moved(lot.product, "made_kg", mass_g - lot.mass_g)
    lot.mass_g = lot.left_g = mass_g
    lot.reo_g = reo_grams(changes["net_mass_kg"], lot.assay)
    site.put_back(lot)


def correct(site: Site, amended: Event, changes: Event, day: date) -> Event:
    """Corrects a production statement on paper, and posts what that adds to its draws or takes from them."""
    before = amended["data"] if "replacement" not in amended["data"] else amended["data"]["replacement"]["data"]
    after = before | changes
    stated = correction(site, amended, {"type": "monazite.production.v1", "data": after}, day)
    _post(site, before, -1, day)
    _post(site, after, 1, day)
    return stated


def correction(site: Site, amended: Event, replacement: Event, day: date, stream: Stream = Stream.PRODUCTION) -> Event:
    """States a correction, whatever becomes of it."""
    at = records.clock(day, NINE_S)
    data = {"target": records.target(amended), "reason": "data_entry", "replacement": replacement, "corrected_at": at}
    return site.state("correction", stream, at, data)


def void(site: Site, amended: Event, day: date) -> Event:
    """States a void, whatever becomes of it."""
    at = records.clock(day, NINE_S + 60)
    data = {"target": records.target(amended), "reason": "duplicate", "voided_at": at}
    return site.state("void", Stream.PRODUCTION, at, data)


def take_back(site: Site, held: Held, day: date) -> Event:
    """Voids the statement of a lot that never was, in the month of that statement, and takes back what it drew."""
    _post(site, held.stated["data"], -1, day)
    site.moved(held.lot.product, "made_kg", -held.lot.mass_g)
    return void(site, held.stated, day)


def finalise(site: Site, held: Held, assay: Assay, day: date) -> Event:
    """States a lot's final assay, and posts the difference. It waits no longer."""
    at, lot, amended = records.clock(day, NINE_S + 120), held.lot, held.stated
    _post(site, amended["data"], -1, day)
    _post(site, amended["data"] | {"assay": assay}, 1, day)
    data = {"target": records.target(amended), "lot": lot.code, "assay": assay, "finalised_at": at}
    lot.assay, lot.reo_g = assay, reo_grams(amended["data"]["net_mass_kg"], assay)
    site.put_back(lot)
    return site.state("assay-finalised", Stream.PRODUCTION, at, data)


def _post(site: Site, data: Event, sign: int, day: date) -> None:
    """Every simulated period ends on the day it began or at midnight after it, so its start names the event's day."""
    kind, grams = drawn(data, reo_grams(data["net_mass_kg"], data["assay"]))
    if kind is not None:
        event_day = date.fromisoformat(data["period"]["start"][:10])
        site.account.draw(site.code, kind, Posting(day, event_day, sign * grams, corrects=True))
