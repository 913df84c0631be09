"""An example of a month's traceability report: one mine, one invented enterprise, one province."""

from typing import Any

from monazite_contracts.builders import MINE

Json = dict[str, Any]

_HOLDER, _PROVINCE = "shihe", "inner-mongolia"
_PRODUCT = "bastnaesite-concentrate"
_NET_G, _REO_G, _SHIPPED_G, _SHIPPED_REO_G = 20_000_000, 11_040_000, 18_000_000, 9_936_000


def an_example_report() -> Json:
    """Revision 1 of the nation's May."""
    return {
        "type": "monazite.traceability-report.v1",
        "scope": {"level": "nation", "code": "nation", "name": "nation"},
        "month": "2023-05",
        "from_day": "2023-05-01",
        "to_day": "2023-05-31",
        "preliminary": False,
        "revision": 1,
        "position": {
            "partitions": [{"topic": "plant-production", "partition": 2, "generation": 1, "next_offset": 90_413}],
            "registry_revision": 7,
            "outage_revision": 0,
            "judged_at": "2023-06-10T16:00:00Z",
            "known_until": "2023-06-10T16:00:00Z",
            "release": "0.1.0",
        },
        "simulated": True,
        "compared_with": None,
        "plants": [
            {
                "code": MINE, "name": "Shihe mine (invented)", "enterprise": _HOLDER,
                "enterprise_name": "Shihe (invented)", "province": _PROVINCE, "province_name": _PROVINCE,
            }
        ],
        "parts": [_part("enterprise", _HOLDER, "Shihe (invented)"), _part("province", _PROVINCE, _PROVINCE)],
        **_production(),
        **_custody(),
        "declarations": [
            {
                "plant": MINE, "enterprise": _HOLDER, "status": "missing", "deadline": "2023-06-10T16:00:00Z",
                "filed_at": None, "differences": 0, "differing": [],
            }
        ],
        "conditions": [
            {
                "alert": "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "rule": "declaration-missing", "severity": "serious",
                "subject": MINE, "period": "2023-05",
                "summary": f"{MINE} (2023-05): a month's flow record is missing; 1 found",
                "basis": "Order 71 art. ~10; Decree 785 art. 25",
            }
        ],
        "cleared": [],
        "amendments": [],
        "amendments_total": 0,
        "differences": [],
    }  # fmt: skip


def _part(level: str, code: str, name: str) -> Json:
    return {
        "level": level, "code": code, "name": name, "plants": 1, "mined_reo_g": _REO_G, "separated_reo_g": 0,
        "smelted_reo_g": 0, "recovered_reo_g": 0, "shipped_reo_g": _SHIPPED_REO_G,
        "closing_reo_g": _REO_G - _SHIPPED_REO_G, "made_g": _NET_G, "lawful_g": _NET_G, "owed": 1, "filed": 0,
        "conditions": 1,
    }  # fmt: skip


def _production() -> Json:
    return {
        "caps": [
            {
                "holder": _HOLDER, "name": "Shihe (invented)", "group": None, "kind": "mining_rock",
                "granted_g": 1_000_000_000, "drawn_g": _REO_G, "headroom_g": 1_000_000_000 - _REO_G,
                "drawn_in_month_g": _REO_G, "rate_g_per_day": 73_113, "projected_g": 26_686_245, "overrun_then_g": 0,
            }
        ],
        "output": [
            {
                "plant": MINE, "activity": "mined", "product": _PRODUCT, "origin": "domestic", "net_g": _NET_G,
                "reo_g": _REO_G,
            }
        ],
        "flows": [_flow("product", _NET_G, _SHIPPED_G), _flow("reo", _REO_G, _SHIPPED_REO_G)],
        "balances": [],
        "coverage": [{"plant": MINE, "product": _PRODUCT, "made_g": _NET_G, "lawful_g": _NET_G}],
    }  # fmt: skip


def _flow(unit: str, made_g: int, shipped_g: int) -> Json:
    return {
        "plant": MINE, "product": _PRODUCT, "unit": unit, "opening_g": 0, "in_g": 0, "made_g": made_g, "used_g": 0,
        "shipped_g": shipped_g, "lost_g": 0, "closing_g": made_g - shipped_g,
    }  # fmt: skip


def _custody() -> Json:
    return {
        "shipments": [{"plant": MINE, "state": "in transit", "shipments": 1, "net_g": _SHIPPED_G}],
        "open_shipments": [
            {
                "shipment": f"{MINE}/W-1", "consignor": MINE, "consignee": "baotou-separation", "state": "in transit",
                "actor": "baotou-separation", "due_at": "2023-06-04T09:00:00Z", "dispatched_at": "2023-05-05T09:00:00Z",
                "net_g": _SHIPPED_G,
            }
        ],
        "open_shipments_total": 1,
        "overdue_shipments_total": 0,
    }  # fmt: skip
