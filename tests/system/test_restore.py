"""A database restored from a backup while the services run: held until its registry is back, then all is the same."""

import asyncio
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio
from running_platform import INTAKE_QUICKLY, PLANTS, Gateway, Platform, a_registry, until

from monazite import stack
from monazite.embedded.servers import Server
from monazite_consumers.errors import NotYetError
from monazite_consumers.reports.closing import close
from monazite_consumers.sql import statement
from monazite_contracts.alerts import Alert, AlertAcknowledged, Handling, ReportReady
from monazite_contracts.control import RelayControl
from monazite_contracts.receipts import Receipt
from monazite_contracts.topics import ALERTS, RELAY_CONTROL, REPORTS, receipts_topic

BEFORE, AFTER = a_registry(tonnes_reo=2), a_registry(tonnes_reo=3)

SETTINGS = INTAKE_QUICKLY


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def platform(running: stack.Stack) -> Platform:
    made = Platform(running)
    await made.apply(BEFORE)
    await work(made, "first")
    return made


WORK = ("first", "second", "third")


async def work(platform: Platform, name: str) -> None:
    """Envelopes of every plant, and a gap of a gateway that had none yet, which is an alert."""
    gapped = Gateway(PLANTS[WORK.index(name)], name.encode().hex().ljust(32, "0"))
    gapped.produce()  # never sent
    await platform.publish([gapped.produce(), *platform.work(envelopes=2, events=3)])
    await platform.decided()
    await until("the gap is alerted", lambda: is_alerted(platform, gapped))
    await platform.told()


async def is_alerted(platform: Platform, gateway: Gateway) -> bool:
    return bool(
        await platform.ask(
            "SELECT count(*) > 0 FROM alerts WHERE rule = 'envelope-gap' AND condition = 'raised' AND subject = $1",
            f"{gateway.plant}/gw-1",
        )
    )


def swap(server: Server, source: Path, target: Path) -> None:
    """Stops the database, puts a copy of one folder in the place of another, and starts it again; services stay."""
    server.stop()
    owner = (source if source.exists() else target).stat()
    if target.exists():
        owner = target.stat()
        shutil.rmtree(target)
    shutil.copytree(source, target, symlinks=True)
    for path in (target, *target.rglob("*")):
        shutil.chown(path, owner.st_uid, owner.st_gid)
    server.start()


async def acknowledge(platform: Platform, by: str) -> str:
    """As a person does: the table, and the message that tells it."""
    alert = await platform.ask("SELECT alert FROM alerts WHERE rule = 'envelope-gap' ORDER BY raised_at LIMIT 1")
    at = datetime.now(UTC)
    said = AlertAcknowledged(
        type="monazite.alert-acknowledged.v1", alert=alert, handling=Handling.ACKNOWLEDGED, by=by, handled_at=at
    )
    async with platform.connection() as opened, opened.transaction():
        await opened.execute("INSERT INTO handlings VALUES ($1, 'acknowledged', $2, NULL, $3)", alert, by, at)
        await opened.execute(
            "INSERT INTO outbox (topic, key, value) VALUES ($1, $2, $3)",
            ALERTS, alert.encode(), said.model_dump_json().encode(),
        )  # fmt: skip
    return str(alert)


# A month of long ago is closed as soon as anybody speaks of it, and anew after a restore: what came after its report,
# only the run itself can say.
STATE = {
    "caps": "SELECT * FROM caps",
    "lots": "SELECT lot, plant, net_g, reo_g, made_at FROM lots",
    "positions": "SELECT topic, partition, log_generation, next_offset, received FROM intake_positions",
    "ledger": "SELECT topic, partition, log_offset, arrived_at, hash FROM ledger",
    "events": "SELECT event_id, outcome, effective FROM events",
    "alerts": "SELECT alert, severity, percent, evidence FROM alerts"
    " WHERE condition = 'raised' AND rule <> 'amendment-after-report'",
    "decided": "SELECT plant, incarnation, decided::text FROM source_states JOIN sources USING (source)",
    "handlings": "SELECT * FROM handlings",
}


async def state(platform: Platform) -> dict[str, list[str]]:
    async with platform.connection() as opened:
        return {name: sorted(repr(row) for row in await opened.fetch(query)) for name, query in STATE.items()}


async def heard(platform: Platform) -> tuple[dict[str, Alert], dict[str, Receipt]]:
    """What a subscriber and the gateways end with: the newest of each alert, the greatest of each source."""
    alerts: dict[str, Alert] = {}
    for record in await platform.read(ALERTS):
        if b"alert-acknowledged" in record.value:
            continue
        alert = Alert.model_validate_json(record.value)
        if alert.rule == "amendment-after-report":
            continue
        seen = alerts.get(alert.id)
        if seen is None or (alert.epoch, alert.revision) > (seen.epoch, seen.revision):
            alerts[alert.id] = alert
    receipts: dict[str, Receipt] = {}
    for plant in PLANTS:
        for record in await platform.read(receipts_topic(plant)):
            receipt = Receipt.model_validate_json(record.value)
            best = receipts.get(receipt.source.incarnation + plant)
            if best is None or (receipt.epoch, receipt.number) > (best.epoch, best.number):
                receipts[receipt.source.incarnation + plant] = receipt
    return alerts, receipts


