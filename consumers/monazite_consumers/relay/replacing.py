"""Notices topics that were deleted and made again, and tells their readers everything anew."""

import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from monazite_consumers import metrics, register
from monazite_consumers.database import REGISTRY_LOCK, Connection
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.snapshot import tell_everything
from monazite_consumers.locks import while_held
from monazite_consumers.relay import restoring, revisions
from monazite_consumers.settings import KafkaSettings
from monazite_consumers.sql import statement
from monazite_consumers.stamps import topic_ids
from monazite_consumers.topics import row_of
from monazite_contracts.control import RelayControl
from monazite_contracts.topics import RELAY_CONTROL, REPORTS

log = logging.getLogger(__name__)


def written_to(topics: Iterable[str]) -> list[str]:
    """Those that the relay writes to."""
    return [topic for topic in topics if row_of(topic).written_by == "relay"]


async def look(connection: Connection, client: Any, topics: Iterable[str]) -> dict[str, bytes]:
    """The ids of those that the relay writes to, as far as the broker has them."""
    return await while_held(connection, topic_ids(client, written_to(topics)))


async def settle(connection: Connection, kafka: KafkaSettings, ids: Mapping[str, bytes]) -> None:
    """Remembers topics that are new, and tells those that are not what they were everything anew.

    Whoever has seen a revision ignores it; whoever reads the new topic finds the latest state of each alert in it.
    """
    known = {row["topic"]: row["topic_id"] for row in await connection.fetch(statement("told_topics", "all"))}
    replaced = sorted(topic for topic, found in ids.items() if known.get(topic, found) != found)
    for topic in replaced:
        metrics.TOPICS_REPLACED.labels(topic).inc()
        log.error("%s was deleted and made again: what it held is told anew", topic)
    if RELAY_CONTROL in replaced:
        await _doubt(connection, kafka)
    if replaced or ids.keys() - known.keys():
        async with connection.transaction():
            if replaced:
                await _tell_again(connection, replaced)
            await connection.execute(statement("told_topics", "put"), list(ids), list(ids.values()))


async def _tell_again(connection: Connection, topics: Collection[str]) -> None:
    await connection.execute(statement("registry", "exclude_decisions"), REGISTRY_LOCK)
    registry, platform = await register.load(connection), await read_platform(connection)
    await tell_everything(connection, registry, platform, topics)
    if REPORTS in topics:
        await revisions.announce(connection)


async def _doubt(connection: Connection, kafka: KafkaSettings) -> None:
    """Without the record by which a restored database is noticed, this one may be one: a new epoch begins.

    Which registry was the last one is not known either; it is not waited for.
    """
    platform = await read_platform(connection)
    nothing = RelayControl(
        type="monazite.relay-control.v1", epoch=platform.epoch, publication=1, registry_digest=None,
        written_at=datetime.now(UTC),
    )  # fmt: skip
    await restoring.begin_epoch(connection, kafka, nothing)
