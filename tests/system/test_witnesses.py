"""`ledger verify --against-kafka`: what was told, and every header, is held against the records that Kafka has."""

# ruff: noqa: S608 - our own words

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from attacker import NOISE
from regulator_desk import a_message
from running_platform import Platform, a_registry
from tampering import ZEROS

from monazite import stack
from monazite_consumers.intake.records import install_reader
from monazite_consumers.sql import statement
from monazite_consumers.verifying import Report, verify
from monazite_consumers.verifying.rereading import reread
from monazite_consumers.verifying.topics import Witness
from monazite_consumers.verifying.witnessing import check_witnesses
from monazite_contracts.alerts import AlertAcknowledged, Handling
from monazite_contracts.topics import ALERTS
from monazite_producers.publisher import Outgoing

NOTE = "looked into"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    """Plants at work with a cap that they overdraw, noise, and somebody who takes an alert in hand."""
    made = Platform(running)
    await made.apply(a_registry(tonnes_reo=100))
    await made.publish(made.work(2, 3))
    gateway = next(iter(made.gateways.values()))
    noise = a_message(b"{", gateway.source)
    await made.publish(
        [Outgoing(noise.topic, noise.key or b"", value, (("odd", b"x"),), datetime.now(UTC)) for value in (b"{", b"")]
    )
    await made.decided()
    await made.told()
    return made


async def look(platform: Platform, *changes: str) -> Report:
    """What is found once somebody has made these changes; they are taken back."""
    witness, report = Witness(platform.stack.addresses.kafka), Report()
    await witness.look()
    install_reader()
    async with platform.connection() as opened:
        transaction = opened.transaction(isolation="repeatable_read")
        await transaction.start()
        try:
            for change in changes:
                done = await opened.execute(change)
                assert not done.endswith(" 0"), "the change changes something"
            if not changes or any("ledger" in change for change in changes):  # it takes the longest
                await reread(opened, platform.stack.addresses.kafka, report)
            await check_witnesses(opened, witness, report)
        finally:
            await transaction.rollback()
    return report


async def test_what_nobody_has_changed_is_what_was_told(platform: Platform) -> None:
    report = await look(platform)
    assert report.misfits == []
    assert report.reread == platform.published
    assert report.witnessed >= len(platform.gateways)
    async with platform.connection() as opened, opened.transaction(isolation="repeatable_read", readonly=True):
        assert (await verify(opened)).fits
        rules = {row["rule"] for row in await opened.fetch(statement("alerts", "keys"))}
    assert {"cap-overrun", "unreadable"} <= rules
    assert NOISE


ONE_ALERT = "rule = 'cap-overrun'"
ONE_SOURCE = "source = (SELECT min(source) FROM receipt_numbers)"
NEWEST_RECEIPT = "publication = (SELECT max(publication) FROM outbox WHERE topic LIKE 'receipts-%')"

