"""What a statement says by itself, in arithmetic of its own: masses, days, draws, amendments."""

import hashlib
import re
from datetime import date, datetime, timedelta, timezone
from fractions import Fraction
from functools import lru_cache
from typing import Any

Json = dict[str, Any]
CHINA = timezone(timedelta(hours=8))
FACTORS = {
    "Sc": "1.5338", "Y": "1.2699", "La": "1.1728", "Ce": "1.2284", "Pr": "1.2082", "Nd": "1.1664", "Sm": "1.1596",
    "Eu": "1.1579", "Gd": "1.1526", "Tb": "1.1762", "Dy": "1.1477", "Ho": "1.1455", "Er": "1.1435", "Tm": "1.1421",
    "Yb": "1.1387", "Lu": "1.1372",
}  # fmt: skip
ORES = {"bastnaesite-concentrate": "mining_rock", "ionic-oxide-concentrate": "mining_ionic"}
ALREADY_SEPARATED = {"lanthanum-oxide", "ndpr-oxide"}
AMENDMENTS = {"monazite.void.v1", "monazite.correction.v1", "monazite.assay-finalised.v1"}


def sha(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def day_of(at: datetime) -> date:
    return at.astimezone(CHINA).date()


def month_of(at: datetime) -> str:
    return f"{day_of(at):%Y-%m}"


def reo_g(net_kg: str, assay: Json) -> int:
    if assay["basis"] == "metal":
        return _of_metal(net_kg, tuple(sorted(assay["elements_pct"].items())))
    return _of_oxides(net_kg, assay["moisture_pct"] if assay["basis"] == "dry" else "0", assay["treo_pct"])


@lru_cache(maxsize=500_000)  # the same statements are judged after every fault
def _of_metal(net_kg: str, elements_pct: tuple[tuple[str, str], ...]) -> int:
    parts = sum(Fraction(percent) / 100 * Fraction(FACTORS[element]) for element, percent in elements_pct)
    return round(Fraction(net_kg) * 1000 * parts)


@lru_cache(maxsize=500_000)
def _of_oxides(net_kg: str, moisture_pct: str, treo_pct: str) -> int:
    dry = 1 - Fraction(moisture_pct) / 100
    return round(Fraction(net_kg) * 1000 * dry * Fraction(treo_pct) / 100)  # half to even, as round() does


def event_time(data: Json) -> datetime:
    if "period" in data:
        return datetime.fromisoformat(data["period"]["end"]) - timedelta(microseconds=1)
    if "month" in data:
        year, month = map(int, data["month"].split("-"))
        return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=CHINA) - timedelta(microseconds=1)
    return datetime.fromisoformat(next(data[k] for k in sorted(data) if k.endswith("_at") and k != "expected_at"))


def within_contract(event: Json) -> bool:
    """As far as our plants break it: unknown types, masses written wrongly, periods across months."""
    data = event["data"].get("replacement", event)["data"] if "replacement" in event["data"] else event["data"]
    masses = [value for name, value in data.items() if name.endswith("_kg")]
    begins = datetime.fromisoformat(data["period"]["start"]) if "period" in data else None
    return (
        event["type"] != "monazite.rumour.v1"
        and all(re.fullmatch(r"\d+\.\d{3}", mass) for mass in masses)
        and (begins is None or month_of(begins) == month_of(event_time(data)))
    )


def amended(kind: str, data: Json, event: Json) -> Json | None:
    """What a statement says after an amendment; None when voided, {} when it may not be so amended."""
    if event["type"] == "monazite.void.v1":
        return None
    if event["type"] == "monazite.assay-finalised.v1":
        return data | {"assay": event["data"]["assay"]} if event["data"]["lot"] == data.get("lot") else {}
    replacement = event["data"]["replacement"]
    fixed = ("activity", "consignee", "consignor", "buyer", "month")
    same = replacement["type"] == kind and all(data.get(f) == replacement["data"].get(f) for f in fixed)
    return replacement["data"] if same else {}


def draws_of(kind: str, data: Json) -> list[tuple[date, str, str, int]]:
    """(day, kind, basis, grams) of one statement."""
    if kind != "monazite.production.v1":
        return []
    day, made = day_of(event_time(data)), reo_g(data["net_mass_kg"], data["assay"])
    if data["activity"] == "mined":
        return [(day, ORES[data["product"]], "output", made)]
    if data["activity"] == "recovered" or (data["activity"] == "separated" and data["origin"] == "recycled"):
        return [(day, "separation", "recycled", made)]
    if data["activity"] != "separated":
        return []
    feed = {True: 0, False: 0}
    for used in data.get("inputs", []):
        feed[used["product"] in ALREADY_SEPARATED] += reo_g(used["net_mass_kg"], used["assay"])
    total = sum(feed.values())
    again = round(Fraction(made * feed[True], total)) if total else 0
    parts = [("output", made - again), ("separated_again", again), ("feed", feed[False])]
    return [(day, "separation", basis, grams) for basis, grams in parts if grams]
