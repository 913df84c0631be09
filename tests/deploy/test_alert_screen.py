"""One alert on a terminal, figure by figure."""

from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from monazite.commands.alert_screen import alert_screen

AT = datetime(2023, 6, 11, tzinfo=UTC)


def told(evidence: dict[str, Any]) -> str:
    """What the screen says of an alert that rests on this."""
    row = {
        "alert": "a1b2c3d4", "rule": "claimed-bias", "severity": "warning", "subject": "shihe-mine", "province": None,
        "period": "2023-05", "condition": "raised", "raised_at": AT, "changed_at": AT, "handling": "open",
        "handled_by": None, "evidence": evidence,
    }  # fmt: skip
    console = Console(width=100)
    with console.capture() as capture:
        console.print(alert_screen(row))
    return capture.get()


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ({"bias_ppm": 5_000}, "bias: 0.5000 %"),
        ({"bias_ppm": -5_000}, "bias: -0.5000 %"),
        ({"missing_g": 1_234_500}, "missing: 1,234.5 kg"),
        ({"missing_g": -1_500}, "missing: -1.5 kg"),
        ({"missing_g": -1_000_000}, "missing: -1,000 kg"),
    ],
)
def test_figures_below_zero_are_as_far_below_it_as_they_are(evidence: dict[str, int], said: str) -> None:
    assert f"{said}\n" in told(evidence)
