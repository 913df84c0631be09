"""Holds alerts, receipts, handlings and the registry's digests against what the relay has told of them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from monazite_consumers.database import Connection
from monazite_consumers.rules.alerts import SOMEBODY
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.sql import statement
from monazite_consumers.verifying.misfits import Misfit, Report
from monazite_consumers.verifying.told import TOLD, told_of
from monazite_consumers.verifying.topics import RECEIPTS_PREFIX, Told, Witness
from monazite_contracts.alerts import Alert, AlertAcknowledged, Handling
from monazite_contracts.control import RelayControl
from monazite_contracts.receipts import Receipt
from monazite_contracts.topics import ALERTS, RELAY_CONTROL, province_topic

_ALERT: Final[TypeAdapter[Alert | AlertAcknowledged]] = TypeAdapter(Alert | AlertAcknowledged)


@dataclass(slots=True)
class _Heard:
    """What a topic of alerts says: of each alert, and what people said that they did."""

    alerts: dict[str, Told]
    acknowledged: set[tuple[Any, ...]]
    handled: set[tuple[str, str]]
    """Alerts that were told with a handling, whoever's it was."""


async def check_witnesses(connection: Connection, witness: Witness, report: Report) -> None:
    """In the caller's snapshot, which was taken after the witness looked."""
    (platform,) = await connection.fetch(statement("verifying", "platform"))
    await _check_control(connection, witness, platform["epoch"], report)
    if platform["awaited_digest"] is not None:
        return  # a restored database: what it has forgotten is told anew once its registry is back
    rows = await connection.fetch(statement("verifying", "told_alerts"), ALERTS)
    for topic in [name for name in witness.topics if name.startswith(ALERTS)]:
        heard = await _hear(witness, topic, report)
        known = {row["alert"]: row for row in rows if topic in (ALERTS, province_topic(row["province"] or ""))}
        _check_alerts(topic, heard.alerts, known, platform["epoch"], report)
        if topic == ALERTS:
            await _check_handlings(connection, heard, report)
    receipts = {bytes(row["key"]): row for row in await connection.fetch(statement("verifying", "told_receipts"))}
    for topic in [name for name in witness.topics if name.startswith(RECEIPTS_PREFIX)]:
        await _check_receipts(witness, topic, receipts, platform["epoch"], report)


async def _check_control(connection: Connection, witness: Witness, epoch: int, report: Report) -> None:
    """Every registry that the relay told of has a revision, and what it published last is known."""
    rows = await connection.fetch(statement("verifying", "registry_revisions"))
    digests = {row["digest"].hex() for row in rows} | {None}
    newest: RelayControl | None = None
    async for record, before in witness.records(RELAY_CONTROL):
        try:
            control = RelayControl.model_validate_json(record.value or b"")
        except ValidationError:
            report.add(Misfit(RELAY_CONTROL, "a control record", "none", offset=record.offset))
            continue
        if before:
            report.witnessed += 1
            newest = control
            if control.epoch == epoch and control.registry_digest not in digests:
                detail = f"no revision has the digest that the relay told of with publication {control.publication}"
                report.add(Misfit("registry_revisions.digest", control.registry_digest, None, detail))
    if newest is None or newest.epoch < epoch:
        return
    (found,) = await connection.fetch(statement("platform", "standing"), newest.publication, newest.written_at)
    if newest.epoch > epoch or not found["known"]:
        expected = f"epoch {newest.epoch}, publication {newest.publication} of {newest.written_at}"
        report.add(Misfit("outbox", expected, f"epoch {epoch}, without it", "what the relay published last"))


