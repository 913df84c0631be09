"""Alerts: their identity, and which changes make a new revision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monazite_consumers.rules.alerts import AlertKey, AlertState, Observed, next_state
from monazite_consumers.rules.summaries import summary
from monazite_contracts.alerts import Condition

KEY = AlertKey("cap-80", "shihe/mining_rock", "2023")
AT = datetime(2023, 5, 5, tzinfo=UTC)
LATER = AT + timedelta(days=1)
EVIDENCE = {"drawn_g": 850, "granted_g": 1_000}
HOLDS = Observed(holds=True, held_before=True, evidence=EVIDENCE, percent=85, province="hunan")


def raised() -> AlertState:
    state = next_state(None, KEY, HOLDS, AT)
    assert state is not None
    return state


def test_the_id_follows_from_rule_subject_and_period() -> None:
    # Pinned: a release that changes it would open every alert anew.
    assert KEY.id == "c876122e2ff98aa7c08de23eebfb87cd"
    others = {KEY._replace(rule="cap-95").id, KEY._replace(subject="x").id, KEY._replace(period="2024").id}
    assert len(others | {KEY.id}) == 4


def test_what_never_held_makes_no_alert() -> None:
    assert next_state(None, KEY, HOLDS._replace(holds=False), AT) is None


def test_an_alert_begins_at_revision_1() -> None:
    state = raised()
    assert (state.condition, state.revision, state.raised_at, state.changed_at) == (Condition.RAISED, 1, AT, AT)


def test_the_same_again_is_the_same_alert() -> None:
    state = raised()
    assert next_state(state, KEY, HOLDS, LATER) is state


def test_evidence_alone_is_kept_up_without_a_revision() -> None:
    after = next_state(raised(), KEY, HOLDS._replace(evidence={"drawn_g": 851}), LATER)
    assert after == replace(raised(), evidence={"drawn_g": 851})


@pytest.mark.parametrize("change", [{"percent": 86}, {"province": "jiangxi"}, {"holds": False}])
def test_condition_percentage_and_province_make_a_revision(change: dict[str, Any]) -> None:
    after = next_state(raised(), KEY, HOLDS._replace(**change), LATER)
    assert after is not None
    assert (after.revision, after.changed_at, after.raised_at) == (2, LATER, AT)


@pytest.mark.parametrize(("held", "condition"), [(True, Condition.RECOVERED), (False, Condition.RETRACTED)])
def test_what_held_recovers_and_what_never_did_is_retracted(held: bool, condition: Condition) -> None:  # noqa: FBT001
    after = next_state(raised(), KEY, HOLDS._replace(holds=False, held_before=held), LATER)
    assert after is not None
    assert after.condition is condition


def test_raised_again_is_a_new_episode() -> None:
    ended = next_state(raised(), KEY, HOLDS._replace(holds=False), LATER)
    again = next_state(ended, KEY, HOLDS, LATER + timedelta(days=1))
    assert again is not None
    assert (again.revision, again.raised_at) == (3, LATER + timedelta(days=1))


@pytest.mark.parametrize(
    ("rule", "evidence", "said"),
    [
        ("cap-80", EVIDENCE, "0.001 t of 0.001 t drawn, 85 %"),
        ("cap-not-issued", {"drawn_g": 1_234_567_890, "granted_g": None}, "1,234.568 t drawn"),
        ("unlisted-producer", {"reo_g": 2_000_000, "events": 3}, "2.000 t REO in 3 statements"),
        ("lot-reused", {"count": 2}, "2 found"),
        ("claimed-reo", {"count": 4}, "4 found"),
    ],
)
def test_a_summary_is_one_sentence_with_the_figure_that_matters(rule: str, evidence: Any, said: str) -> None:
    state = replace(raised(), key=KEY._replace(rule=rule), evidence=evidence)
    assert summary(state).endswith(said)
    assert summary(state).startswith("shihe/mining_rock (2023): ")
