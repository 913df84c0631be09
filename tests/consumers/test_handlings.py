"""What people did, read back from the topic of alerts: the last word counts, and only where the database has it not."""

from datetime import UTC, datetime, timedelta

import orjson

from monazite_consumers.relay.handlings import Handled, newer
from monazite_consumers.relay.hearing import Heard
from monazite_consumers.rules.alerts import SOMEBODY
from monazite_contracts.alerts import AlertAcknowledged, Handling
from monazite_contracts.generate.examples import examples

AT = datetime(2023, 5, 5, 8, tzinfo=UTC)
ALERT = "a" * 32


def an_acknowledgement(handling: Handling, minutes: int = 0, by: str = "Li") -> bytes:
    said = AlertAcknowledged(
        type="monazite.alert-acknowledged.v1", alert=ALERT, handling=handling, by=by,
        handled_at=AT + timedelta(minutes=minutes),
    )  # fmt: skip
    return said.model_dump_json().encode()


def an_alert(handling: str) -> bytes:
    return orjson.dumps(examples()["alert.v1"] | {"id": ALERT, "handling": handling})


def heard(*values: bytes) -> dict[str, Handled]:
    found = Heard()
    for value in values:
        found.take(value)
    return found.handlings


def test_the_last_word_of_a_person_counts() -> None:
    found = heard(an_acknowledgement(Handling.ACKNOWLEDGED), an_acknowledgement(Handling.RESOLVED, 1, "Wang"))
    assert found == {ALERT: Handled(Handling.RESOLVED, "Wang", None, AT + timedelta(minutes=1))}


def test_an_alert_tells_a_handling_only_where_no_person_told() -> None:
    told = heard(an_alert("acknowledged"), an_alert("new"))
    assert (told[ALERT].handling, told[ALERT].by) == (Handling.ACKNOWLEDGED, SOMEBODY)
    assert heard(an_acknowledgement(Handling.RESOLVED), an_alert("acknowledged"))[ALERT].by == "Li"
    assert heard(an_alert("new"), b'{"type":"somebody.else"}') == {}


def test_only_news_is_taken_into_the_database() -> None:
    def news(told: Handled, known: Handled | None = None) -> dict[str, Handled]:
        return newer({ALERT: told}, {ALERT: known} if known else {})

    older = Handled(Handling.ACKNOWLEDGED, "Li", None, AT)
    later = Handled(Handling.NEW, "Wang", None, AT + timedelta(minutes=1))
    nameless = Handled(Handling.ACKNOWLEDGED, SOMEBODY, None, AT + timedelta(minutes=2))
    assert news(older) == {ALERT: older}
    assert news(later) == {}, "put back to new, and never anything else here"
    assert news(later, older) == {ALERT: later}
    assert news(older, later) == {}
    assert news(nameless, older) == {}, "a name is kept where only the same is heard"
