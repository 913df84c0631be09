"""From produce to an alert in a subscriber's hand, at a steady rate, with the whole platform at work."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import arena, ours
from benchmarks.arena import Arena
from benchmarks.sizes import Sizes
from benchmarks.tables import Table, verdict
from benchmarks.waiting import Progress
from benchmarks.world import YEAR, Said, World, misstate
from monazite_contracts.identifiers import event_id
from monazite_contracts.topics import ALERTS
from monazite_producers.publisher import Outgoing, Publisher, PublisherSettings

Claim = tuple[str, str]
"""Plant and month: what an alert about a wrong claim is about."""

FIRST_YEAR = 2000
"""The earliest that the contract takes: every plant has hundreds of months before the year of the world."""

ALERT_EVERY = 10
"""One event in so many claims too much, each in another month of its plant: an alert of its own."""

WARM_UP_S = 5.0
PARTS = """
SELECT extract(epoch FROM written_at - arrived_at)::float8 * 1000 AS decided,
       extract(epoch FROM published_at - written_at)::float8 * 1000 AS told
FROM outbox WHERE topic = $1 AND arrived_at IS NOT NULL AND published_at IS NOT NULL
"""
P50_MS, P99_MS = 30.0, 150.0
RULE = "claimed-reo"


def measure(world: World, sizes: Sizes, tell: Callable[[str], None]) -> list[Table]:
    """The table of latencies."""
    events = sizes.latency_rate * sizes.latency_s
    said = list(with_wrong_claims(world.said))[:events]
    messages = list(replace(world, said=said).sealed(1))
    claims = [_wrong_claim(each) for each in said]
    tell(
        f"{len(messages):,} envelopes of one event at {sizes.latency_rate}/s, {sum(map(bool, claims)):,} alerts to come"
    )
    with arena.opened(world) as opened, ours.serving(opened) as processes:
        produced, seen = opened.runner.run(_drive(opened, list(zip(messages, claims, strict=True)), sizes.latency_rate))
        progress = Progress(processes)
        while (received := ours.received(opened)) < len(messages):
            progress.note(received)
        parts = opened.rows(PARTS, ALERTS)
        raised = opened.ask("SELECT count(*) FROM alerts WHERE rule = $1 AND period < $2", RULE, f"{YEAR}")
    assert raised == len(produced), (raised, len(produced))
    assert seen.keys() == produced.keys(), f"{len(produced) - len(seen)} alerts were not readable"
    began = min(produced.values())
    timed = sorted((seen[claim] - at) * 1_000 for claim, at in produced.items() if at >= began + WARM_UP_S)
    return [_table(timed, parts, sizes)]


def _table(timed: list[float], parts: list[Any], sizes: Sizes) -> Table:
    p50, p99 = _shares(timed)
    decided, told = (_shares(sorted(row[name] for row in parts)) for name in ("decided", "told"))
    rows = [
        ("p50", f"{p50:.1f} ms", f"at most {P50_MS:g} ms", verdict(p50, P50_MS, at_most=True)),
        ("p99", f"{p99:.1f} ms", f"at most {P99_MS:g} ms", verdict(p99, P99_MS, at_most=True)),
        ("least", f"{timed[0]:.1f} ms", "", ""),
        ("most", f"{timed[-1]:.1f} ms", "", ""),
        ("arrival to outbox, p50 and p99", f"{decided[0]:.1f} and {decided[1]:.1f} ms", "", ""),
        ("outbox to acknowledged and marked", f"{told[0]:.1f} and {told[1]:.1f} ms", "", ""),
    ]
    note = (
        f"{sizes.latency_rate} envelopes of one event a second for {sizes.latency_s} s, {', '.join(ours.SERVICES)} with"
        f" shipped settings; {len(timed):,} alerts, each of its own, spread over all of it after {WARM_UP_S:g} s of"
        f" warm-up. From the call that produces the event to the record of `{ALERTS}` in a subscriber's hand, by"
        " one clock."
    )
    return Table("Produce to alert", ("", "measured", "target", ""), rows, (note,))


def _shares(figures: list[float]) -> tuple[float, float]:
    """The 50th and the 99th of a hundred, of sorted figures."""
    p50, p99 = (figures[min(len(figures) - 1, len(figures) * share // 100)] for share in (50, 99))
    return p50, p99


def with_wrong_claims(said: Any) -> Iterator[Said]:
    """The same events; between them, now and then, a production of a month long past that claims too much."""
    waiting: Said | None = None
    months = Counter[str]()
    for number, each in enumerate(said, start=1):
        yield each
        if each.event["type"] == "monazite.production.v1":
            waiting = each
        if waiting is not None and number % (ALERT_EVERY - 1) == 0:
            yield _misstated(waiting, months[waiting.plant])
            months[waiting.plant] += 1
            waiting = None


def _misstated(said: Said, months: int) -> Said:
    event = said.event
    month = f"{FIRST_YEAR + months // 12}-{months % 12 + 1:02}"
    period = {"start": f"{month}-10T00:00:00+08:00", "end": f"{month}-10T20:00:00+08:00"}
    record = f"wrong-{event['recordid']}"
    named = {"recordid": record, "id": event_id(said.plant, event["sourcesystem"], record)}
    data = event["data"] | {"lot": f"{event['data']['lot']}W", "period": period}
    misstate(data)
    return replace(said, event=event | named | {"data": data})


def _wrong_claim(said: Said) -> Claim | None:
    if not said.event["recordid"].startswith("wrong-"):
        return None
    return said.plant, said.event["data"]["period"]["end"][:7]


async def _drive(
    opened: Arena, messages: list[tuple[Outgoing, Claim | None]], rate: int
) -> tuple[dict[Claim, float], dict[Claim, float]]:
    """When each alert's event was produced, and when the alert was read."""
    consumer = AIOKafkaConsumer(bootstrap_servers=opened.kafka, enable_auto_commit=False)
    produced: dict[Claim, float] = {}
    seen: dict[Claim, float] = {}
    await consumer.start()
    try:
        consumer.assign([TopicPartition(ALERTS, 0)])
        await consumer.seek_to_end()
        reading = asyncio.create_task(_read(consumer, seen))
        async with Publisher(PublisherSettings(opened.kafka, "benchmark")) as publisher:
            await _produce(publisher, messages, rate, produced)
        await _until_seen(seen, produced)
        reading.cancel()
    finally:
        await consumer.stop()
    return produced, seen


async def _produce(
    publisher: Publisher, messages: list[tuple[Outgoing, Claim | None]], rate: int, produced: dict[Claim, float]
) -> None:
    began, sending = monotonic(), []
    for number, (message, claim) in enumerate(messages):
        await asyncio.sleep(max(0.0, began + number / rate - monotonic()))
        if claim is not None:
            produced[claim] = monotonic()
        sending.append(asyncio.create_task(publisher.publish([message])))
    await asyncio.gather(*sending)


async def _read(consumer: AIOKafkaConsumer, seen: dict[Claim, float]) -> None:
    async for record in consumer:
        at, alert = monotonic(), orjson.loads(record.value)
        if alert["rule"] == RULE and int(alert["period"][:4]) < YEAR:
            seen.setdefault((alert["subject"]["code"], alert["period"]), at)


async def _until_seen(seen: dict[Claim, float], produced: dict[Claim, float], limit_s: float = 30.0) -> None:
    """Waits a while for the last alerts; who is missing then is said by the caller."""
    deadline = monotonic() + limit_s
    while len(seen) < len(produced) and monotonic() < deadline:  # noqa: ASYNC110 - a reader fills it meanwhile
        await asyncio.sleep(0.05)