CHANGES: dict[str, tuple[tuple[str, ...], str]] = {
    "odd headers are other ones": (
        ("UPDATE ledger SET odd_headers = '[[\"x\", null]]' WHERE odd_headers IS NOT NULL",), "ledger.odd_headers",
    ),
    "odd headers are gone": (
        ("UPDATE ledger SET odd_headers = NULL WHERE odd_headers IS NOT NULL",), "ledger.odd_headers",
    ),
    "an empty value is none": (("UPDATE ledger SET value = NULL WHERE size = 0",), "ledger.value"),
    "a seal is another": (("UPDATE ledger SET seal = sha256('x') || sha256('y')",), "ledger.seal"),
    "a record key is another": (("UPDATE ledger SET record_key = 'x'",), "ledger.record_key"),
    "an alert is gone with all of it": (
        (f"DELETE FROM outbox WHERE key = (SELECT convert_to(alert, 'UTF8') FROM alerts WHERE {ONE_ALERT})",
         f"DELETE FROM alerts WHERE {ONE_ALERT}"),
        "alerts",
    ),
    "the outbox is empty": (("DELETE FROM outbox",), "outbox"),
    "an alert is older, and the outbox empty": (
        ("DELETE FROM outbox", "UPDATE alerts SET raised_at = raised_at - interval '1 year'"), "alerts",
    ),
    "an alert's revision is higher": (("UPDATE alerts SET revision = revision + 7",), "alerts.revision"),
    "an alert's revision is lower": (("UPDATE alerts SET revision = revision - 1",), "alerts.revision"),
    "a retracted alert is put in": (
        ((f"INSERT INTO alerts SELECT repeat('0', 32), 'seal-false', 'x/y', '2023-01-01', NULL, 'retracted', 'serious',"
         f" NULL, '{{}}', raised_at, changed_at, 1 FROM alerts WHERE {ONE_ALERT}"),),
        "alerts.revision",
    ),
    "an alert is marked published and never was": (
        (f"UPDATE alerts SET revision = revision + 1 WHERE {ONE_ALERT}",
         ("INSERT INTO outbox (topic, key, value, published_at) SELECT 'regulator-alerts', convert_to(alert, 'UTF8'),"
         f" 'x', now() FROM alerts WHERE {ONE_ALERT}")),
        "alerts.revision",
    ),
    "a handling is put in": (
        (f"INSERT INTO handlings SELECT alert, 'resolved', 'mallory', 'nothing', now() FROM alerts WHERE {ONE_ALERT}",),
        "handlings",
    ),
    "a handling is said to have been read back": (
        (("INSERT INTO handlings SELECT alert, 'resolved', 'read back from regulator-alerts', NULL, now() FROM alerts"
         f" WHERE {ONE_ALERT}"),),
        "handlings",
    ),
    "the epoch is a later one": (("UPDATE platform SET epoch = 99",), "receipt_numbers.number"),
    "receipts are numbered higher, and the outbox has only the newest": (
        (f"UPDATE receipt_numbers SET number = number + 1000 WHERE {ONE_SOURCE}",), "receipt_numbers.number",
    ),
    "receipts are numbered lower": (
        (f"UPDATE receipt_numbers SET number = 0 WHERE {ONE_SOURCE}", "DELETE FROM outbox"), "receipt_numbers.number",
    ),
    "a number of receipts is gone": (
        (f"DELETE FROM receipt_numbers WHERE {ONE_SOURCE}", "DELETE FROM outbox"), "receipt_numbers.number",
    ),
    "a receipt says something else": (
        ((
            "UPDATE outbox SET value = convert_to((convert_from(value, 'UTF8')::jsonb ||"
            f" '{{\"decided_hash\": null}}')::text, 'UTF8') WHERE {NEWEST_RECEIPT}"
        ),),
        "outbox.value",
    ),
    "the registry's history is written anew": (
        (f"UPDATE registry_revisions SET digest = {ZEROS}",), "registry_revisions.digest",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
async def test_it_is_found_when(platform: Platform, what: str) -> None:
    changes, column = CHANGES[what]
    report = await look(platform, *changes)
    assert column in report.by_column, dict(report.by_column)


async def test_a_handling_that_somebody_said_on_the_topic_fits(platform: Platform) -> None:
    alert = await platform.ask(f"SELECT alert FROM alerts WHERE {ONE_ALERT}")
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    said = AlertAcknowledged(
        type="monazite.alert-acknowledged.v1",
        alert=alert,
        handling=Handling.RESOLVED,
        by="Li",
        note=NOTE,
        handled_at=at,
    )
    await platform.publish([Outgoing(ALERTS, alert.encode(), said.model_dump_json().encode(), (), datetime.now(UTC))])
    platform.published -= 1
    insert = f"INSERT INTO handlings VALUES ('{alert}', 'resolved', 'Li', '{NOTE}', '{at}')"
    assert (await look(platform, insert)).misfits == []
    assert "handlings" in (await look(platform, insert.replace("Li", "Mallory"))).by_column
