"""Decides the whole ledger again into shadow tables; compares, or keeps what came out and publishes the differences."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monazite_consumers.database import WORLD_IS_BAD, Connection
from monazite_consumers.decisions import answers
from monazite_consumers.decisions.alerting import publish
from monazite_consumers.decisions.changes import Changes
from monazite_consumers.decisions.deciding import Numbered, Platform, decide_numbered, read_platform
from monazite_consumers.decisions.flagging import QUIET, answer
from monazite_consumers.decisions.holders import all_caps
from monazite_consumers.decisions.logs import log_alerts
from monazite_consumers.decisions.observing import judge_caps, observe
from monazite_consumers.decisions.portions import catch_up
from monazite_consumers.decisions.posting import transposed
from monazite_consumers.decisions.reading import read_row
from monazite_consumers.delivery import put
from monazite_consumers.rules.alerts import AlertKey
from monazite_consumers.rules.caps import Cap
from monazite_consumers.rules.catalogue import RULES
from monazite_consumers.rules.envelopes import Arrival
from monazite_consumers.rules.registry import Registry
from monazite_consumers.sql import statement

log = logging.getLogger(__name__)

CHUNK = 200
DIFFERENCES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that only one side has: `live` is what was maintained, `rebuilt` what the ledger says."""

    projection: str
    side: str
    row: Any


async def rebuild(connection: Connection, registry: Registry, *, keep: bool) -> list[Difference]:
    """Rebuilds within the caller's transaction, under the exclusive registry lock; returns the differences.

    With `keep` the rebuilt projections come into use, alerts change by publishing, and what people did stays.
    """
    platform = await read_platform(connection)
    await catch_up(connection, registry, platform)
    await decide_in_shadow(connection, registry, platform, until=None)
    rows = await connection.fetch(statement("rebuild", "differences"), DIFFERENCES_MAX)
    keys = await connection.fetch(statement("rebuild", "alert_keys"))
    unparked = await connection.fetch(statement("rebuild", "unparked"), QUIET) if keep else []
    if keep:
        await connection.execute(statement("rebuild", "keep"))
    await connection.execute(statement("rebuild", "close"))
    if keep:
        await judge_again(connection, registry, platform, [AlertKey(*key) for key in keys])
        changes = Changes(at=platform.judged_at)
        answers.note_again(unparked, changes)
        await answer(connection, registry, platform, changes)
        await connection.execute(statement("flagged", "doubt"))
    return [Difference(row["projection"], row["side"], row["row"]) for row in rows]


Upto = tuple[str, int, int, int]
"""Topic, partition, log generation, and the first offset that plays no part."""


async def decide_in_shadow(
    connection: Connection, registry: Registry, platform: Platform, until: Sequence[Upto] | None
) -> None:
    """Opens the shadows, and decides, follows and judges the ledger in them: all of it, or what lies below offsets."""
    await connection.execute(statement("rebuild", "open"))
    async for chunk in _chunks(connection, until):
        await _decide_chunk(connection, registry, platform, chunk)
    await _judge_all(connection, registry, platform)
    await catch_up(connection, registry, platform)


async def _chunks(connection: Connection, until: Sequence[Upto] | None) -> Any:
    chunk = {}
    text = statement("ledger", "in_order") if until is None else statement("ledger", "until")
    asked = () if until is None else transposed(until, 4)
    async for row in connection.cursor(text, *asked, prefetch=CHUNK):
        chunk[row["message"]] = read_row(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = {}
    if chunk:
        yield chunk


async def _decide_chunk(
    connection: Connection, registry: Registry, platform: Platform, chunk: Mapping[int, Arrival]
) -> None:
    """As intake does: what makes our own code raise is halved until one message is left, and that one is parked."""
    try:
        async with connection.transaction():
            await decide_numbered(connection, registry, platform, Numbered(chunk, is_bounded=False))
    except WORLD_IS_BAD:
        raise
    except Exception:
        messages = list(chunk)
        if len(messages) == 1 and chunk[messages[0]].is_parked:
            raise
        if len(messages) == 1:
            log.exception("platform fault at message %s: parked", *messages)
            parked = {message: arrival._replace(is_parked=True) for message, arrival in chunk.items()}
            await _decide_chunk(connection, registry, platform, parked)
            return
        for half in (messages[: len(messages) // 2], messages[len(messages) // 2 :]):
            await _decide_chunk(connection, registry, platform, {message: chunk[message] for message in half})


async def _judge_all(connection: Connection, registry: Registry, platform: Platform) -> None:
    caps = await all_caps(connection, registry)
    observed = await judge_caps(connection, registry, caps, platform.judged_at)
    observed |= await observe(connection, registry, await log_alerts(connection), platform.judged_at)
    await publish(connection, observed, platform.judged_at, platform.epoch, simulated=registry.simulated)


async def judge_again(connection: Connection, registry: Registry, platform: Platform, keys: list[AlertKey]) -> None:
    """Holds these alerts and every cap against today's facts, and publishes what has changed."""
    # A cap that nothing draws on any more has no row after the rebuild, but an alert about it must go too.
    caps = await all_caps(connection, registry)
    caps |= {Cap.named(key.subject, key.period) for key in keys if RULES[key.rule].subject == "cap"}
    observed = await judge_caps(connection, registry, caps, platform.judged_at)
    others = [key for key in keys if RULES[key.rule].subject != "cap"]
    observed |= await observe(connection, registry, others, platform.judged_at)
    messages = await publish(connection, observed, platform.judged_at, platform.epoch, simulated=registry.simulated)
    await put(connection, messages)
