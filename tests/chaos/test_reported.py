"""What is odd about reports is noticed: numbers, announcements, and levels that do not add up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaos import country
from chaos.oracle.registry import Registry
from chaos.reported import Key, Reports, odd_reports

MONTH = "2025-05"
NATION, PROVINCE, GROUP, PLANT = (
    Key(level, code, MONTH)
    for level, code in (
        ("nation", "nation"), ("province", "jiangxi"), ("enterprise", "huanan"), ("plant", "north-mine"),
    )
)  # fmt: skip
AT = datetime(2025, 6, 11, tzinfo=UTC)
EMPTY: dict[str, Any] = {
    name: [] for name in ("plants", "parts", "output", "flows", "balances", "coverage", "declarations")
}
OF_PLANT = EMPTY | {
    "plants": [{"code": "north-mine", "enterprise": "huanan-north", "province": "jiangxi"}],
    "coverage": [{"plant": "north-mine", "product": "ore", "made_g": 5, "lawful_g": 5}],
}
PARTS = [
    {"level": level, "made_g": 5, "lawful_g": 5, "shipped_reo_g": 0, "closing_reo_g": 0, "owed": 0, "plants": 1}
    for level in ("province", "enterprise")
]


def some_reports() -> Reports:
    found = Reports()
    for key in (NATION, PROVINCE, GROUP, PLANT):
        found.revisions[key][1] = f"hash of {key.level}"
        found.announced[key, 1][f"hash of {key.level}"] = AT
        found.newest[key] = dict(OF_PLANT)
    found.newest[NATION]["parts"] = [dict(part) for part in PARTS]
    return found


def odd(found: Reports, restored_at: datetime | None = None) -> list[str]:
    return odd_reports(found, Registry(country.declared(late=False)), restored_at)


def test_reports_that_add_up_are_not_odd() -> None:
    assert odd(some_reports()) == []


def _unannounced(found: Reports) -> None:
    found.revisions[PLANT][2] = "another"


def _announced_otherwise(found: Reports) -> None:
    found.announced[PLANT, 1]["another"] = AT


def _skipped(found: Reports) -> None:
    found.revisions[PLANT][3] = "another"
    found.announced[PLANT, 3]["another"] = AT


def _plant_says_otherwise(found: Reports) -> None:
    found.newest[PLANT]["coverage"] = []


def _group_lacks_a_plant(found: Reports) -> None:
    found.newest[GROUP] = EMPTY


def _parts_do_not_add_up(found: Reports) -> None:
    found.newest[NATION]["parts"][0]["lawful_g"] = 4


def _no_nation(found: Reports) -> None:
    del found.newest[NATION]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_unannounced, "never announced"),
        (_announced_otherwise, "several contents"),
        (_skipped, "revisions are"),
        (_plant_says_otherwise, "coverage"),
        (_group_lacks_a_plant, "its plants are"),
        (_parts_do_not_add_up, "every province together"),
        (_no_nation, "none for the nation"),
    ],
)
def test_what_is_odd_is_noticed(spoil: Callable[[Reports], None], says: str) -> None:
    found = some_reports()
    spoil(found)
    assert any(says in each for each in odd(found))


def test_what_a_restored_database_forgot_is_no_announcement_of_nothing() -> None:
    found = some_reports()
    found.announced[PLANT, 2]["forgotten"] = AT
    assert odd(found, AT + timedelta(seconds=1)) == []
    assert odd(found, AT) != []
