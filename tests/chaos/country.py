"""The registry of the chaos runs: who exists, and with which caps; everything here is invented."""

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from monazite_contracts.builders import a_signing_key
from monazite_contracts.seal import encode_base64url

Json = dict[str, Any]
CHINA = timezone(timedelta(hours=8))


def month_ago(months: int) -> str:
    """The month so many before the one in which a run begins."""
    total = _TODAY.year * 12 + _TODAY.month - 1 - months
    return f"{total // 12}-{total % 12 + 1:02}"


_TODAY = datetime.now(CHINA).date()
OWED = (month_ago(4), month_ago(3), month_ago(2))
"""Months whose records are owed; the first of them only from the middle of a run on. Reports begin with the first."""
SINCE = "2020-01-01"
GATEWAYS = ("gw-1", "gw-2")
LATE = "late-mine"
"""Registered while its messages already arrive."""
UNLISTED = "wild-mine"
OPERATORS = {
    "north-mine": "huanan-north",
    "south-mine": "huanan-south",
    "tiny-mine": "tiny",
    "beishan-works": "beishan",
    "huanan-works": "huanan-south",
    "beishan-recycling": "beishan",
    UNLISTED: "anshan",
    LATE: "beishan",
}
MOVED = ("south-mine", "2025-07-01", "beishan")
"""A plant that another enterprise runs from a day on."""


def key_id(plant: str, gateway: str, number: int = 1) -> str:
    """The id of a gateway's key."""
    return f"{plant}.{gateway}.{number}"


def _key(plant: str, gateway: str, number: int = 1) -> Json:
    name = key_id(plant, gateway, number)
    public = encode_base64url(bytes(a_signing_key(name).verify_key))
    return {"id": name, "plant": plant, "gateway": gateway, "public": public, "since": f"{SINCE}T00:00:00Z"}


def _operations(plants: list[str]) -> list[Json]:
    found: list[Json] = []
    for plant in plants:
        if plant == MOVED[0]:
            found.append({"plant": plant, "enterprise": OPERATORS[plant], "since": SINCE, "until": MOVED[1]})
            found.append({"plant": plant, "enterprise": MOVED[2], "since": MOVED[1]})
        else:
            found.append({"plant": plant, "enterprise": OPERATORS[plant], "since": SINCE})
    return found


def _allocation(holder: str, kind: str, year: int, tonnes: int, day: str, batch: str = "1") -> Json:
    return {
        "decision": "invented", "batch": batch, "year": year, "holder": holder, "kind": kind, "issued_on": day,
        "tonnes_reo": tonnes, "evidence": "invented", "invented": True,
    }  # fmt: skip


def declared(*, late: bool) -> dict[str, Any]:
    """Everything that is declared; `late`: with the plant, key and batch that come in the middle of a run."""
    plants = [plant for plant in OPERATORS if late or plant != LATE]
    enterprises = ("huanan", *sorted(set(OPERATORS.values())))
    allocations = [
        _allocation("huanan", "mining_rock", 2025, 300, "2025-01-20"),
        _allocation("huanan", "mining_rock", 2024, 900_000, "2024-02-06"),
        _allocation("huanan", "separation", 2025, 200, "2025-03-01"),
        _allocation("beishan", "mining_rock", 2025, 40, "2025-01-20"),
        _allocation("beishan", "separation", 2024, 150, "2024-02-06"),
        _allocation("beishan", "separation", 2025, 900_000, "2025-01-20"),
        _allocation("beishan", "separation", int(OWED[1][:4]), 150, f"{OWED[1][:4]}-01-20", batch="3"),
        _allocation("tiny", "mining_rock", 2025, 10, "2025-01-20"),
    ]
    if late:
        allocations.append(_allocation("beishan", "mining_rock", 2025, 60, "2025-06-30", batch="2"))
    return {
        "enterprises": [{"code": code, "name": code, "simulated": True} for code in enterprises],
        "memberships": [{"member": m, "group": "huanan", "since": SINCE} for m in ("huanan-north", "huanan-south")],
        "plants": [{"code": p, "name": p, "province": "jiangxi", "simulated": True} for p in plants],
        "operations": _operations(plants),
        "gateway_keys": [
            *(_key(plant, gateway) for plant in plants for gateway in GATEWAYS),
            *([_key("north-mine", "gw-1", 2)] if late else []),
        ],
        "approvals": [
            {"enterprise": enterprise, "activity": activity, "since": SINCE}
            for enterprise in ("huanan", "beishan", "tiny")
            for activity in ("mining", "separation")
        ],
        "allocations": allocations,
        "duties": [
            {
                "enterprise": "beishan",
                "basis": "invented",
                "since": f"{OWED[0 if late else 1]}-01",
                "until": f"{month_ago(1)}-01",
            }
        ],
        "settings": {"settle_minutes": 0, "settle_across_hours": 0, "long_past_days": 500},
    }


def write(folder: Path, *, late: bool) -> Path:
    """The registry's files: YAML that is JSON as well, so that the second implementation can read it alone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "country.yaml").write_text(json.dumps(declared(late=late), indent=1))
    return folder