async def _hear(witness: Witness, topic: str, report: Report) -> _Heard:
    heard = _Heard(defaultdict(Told), set(), set())
    async for record, before in witness.records(topic):
        try:
            said = _ALERT.validate_json(record.value or b"")
        except ValidationError:
            continue  # somebody else wrote there; subscribers pass over it too
        report.witnessed += 1
        if isinstance(said, AlertAcknowledged):
            heard.acknowledged.add((said.alert, said.handling, said.by, said.note, said.handled_at))
            continue
        if said.rule in RULES:
            heard.alerts[said.id].take((said.epoch, said.revision), told_of(said), before=before)
        if said.handling is not Handling.NEW:
            heard.handled.add((said.id, said.handling))
    return heard


def _check_alerts(topic: str, heard: Mapping[str, Told], known: Mapping[str, Any], epoch: int, report: Report) -> None:
    """Whatever was told is so, and whatever is so was told or waits to be."""
    for alert, row in sorted(known.items()):
        told, version = heard.get(alert, Told()), (epoch, row["revision"])
        named = f"{topic}: {row['rule']} {row['subject']} {row['period']}".rstrip()
        if told.before is not None and told.before[0] > version:
            report.add(Misfit("alerts.revision", told.before[0], version, f"{named}: epoch and revision"))
        elif told.newest is None or told.newest[0] < version:
            if not row["waits"]:
                last = told.newest[0] if told.newest is not None else None
                report.add(Misfit("alerts.revision", last, version, f"{named}: never told; epoch and revision"))
        elif told.before is not None and told.before[0] == version:
            now = tuple(row[name] for name in TOLD)
            if now != told.before[1]:
                report.add(Misfit("alerts", told.before[1], now, named))
    if topic == ALERTS:
        for alert, told in sorted(heard.items()):
            if alert not in known and told.before is not None:
                report.add(Misfit("alerts", told.before[1], None, f"{topic}: it was told"))


async def _check_handlings(connection: Connection, heard: _Heard, report: Report) -> None:
    """What people did, they said on the topic of alerts; what a restore read back from there names nobody."""
    for row in await connection.fetch(statement("verifying", "handlings")):
        said = tuple(row) in heard.acknowledged
        read_back = row["handled_by"] == SOMEBODY and (row["alert"], row["handling"]) in heard.handled
        if not said and not read_back:
            found = f"{row['handling']} by {row['handled_by']}"
            report.add(Misfit("handlings", "what somebody said", found, f"alert {row['alert']}: nobody said so"))


async def _check_receipts(witness: Witness, topic: str, known: Mapping[bytes, Any], epoch: int, report: Report) -> None:
    """The newest receipt of each source of a plant, by number and by bytes."""
    heard: dict[bytes, Told] = defaultdict(Told)
    async for record, before in witness.records(topic):
        try:
            said = Receipt.model_validate_json(record.value or b"")
        except ValidationError:
            continue  # resend requests, and what somebody else wrote there
        report.witnessed += 1
        heard[record.key].take((said.epoch, said.number), sha256(record.value).digest(), before=before)
    of_plant = topic.removeprefix(RECEIPTS_PREFIX).encode() + b"/"
    for key in sorted(heard.keys() | {key for key in known if key.startswith(of_plant)}):
        _check_receipt(key, heard.get(key, Told()), known.get(key), epoch, report)


def _check_receipt(key: bytes, told: Told, row: Any, epoch: int, report: Report) -> None:
    source, version = key.decode(errors="replace"), (epoch, row["number"] if row is not None else 0)
    if told.before is not None and told.before[0] > version:
        detail = "it was told more: epoch and number"
        report.add(Misfit("receipt_numbers.number", told.before[0], version, detail, source=source))
    elif row is None or row["waits"]:
        return
    elif told.newest is None or told.newest[0] < version:
        if told.newest is not None or row["hash"] is not None:  # else it was told longer ago than the topic keeps
            last = told.newest[0] if told.newest is not None else None
            report.add(Misfit("receipt_numbers.number", last, version, "never told: epoch and number", source=source))
    elif row["hash"] is not None and told.newest[0] == version and told.newest[1] != row["hash"]:
        report.add(
            Misfit("outbox.value", told.newest[1].hex(), row["hash"].hex(), "hash of what was told", source=source)
        )
