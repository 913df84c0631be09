"""From a plant's envelope to a regulator's alert, through every service, on the real clock."""

import json
from typing import Any

import pytest
import pytest_asyncio
from running_platform import HOLDER, PLANTS, PROVINCE, REO_G, Platform, a_registry, until

from monazite import stack
from monazite_consumers.topics import ensure
from monazite_contracts.alerts import Alert
from monazite_contracts.deadletters import DeadLetter
from monazite_contracts.envelope import record_key
from monazite_contracts.receipts import Receipt, ReceiptEntry
from monazite_contracts.topics import ALERTS, DEAD_LETTERS, province_topic, receipts_topic
from monazite_producers.publisher import Outgoing

MINE, OTHER = PLANTS[0], PLANTS[1]
CAP_T = 100
"""Nine productions stay within it, the tenth is over 100 t."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    """Ten productions at one mine: 110.4 t on a cap of 100 t."""
    made = Platform(running)
    await made.apply(a_registry(tonnes_reo=CAP_T))
    await made.publish([made.gateways[MINE].produce(9), made.gateways[MINE].produce(1)])
    await made.decided()
    await made.told()
    return made


async def test_an_envelope_is_kept_as_it_was_sent(platform: Platform) -> None:
    sent = platform.gateways[MINE]
    async with platform.connection() as opened:
        rows = await opened.fetch(
            "SELECT l.*, e.outcome, e.sequence FROM ledger l JOIN envelopes e USING (message) "
            "WHERE l.record_key = $1 ORDER BY e.sequence", record_key(MINE, "gw-1"),
        )  # fmt: skip
    assert [(row["sequence"], row["outcome"]) for row in rows] == [(1, "applied"), (2, "applied")]
    assert rows[1]["hash"].hex() == sent.chain.last.hash  # type: ignore[union-attr]
    assert b'"sequence":2' in rows[1]["value"]
    assert rows[0]["arrived_at"].year > 2023, "the broker's clock, not the plant's"


async def test_the_cap_is_drawn_to_the_gram(platform: Platform) -> None:
    assert await platform.drawn_g() == 10 * REO_G


async def test_the_overrun_reaches_the_nation_and_stays_away_from_provinces(platform: Platform) -> None:
    alerts = [Alert.model_validate_json(record.value) for record in await platform.read(ALERTS)]
    overruns = [alert for alert in alerts if alert.rule == "cap-overrun"]
    assert [(a.condition, a.subject.code.partition("/")[0], a.percent) for a in overruns] == [("raised", HOLDER, 110)]
    local = [Alert.model_validate_json(record.value) for record in await platform.read(province_topic(PROVINCE))]
    assert not [alert for alert in local if alert.rule.startswith("cap-")]


async def test_an_alert_about_a_plant_reaches_its_province_too(platform: Platform) -> None:
    alerts = {Alert.model_validate_json(record.value).id for record in await platform.read(ALERTS)}
    records = await platform.read(province_topic(PROVINCE))
    local = [Alert.model_validate_json(record.value) for record in records]
    assert {(alert.rule, alert.subject.province) for alert in local} >= {("event-long-past", PROVINCE)}
    assert {alert.id for alert in local} <= alerts
    assert all(record.key == alert.id.encode() for record, alert in zip(records, local, strict=True))


async def test_the_plant_reads_its_receipt(platform: Platform) -> None:
    receipts = [Receipt.model_validate_json(r.value) for r in await platform.read(receipts_topic(MINE))]
    newest = max(receipts, key=lambda receipt: (receipt.epoch, receipt.number))
    assert newest.source == platform.gateways[MINE].source
    assert newest.decided_through == 2
    assert newest.decided_hash == platform.gateways[MINE].chain.last.hash  # type: ignore[union-attr]


async def test_every_service_tells_its_metrics(platform: Platform) -> None:
    intake = await platform.metrics("intake")
    assert intake("monazite_messages_received_total", topic="plant-production") >= 2
    assert intake("monazite_messages_decided_total", outcome="applied") >= 2
    assert intake("monazite_events_decided_total", outcome="applied") >= 10
    assert intake("monazite_batch_seconds_count") >= 1
    assert intake("monazite_arrival_to_decided_seconds_count") >= 1
    assert intake("monazite_healthy") == 1
    relay = await platform.metrics("relay")
    assert relay("monazite_messages_published_total", kind="alerts") >= 2
    assert relay("monazite_messages_published_total", kind="receipt") >= 1
    assert relay("monazite_active", service="relay") == 1
    assert relay("monazite_outbox_messages") == 0


async def test_watch_measures_what_the_database_knows_and_no_tonnes(platform: Platform) -> None:
    async def measured() -> bool:
        found = await platform.metrics("watch")
        return found("monazite_cap_drawn_ratio", holder=HOLDER) > 1

    await until("watch has measured the caps", measured)
    watch = await platform.metrics("watch")
    assert watch("monazite_cap_drawn_ratio", holder=HOLDER, year="2023") == pytest.approx(1.104)
    assert watch("monazite_alerts", rule="cap-overrun", condition="raised") == 1
    assert watch("monazite_unreconciled_messages") == 0
    assert watch("monazite_watch_passes_total") > 0
    ours = [s for s in watch.samples if s.name.startswith("monazite_") and "seconds" not in s.name]
    assert max(s.value for s in ours if not s.name.endswith("_created")) < REO_G


@pytest.mark.parametrize("service", stack.SERVICES)
async def test_every_service_says_that_it_is_well(platform: Platform, service: str) -> None:
    health = await platform.health(service)
    assert health["healthy"]
    assert all(check["healthy"] for check in health["checks"].values())


async def test_real_plant_topics_are_stamped_by_the_broker(platform: Platform) -> None:
    records = await platform.read("plant-production")
    assert {record.timestamp_type for record in records} == {1}, "1 is LogAppendTime"


def _malformed(platform: Platform) -> dict[str, Outgoing]:
    """Messages as no gateway of ours would send them, by what is wrong."""
    gateway = platform.gateways[OTHER]
    good = gateway.send(b"")

    def bad(value: bytes | None, headers: Any = good.headers, key: bytes = good.key) -> Outgoing:
        return Outgoing(good.topic, key, value, tuple(headers), good.at)

    sealed = gateway.produce()
    seal = dict(sealed.headers)["seal"]
    twice = [*sealed.headers, ("seal", seal)]
    return {
        "a binary header": bad(b'{"a":1}', [("key", b"\xff\xfe\x00"), ("seal", b"\x80")]),
        "a null header": bad(b'{"a":2}', [("key", None), ("seal", None)]),
        "a tombstone": bad(None, []),
        "no JSON": bad(b"\x00\x01 not json"),
        "600 KB of noise": bad(bytes(range(256)) * 2_400),
        "under another's record key": bad(sealed.value, sealed.headers, record_key(MINE, "gw-1")),
        "its seal twice": bad(sealed.value, twice),
        "a false seal": bad(sealed.value, gateway.send(b"something else").headers),
        "no headers": bad(sealed.value, []),
    }


async def test_good_messages_beside_malformed_ones_are_applied(platform: Platform) -> None:
    gateway = platform.gateways[OTHER]
    bad = _malformed(platform)
    gateway.__init__(OTHER, "1" * 32)  # type: ignore[misc] # what it formed above was never rightly sent
    good = [gateway.produce(2) for _ in range(len(bad) + 1)]
    mixed = [message for pair in zip(good, bad.values(), strict=False) for message in pair] + good[len(bad) :]
    before = await platform.drawn_g()
    await platform.publish(mixed)
    await platform.decided()
    assert await platform.drawn_g() - before == 2 * len(good) * REO_G
    async with platform.connection() as opened:
        for what, message in bad.items():
            rows = await opened.fetch(
                "SELECT l.value, l.record_key, l.odd_headers, e.outcome, e.rule FROM ledger l "
                "JOIN envelopes e USING (message) WHERE value IS NOT DISTINCT FROM $1 AND record_key = $2 "
                "AND topic = $3 ORDER BY l.message", message.value, message.key, message.topic,
            )  # fmt: skip
            assert rows, what
            assert {row["outcome"] for row in rows} == {"refused"}, (what, [dict(row) for row in rows])
            assert all(row["rule"] for row in rows), what
        unnamed = await opened.fetch(
            "SELECT topic, partition, log_offset, l.hash FROM ledger l JOIN envelopes e USING (message) "
            "WHERE e.outcome = 'refused' AND e.rule <> 'misplaced'"
        )
    await platform.told()
    letters = [DeadLetter.model_validate_json(record.value) for record in await platform.read(DEAD_LETTERS)]
    assert {(d.topic, d.partition, d.offset, d.hash) for d in letters} == {
        (row["topic"], row["partition"], row["log_offset"], row["hash"].hex()) for row in unnamed
    }
    assert len(unnamed) == len(bad) - 1, "who sealed rightly and only misplaced a message is answered by a receipt"
    assert "misplaced" in {entry.rule for entry in await _receipt_entries(platform, OTHER)}
    account = await platform.proven()
    assert account.total("refused") == len(bad)


async def _receipt_entries(platform: Platform, plant: str) -> list[ReceiptEntry]:
    receipts = [Receipt.model_validate_json(r.value) for r in await platform.read(receipts_topic(plant))]
    return [entry for receipt in receipts for entry in receipt.entries]


async def test_odd_headers_are_kept_with_their_message(platform: Platform) -> None:
    async with platform.connection() as opened:
        odd = await opened.fetchval("SELECT odd_headers FROM ledger WHERE value = $1", b'{"a":1}')
    assert json.dumps(odd) == '[["key", "__4A"], ["seal", "gA"]]'


async def test_a_stack_whose_topics_exist_creates_none(platform: Platform) -> None:
    from monazite_consumers import register
    from monazite_consumers.settings import KafkaSettings

    async with platform.connection() as opened:
        registry = await register.load(opened)
    kafka = KafkaSettings(bootstrap=platform.stack.addresses.kafka)
    assert await ensure(kafka, registry, driven=False) == []