async def knows_what_the_database_knows(platform: Platform, epoch: int) -> None:
    alerts, receipts = await heard(platform)
    async with platform.connection() as opened:
        rows = await opened.fetch(
            "SELECT alert, revision, condition, coalesce(handling, 'new') AS handling"
            " FROM alerts LEFT JOIN handlings USING (alert) WHERE rule <> 'amendment-after-report'"
        )
        decided = await opened.fetch(
            "SELECT incarnation || plant AS source, coalesce(upper(range_merge(decided)) - 1, 0) AS last"
            " FROM source_states JOIN sources USING (source)"
        )
    told = {alert.id: (alert.epoch, alert.revision, alert.condition, alert.handling) for alert in alerts.values()}
    assert told == {row["alert"]: (epoch, row["revision"], row["condition"], row["handling"]) for row in rows}
    answered = {
        source: (receipt.epoch, max([receipt.decided_through, *(r.last for r in receipt.decided_beyond)]))
        for source, receipt in receipts.items()
    }
    assert answered == {row["source"]: (epoch, row["last"]) for row in decided}


async def is_held(platform: Platform, service: str, check: str) -> bool:
    return "restored from a backup" in (await platform.health(service))["checks"][check]["detail"]


async def control(platform: Platform) -> RelayControl:
    return RelayControl.model_validate_json((await platform.read(RELAY_CONTROL))[-1].value)


async def test_a_restored_database_is_held_until_its_registry_is_back_and_ends_the_same(
    platform: Platform, tmp_path: Path
) -> None:
    server, data = platform.stack.servers.postgres, platform.stack.servers.folder.postgres
    await asyncio.to_thread(swap, server, data, tmp_path / "backup")
    await platform.apply(AFTER)
    alert = await acknowledge(platform, "Li")
    await work(platform, "second")
    await close_may(platform)
    await an_outage_is_recorded(platform)
    lost, known = await state(platform), await control(platform)
    assert (known.epoch, known.registry_digest) == (1, (await digest(platform)).hex())

    await asyncio.to_thread(swap, server, tmp_path / "backup", data)
    await until("the relay is held", lambda: is_held(platform, "relay", "relay"))
    await platform.publish(platform.work(envelopes=1, events=1))
    await until("intake is held", lambda: is_held(platform, "intake", "database"))
    await until("watch is held", lambda: is_held(platform, "watch", "watch"))
    held = await state(platform)
    assert held["caps"] != lost["caps"]
    assert [row for row in held["handlings"] if alert in row], "what people did is back at once"
    assert await control(platform) == known, "nothing is published"
    await platform.apply(a_registry(tonnes_reo=7))
    assert (await control(platform), await is_held(platform, "relay", "relay")) == (known, True), "not by any registry"

    await platform.apply(AFTER)
    await platform.decided()
    await platform.told()
    await until("all is green", lambda: all_green(platform))
    await platform.proven()
    await knows_what_the_database_knows(platform, epoch=2)
    assert (await state(platform))["handlings"] == lost["handlings"]
    assert [event for event in lost["events"] if event not in (await state(platform))["events"]] == []
    await close_may(platform)
    assert await revisions_of_the_nation(platform) == [1, 2], "no number was given to two contents"
    assert await platform.ask("SELECT outages_told FROM platform") == 1


async def close_may(platform: Platform) -> None:
    """By command, once custody is through."""

    async def is_closed() -> bool:
        async with platform.connection() as opened:
            with suppress(NotYetError):
                return await close(opened, "2023-05") > 0
        return False

    await until("May is closed", is_closed)
    await platform.told()


async def an_outage_is_recorded(platform: Platform) -> None:
    """And the relay's own record says so."""
    since = datetime(2023, 5, 1, tzinfo=UTC)
    async with platform.connection() as opened:
        await opened.fetchval(statement("outages", "add"), since, since + timedelta(hours=1), "down")

    async def is_told() -> bool:
        return (await control(platform)).outage_revision == 1

    await until("the outage is told", is_told)


async def revisions_of_the_nation(platform: Platform) -> list[int]:
    announced = [ReportReady.model_validate_json(record.value) for record in await platform.read(REPORTS)]
    hashes = {(ready.level, ready.subject, ready.revision): ready.hash for ready in announced}
    assert all(hashes[ready.level, ready.subject, ready.revision] == ready.hash for ready in announced)
    return sorted(ready.revision for ready in announced if ready.level == "nation")


async def digest(platform: Platform) -> bytes:
    return bytes(await platform.ask("SELECT digest FROM registry_revisions ORDER BY revision DESC LIMIT 1"))


async def all_green(platform: Platform) -> bool:
    return all([await platform.healthy(service) for service in stack.SERVICES])


async def test_a_restored_database_whose_registry_is_the_last_goes_on_by_itself_and_ends_the_same(
    platform: Platform, tmp_path: Path
) -> None:
    server, data = platform.stack.servers.postgres, platform.stack.servers.folder.postgres
    await asyncio.to_thread(swap, server, data, tmp_path / "backup")
    await work(platform, "third")
    lost = await state(platform)
    for epoch in (3, 4):  # twice the same backup: what it gives out again was published in an epoch that is over
        await asyncio.to_thread(swap, server, tmp_path / "backup", data)
        await until("a new epoch has begun", lambda: is_epoch(platform, epoch))  # noqa: B023 - waited for right here
        await platform.decided()
        await until("all is green", lambda: all_green(platform))
        await until("the gap is alerted", lambda: same_alerts(platform, lost))
        await platform.told()
        assert await state(platform) == lost
        await platform.proven()
        await knows_what_the_database_knows(platform, epoch)


async def is_epoch(platform: Platform, epoch: int) -> bool:
    return bool(await platform.ask("SELECT epoch = $1 AND awaited_digest IS NULL FROM platform", epoch))


async def same_alerts(platform: Platform, lost: dict[str, list[str]]) -> bool:
    return (await state(platform))["alerts"] == lost["alerts"]
