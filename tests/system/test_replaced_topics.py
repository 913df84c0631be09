"""Somebody deletes a topic of the relay while everything runs: its readers are told everything anew."""

import asyncio

import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError
from running_platform import DECIDING_AND_TELLING, INTAKE_QUICKLY, PLANTS, PROVINCE, Platform, a_registry, until

from monazite import stack
from monazite_contracts.alerts import Alert
from monazite_contracts.control import RelayControl
from monazite_contracts.receipts import Receipt
from monazite_contracts.topics import ALERTS, RELAY_CONTROL, province_topic, receipts_topic

RECEIPTS = receipts_topic(PLANTS[0])
SETTINGS = INTAKE_QUICKLY
SERVICES = DECIDING_AND_TELLING


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    made = Platform(running)
    await made.apply(a_registry(tonnes_reo=1))
    await made.publish(made.work(envelopes=2))
    await made.decided()
    await made.told()
    return made


async def delete(platform: Platform, *topics: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.stack.addresses.kafka)
    await admin.start()
    try:
        await admin.delete_topics(list(topics))
    finally:
        await admin.close()


async def alerts(platform: Platform, topic: str) -> dict[str, tuple[int, int]]:
    """The latest state of each alert on a topic."""
    try:
        said = [Alert.model_validate_json(record.value) for record in await platform.read(topic)]
    except UnknownTopicOrPartitionError:
        return {}
    return {alert.id: (alert.epoch, alert.revision) for alert in said}


async def stored(platform: Platform) -> dict[str, tuple[int, int]]:
    async with platform.connection() as opened:
        rows = await opened.fetch("SELECT alert, epoch, revision FROM alerts, platform")
    return {row["alert"]: (row["epoch"], row["revision"]) for row in rows}


async def retold(platform: Platform, topic: str) -> bool:
    return await alerts(platform, topic) == await stored(platform)


async def publications(platform: Platform) -> int:
    return int(await platform.ask("SELECT max(publication) FROM outbox"))


async def test_whoever_reads_the_new_topic_of_alerts_finds_the_state_of_each(platform: Platform) -> None:
    before = await alerts(platform, ALERTS)
    assert before == await stored(platform) != {}
    last = await publications(platform)
    await delete(platform, ALERTS)
    await until("the new topic holds every alert", lambda: retold(platform, ALERTS), 60)
    assert await alerts(platform, ALERTS) == before, "no revision that a reader of the old one has not seen"
    assert await publications(platform) == last + len(before), "nobody else is told anything"
    assert (await platform.metrics("relay"))("monazite_topics_replaced_total", topic=ALERTS) == 1
    await until("the relay is healthy", lambda: platform.healthy("relay"))


async def test_what_was_deleted_while_no_relay_ran_is_told_anew_by_the_next(platform: Platform) -> None:
    relay, provincial = platform.stack.services["relay"].child, province_topic(PROVINCE)
    relay.kill()
    await delete(platform, provincial, RECEIPTS)
    await asyncio.to_thread(relay.start)
    of_plants = {
        alert: at for alert, at in (await stored(platform)).items() if await platform.ask(IS_OF_PROVINCE, alert)
    }

    async def is_told() -> bool:
        return await alerts(platform, provincial) == of_plants

    await until("the province has its alerts", is_told, 60)
    await platform.told()
    receipts = [Receipt.model_validate_json(record.value) for record in await platform.read(RECEIPTS)]
    assert [receipt.decided_through for receipt in receipts] == [2]


IS_OF_PROVINCE = "SELECT province IS NOT NULL FROM alerts WHERE alert = $1"


async def test_a_relay_that_starts_over_topics_that_are_what_they_were_tells_nothing_anew(platform: Platform) -> None:
    relay, last = platform.stack.services["relay"].child, await publications(platform)
    relay.kill()
    await asyncio.to_thread(relay.start)
    await platform.publish(platform.work(envelopes=1, events=1)[:1])
    await platform.decided()
    await platform.told()
    values = await platform.ask("SELECT array_agg(topic) FROM outbox WHERE publication > $1", last)
    assert values.count(receipts_topic(PLANTS[1])) == 0


async def test_without_its_control_record_the_relay_begins_an_epoch(platform: Platform) -> None:
    """A database that was restored meanwhile could not be told from one that was not."""
    epoch = await platform.ask("SELECT epoch FROM platform")
    await delete(platform, RELAY_CONTROL)

    async def has_begun() -> bool:
        return bool(await platform.ask("SELECT epoch = $1 AND awaited_digest IS NULL FROM platform", epoch + 1))

    await until("an epoch has begun", has_begun, 60)
    await until("everything is told under it", lambda: retold(platform, ALERTS), 60)
    await platform.told()
    (*_, record) = await platform.read(RELAY_CONTROL)
    assert RelayControl.model_validate_json(record.value).epoch == epoch + 1
    await platform.publish(platform.work(envelopes=1, events=1))
    await platform.decided()
