"""`ledger verify`: an alert that somebody took out is found, of whatever rule, though nothing else speaks of it."""

import pytest
from every_alert import ALERTED, raise_every_alert
from regulator_desk import Desk


async def test_a_country_in_which_every_alert_is_raised_fits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await raise_every_alert(desk, monkeypatch)
    assert (await desk.verify()).misfits == []


@pytest.mark.parametrize("rule", ALERTED)
async def test_an_alert_that_is_taken_out_with_all_that_was_told_is_missed(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    await raise_every_alert(desk, monkeypatch)
    ours = "(SELECT alert FROM alerts WHERE rule = $1)"
    await desk.connection.execute(
        f"DELETE FROM outbox WHERE key IN (SELECT convert_to(alert, 'UTF8') FROM {ours} AS a)",  # noqa: S608 - ours
        rule,
    )
    await desk.connection.execute("DELETE FROM alerts WHERE rule = $1", rule)
    report = await desk.verify()
    assert {misfit.column for misfit in report.misfits} == {"alerts.condition"}
    assert {misfit.detail.partition(" ")[0] for misfit in report.misfits} == {rule}
