"""A regulator's desk without Kafka: messages at coordinates of our choosing, through the transaction that ships."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import orjson
import pytest
from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker

from monazite.embedded import servers
from monazite_consumers import clock, database
from monazite_consumers.custody.following import Custody
from monazite_consumers.decisions.deciding import Decision
from monazite_consumers.decisions.rebuilding import Difference, rebuild
from monazite_consumers.decisions.redeciding import registry_changed
from monazite_consumers.errors import FaultError
from monazite_consumers.health import Health
from monazite_consumers.intake.batches import Batch, fetched, read_record
from monazite_consumers.intake.consuming import Intake
from monazite_consumers.intake.positions import Advance
from monazite_consumers.reconciling import Account, reconcile
from monazite_consumers.register import load
from monazite_consumers.registry.applying import apply, plan
from monazite_consumers.rules.entries import Allocation, Approval, Enterprise, GatewayKey, Operation, Plant
from monazite_consumers.rules.facts import Entry
from monazite_consumers.rules.positions import Position
from monazite_consumers.rules.registry import Registry
from monazite_consumers.settings import IntakeSettings
from monazite_consumers.sql import statement
from monazite_consumers.verifying import Misfit, Report, verify
from monazite_consumers.watch.judging import Watch
from monazite_contracts.builders import (
    MINE,
    a_production,
    a_signing_key,
    a_source,
    an_envelope,
    an_oxide_assay,
    source_of,
)
from monazite_contracts.catalogue import CapKind
from monazite_contracts.deadletters import DeadLetter
from monazite_contracts.envelope import Source, record_key, value_hash
from monazite_contracts.partitioner import partition_of
from monazite_contracts.receipts import Receipt
from monazite_contracts.seal import encode_base64url, seal_headers
from monazite_contracts.topics import DEAD_LETTERS, PLANT_TOPICS, TOPICS

PASSES_MAX = 4
"""What was sought before is found first, then what has been followed since."""

Json = dict[str, Any]
Declared = tuple[str, Entry]

OPENED_AT = datetime(2023, 5, 1, tzinfo=UTC)
"""When the desk opens: its clock is driven, and nothing was judged before."""

ARRIVED_AT = datetime(2023, 5, 5, 1, tzinfo=UTC)
"""An hour after the builders' day of production ended in Asia/Shanghai, and some."""

PROVINCE = "inner-mongolia"
HOLDER = "shihe"
PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka record, as intake reads it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]

    @property
    def tp(self) -> TopicPartition:
        return TopicPartition(self.topic, self.partition)

    @property
    def coordinate(self) -> tuple[int, str, int, int]:
        return self.timestamp, self.topic, self.partition, self.offset


_offsets: Counter[tuple[str, int]] = Counter()
_numbers = itertools.count(1)


def a_message(value: bytes | None, source: Source, at: datetime = ARRIVED_AT, **changes: Any) -> Message:
    """A value rightly sealed with the gateway's own key, where it belongs; `key_id` and `signed_by` seal otherwise."""
    key_id = changes.pop("key_id", key_id_of(source.plant, source.gateway))
    headers = seal_headers(value or b"", key_id, changes.pop("signed_by", None) or a_signing_key(key_id))
    key, topic = record_key(source.plant, source.gateway), PLANT_TOPICS[source.stream]
    partition = partition_of(key, PARTITIONS[topic])
    message = Message(topic, partition, -1, int(at.timestamp() * 1000), key, value, headers)
    return numbered(replace(message, **changes))


def numbered(message: Message) -> Message:
    """With the next offset of its partition, unless it has one."""
    if message.offset >= 0:
        return message
    _offsets[message.topic, message.partition] += 1
    return replace(message, offset=_offsets[message.topic, message.partition])


def again(message: Message, after: timedelta = timedelta(minutes=1), **changes: Any) -> Message:
    """The same record sent once more."""
    later = message.timestamp + int(after.total_seconds() * 1000)
    return numbered(replace(message, **({"offset": -1, "timestamp": later} | changes)))


def key_id_of(plant: str, gateway: str = "gw-1", number: int = 1) -> str:
    return f"{plant}.{gateway}.{number}"


@dataclass
class Gateway:
    """Numbers, chains and seals, as a plant does; each call is a minute later than the one before."""

    plant: str = MINE
    name: str = "gw-1"
    stream: str = "production"
    incarnation: str = "1"
    at: datetime = ARRIVED_AT
    sequence: int = 0
    previous: bytes | None = None

    @property
    def source(self) -> Source:
        incarnation = sha256(self.incarnation.encode()).hexdigest()[:32]
        return a_source(self.plant, gateway=self.name, stream=self.stream, incarnation=incarnation)

    @property
    def named(self) -> str:
        """As findings and receipts name the source."""
        s = self.source
        return f"{s.plant}/{s.gateway}/{s.stream}/{s.incarnation}"

    @property
    def alerted(self) -> str:
        """As alerts name the gateway."""
        return f"{self.plant}/{self.name}"

    def send(self, *events: Json, **changes: Any) -> Message:
        """The next envelope, sealed. `previous`, `sequence` and `continues` replace what would stand in it."""
        self.sequence += 1
        self.at += timedelta(minutes=1)
        framing = {"sequence": self.sequence, "previous": self.previous} | {
            name: changes.pop(name) for name in ("sequence", "previous") if name in changes
        }
        value = changes.pop("value", None) or an_envelope(events, source=self.source, **framing)
        self.sequence, self.previous = framing["sequence"], value_hash(value)
        return a_message(value, self.source, changes.pop("at", self.at), **changes)

    def lose(self, *events: Json) -> Message:
        """The next envelope, which is made and chained but need not arrive."""
        return self.send(*events)


def send(*events: Json, **changes: Any) -> Message:
    """One envelope of its own source: for tests to which chains do not matter."""
    incarnation = sha256(repr((events, sorted(changes))).encode()).hexdigest()[:32]
    stated = events[0]["data"].get("replacement", events[0])  # a correction travels with what it replaces
    source = source_of([events[0] | {"type": stated["type"]}]).model_copy(update={"incarnation": incarnation})
    return a_message(an_envelope(events, source=source), source, **changes)


# --- what a plant says


def a_draw(reo_kg: int | str, record: str = "R-1", day: date = date(2023, 5, 4), **changes: Any) -> Json:
    """A lot of pure oxide, so to say: it draws just its mass from the cap of rock mining."""
    mass = f"{reo_kg}.000" if isinstance(reo_kg, int) else reo_kg
    stated = {"net_mass_kg": mass, "claimed_reo_kg": mass, "assay": an_oxide_assay(treo_pct="100.0000")}
    return a_production(record=record, **(stated | {"period": a_period(day)} | changes))


def a_period(day: date) -> Json:
    """A whole day in Asia/Shanghai."""
    return {"start": f"{day}T00:00:00+08:00", "end": f"{day + timedelta(days=1)}T00:00:00+08:00"}


# --- what the registry says, unless a test says otherwise


def a_key(plant: str, gateway: str = "gw-1", number: int = 1, **fields: Any) -> Declared:
    key_id = key_id_of(plant, gateway, number)
    public = encode_base64url(bytes(a_signing_key(key_id).verify_key))
    known: Json = {"id": key_id, "plant": plant, "gateway": gateway, "public": public}
    return "gateway_keys", GatewayKey.model_validate(known | {"since": datetime(2022, 1, 1, tzinfo=UTC)} | fields)


def a_plant(plant: str = MINE, enterprise: str = HOLDER, province: str = PROVINCE) -> list[Declared]:
    """A plant that an enterprise runs, with the key of its first gateway."""
    return [
        ("plants", Plant(code=plant, name=plant, province=province, simulated=True)),
        ("operations", Operation(plant=plant, enterprise=enterprise, since=date(2020, 1, 1))),
        a_key(plant),
    ]


def an_enterprise(code: str = HOLDER, *activities: str) -> list[Declared]:
    """An enterprise that is listed, for mining and separation unless other activities are named or `-`."""
    listed = activities or ("mining", "separation")
    approvals = [
        ("approvals", Approval.model_validate({"enterprise": code, "activity": a, "since": date(2020, 1, 1)}))
        for a in listed
        if a != "-"
    ]
    return [("enterprises", Enterprise(code=code, name=code, simulated=True)), *approvals]


def an_allocation(tonnes: int, day: date = date(2023, 1, 1), **fields: Any) -> Declared:
    """A grant of rock mining to the holder; below zero a cut."""
    known: Json = {
        "decision": "invented",
        "batch": "1",
        "form": "cut" if tonnes < 0 else "grant",
        "year": day.year,
        "holder": HOLDER,
        "kind": CapKind.MINING_ROCK,
        "issued_on": day,
        "tonnes_reo": tonnes,
        "evidence": "assumed",
        "invented": True,
    }
    return "allocations", Allocation.model_validate(known | fields)


def the_registry(*more: Declared) -> list[Declared]:
    """One listed enterprise with one mine, and whatever a test adds."""
    return [*an_enterprise(), *a_plant(), *more]


@dataclass(slots=True)
class Desk:
    """One database with intake members, watch and registry beside it."""

    url: str
    connection: database.Connection
    intakes: list[Intake]
    watching: Watch
    custody: Custody
    positions: dict[TopicPartition, int] = field(default_factory=dict)

    async def reset(self, opened_at: datetime = OPENED_AT) -> None:
        """Empties the database."""
        names = await self.connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL ('{migrations,platform}')"
        )
        order = sorted((row["tablename"] for row in names), key={"registry_revisions", "intake_positions"}.__contains__)
        await self.connection.execute(";".join(f"DELETE FROM {name}" for name in order))  # noqa: S608 - our own names
        await self.connection.execute(
            "UPDATE platform SET instant = NULL, judged_at = '2000-01-01T00:00:00Z', epoch = 1,"
            " awaited_digest = NULL, judge_again_at = NULL, settled_message = 0, known_until = '2000-01-01T00:00:00Z',"
            " known_at = clock_timestamp(), passed_at = clock_timestamp(), was_down = false;"
            "INSERT INTO following DEFAULT VALUES"
        )
        self.positions.clear()
        for intake in self.intakes:
            intake._registry = Registry()
            intake.assignment.drop()
        self.watching._registry = self.custody._registry = Registry()
        self.watching._knowing.forget()
        await clock.drive(self.connection, opened_at)

    async def declare(self, entries: Iterable[Declared]) -> None:
        """Applies a registry, whole."""

        async def on_change(connection: Any, before: Registry, after: Registry, _: Any) -> None:
            await registry_changed(connection, before, after)

        planned = await plan(self.connection, list(entries))
        await apply(self.connection, planned, "a test", OPENED_AT, on_change)

    async def receive(self, *messages: Message, member: int = 0) -> Decision | None:
        """Decides messages in one transaction of a member."""
        if not messages:
            return None
        intake = self.intakes[member]
        received: Counter[TopicPartition] = Counter(message.tp for message in messages)
        await self._assign(intake, received)
        arrivals = [read_record(fetched(message, 1)) for message in messages]
        steps = [
            Advance(tp, intake.assignment.positions[tp], self.positions[tp] + number, number)
            for tp, number in received.items()
        ]
        try:
            decision = await intake._decide(arrivals, steps)
        except FaultError as error:
            raise (error.__cause__ or error) from error
        for step in steps:
            self.positions[step.partition] = step.next_offset
        return decision

    async def consume(self, *messages: Message, member: int = 0) -> None:
        """Decides messages as a member decides a poll: retried, halved and parked as need be."""
        intake, batch = self.intakes[member], Batch()
        await self._assign(intake, Counter(message.tp for message in messages))
        for message in messages:
            batch.add(read_record(fetched(message, 1)))
        try:
            await intake._until_durable(batch)
        finally:
            self.positions |= {tp: position.next_offset for tp, position in intake.assignment.positions.items()}

    async def decide_all(self, *messages: Message, member: int = 0) -> None:
        """Decides messages as a member decides a poll of many batches; they are next in their partitions."""
        intake = self.intakes[member]
        await self._assign(intake, Counter(message.tp for message in messages))
        following = {tp: itertools.count(first) for tp, first in self.positions.items()}
        try:
            await intake._decide_all([fetched(replace(m, offset=next(following[m.tp])), 1) for m in messages])
        finally:
            self.positions |= {tp: position.next_offset for tp, position in intake.assignment.positions.items()}

    async def _assign(self, intake: Intake, partitions: Iterable[TopicPartition]) -> None:
        await self.open(*partitions)
        for tp in partitions:
            intake.assignment.positions[tp] = Position(1, self.positions[tp])
        intake._asked = intake.assignment.ask(partitions)

    async def receive_at_once(self, messages: Sequence[Message]) -> None:
        """Two members decide at the same time, each its own partitions."""
        halves: list[list[Message]] = [[], []]
        for message in messages:
            halves[message.partition % 2].append(message)
        await self.open(*(message.tp for message in messages))
        async with asyncio.TaskGroup() as tasks:
            for member, half in enumerate(halves):
                tasks.create_task(self.receive(*half, member=member))

    async def open(self, *partitions: TopicPartition) -> None:
        """Begins partitions, once; before two members receive at the same time."""
        for tp in partitions:
            if tp not in self.positions:
                self.positions[tp] = 0
                await self.connection.execute(statement("positions", "open"), tp.topic, tp.partition, 0)

    async def watch(self, at: datetime) -> None:
        """Moves the clock and lets watch judge."""
        await clock.drive(self.connection, at)
        await self.watching.pass_once(self.connection)

    async def follow(self) -> None:
        """Lets watch see what is decided, custody follow it to the end, and watch see that, as far as it can."""
        for _ in range(PASSES_MAX):
            await self.watching.pass_once(self.connection)
            await self.judge()
            if await self.connection.fetchval("SELECT known_until >= instant FROM platform"):
                return

    async def judge(self) -> None:
        """Lets custody follow to the end what watch has seen, and judge what is in doubt."""
        while await self.custody.pass_once(self.connection):
            pass

    async def rebuild(self, *, keep: bool = False) -> list[Difference]:
        async with self.connection.transaction():
            return await rebuild(self.connection, await load(self.connection), keep=keep)

    async def verify(self, source: str | None = None) -> Report:
        async with self.connection.transaction(isolation="repeatable_read", readonly=True):
            return await verify(self.connection, source)

    async def misfits(self) -> list[Misfit]:
        """All but those about offsets and positions: a desk's messages have offsets of their own."""
        of_kafka = {"ledger.log_offset", "intake_positions"}
        return [misfit for misfit in (await self.verify()).misfits if misfit.column not in of_kafka]

    async def reconcile(self) -> Account:
        return await reconcile(self.connection)

    async def alerts(self, condition: str | None = "raised") -> dict[tuple[str, str, str], Json]:
        """Alerts in a condition, by rule, subject and period; all with None."""
        rows = await self.connection.fetch(statement("alerts", "listed"), condition and [condition], None)
        return {(row["rule"], row["subject"], row["period"]): dict(row) for row in rows}

    async def rules(self, condition: str = "raised") -> set[str]:
        """Rules with an alert in a condition."""
        return {rule for rule, _, _ in await self.alerts(condition)}

    async def evidence(self, rule: str) -> Json:
        """Of the one alert of a rule."""
        ((_, found),) = [(key, alert) for key, alert in (await self.alerts(None)).items() if key[0] == rule]
        evidence: Json = found["evidence"]
        return evidence

    async def outcomes(self) -> list[str]:
        """Of all messages, by coordinate, with the rule where there is one."""
        rows = await self.connection.fetch(
            "SELECT outcome, rule FROM envelopes JOIN ledger l USING (message)"
            " ORDER BY l.arrived_at, l.topic, l.partition, l.log_offset"
        )
        return [f"{row['outcome']} {row['rule'] or ''}".strip() for row in rows]

    async def event_outcomes(self) -> list[str]:
        """Of all events, by coordinate and index, with the rule where there is one."""
        rows = await self.connection.fetch(
            "SELECT e.outcome, e.rule FROM events e JOIN ledger l USING (message)"
            " ORDER BY l.arrived_at, l.topic, l.partition, l.log_offset, e.index"
        )
        return [f"{row['outcome']} {row['rule'] or ''}".strip() for row in rows]

    async def drawn_g(self, holder: str = HOLDER, year: int = 2023, kind: str = CapKind.MINING_ROCK) -> int:
        found = await self.connection.fetchval(
            "SELECT drawn_g FROM caps WHERE (holder, year, kind) = ($1, $2, $3)", holder, year, kind
        )
        return int(found or 0)

    async def told(self, prefix: str = "") -> list[tuple[str, Json]]:
        """The outbox in order: topic and message, of topics that begin so."""
        rows = await self.connection.fetch("SELECT topic, value FROM outbox ORDER BY publication")
        return [(row["topic"], orjson.loads(row["value"])) for row in rows if row["topic"].startswith(prefix)]

    async def receipts(self, source: Source | None = None) -> list[Receipt]:
        """All receipts, or those of a source, in order."""
        rows = await self.connection.fetch("SELECT topic, value FROM outbox ORDER BY publication")
        found = [Receipt.model_validate_json(row["value"]) for row in rows if row["topic"].startswith("receipts-")]
        return [receipt for receipt in found if source is None or receipt.source == source]

    async def dead_letters(self) -> list[DeadLetter]:
        rows = await self.connection.fetch("SELECT value FROM outbox WHERE topic = $1", DEAD_LETTERS)
        return [DeadLetter.model_validate_json(row["value"]) for row in rows]


@asynccontextmanager
async def a_desk(url: str, members: int = 2, opened_at: datetime = OPENED_AT) -> AsyncIterator[Desk]:
    """A desk on a migrated database."""

    async def connect() -> database.Connection:
        return await database.connect(url)

    connection = await connect()
    broker = KafkaBroker()
    intakes = [Intake(broker, connect, IntakeSettings(), Health()) for _ in range(members)]
    desk = Desk(url, connection, intakes, Watch(url, Health()), Custody(url, Health()))
    try:
        await clock.drive(connection, opened_at)
        yield desk
    finally:
        for intake in intakes:
            if intake._connection is not None:
                await intake._connection.close()
        await connection.close()


@pytest.fixture(scope="session")
async def open_desk(postgres: servers.Servers) -> AsyncIterator[Desk]:
    """One desk for many tests: a database of its own for each would take most of their time."""
    url, name = postgres.addresses.postgres, f"desk_{next(_numbers)}"
    connection = await database.connect(url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated")
    await connection.close()
    async with a_desk(f"{url.rpartition('/')[0]}/{name}") as opened:
        yield opened


@pytest.fixture
async def desk(open_desk: Desk) -> Desk:
    """A desk on an empty database."""
    await open_desk.reset()
    return open_desk


STATE = {
    "draw_days": "SELECT * FROM draw_days WHERE (drawn_g, original_g, events) <> (0, 0, 0)",
    "cap_days": "SELECT * FROM cap_days WHERE (drawn_g, original_g) <> (0, 0)",
    "caps": "SELECT * FROM caps WHERE (drawn_g, original_g) <> (0, 0) OR granted_g IS NOT NULL",
    "lots": "SELECT lot, index, plant, product, origin, net_g, reo_g, made_at, {at} FROM lots t {joined}",
    "events": (
        "SELECT index, plant, event_id, t.hash, outcome, effective, amended_at, test, t.rule, {at}"
        " FROM events t {joined}"
    ),
    "envelopes": "SELECT sequence, t.hash, outcome, occupies, rule, {at} FROM envelopes t {joined} WHERE vouched",
    "decided": (
        "SELECT plant, gateway, stream, incarnation, decided::text FROM source_states JOIN sources USING (source)"
        " WHERE decided <> '{}'"
    ),
    "findings": "SELECT index, rule, subject, period, at, measure, {at} FROM findings t {joined}",
    "finding_sums": "SELECT * FROM finding_sums WHERE (findings, measure) <> (0, 0)",
    "alerts": (
        "SELECT rule, subject, period, province, severity, percent, evidence FROM alerts WHERE condition = 'raised'"
    ),
    "tallies": "SELECT * FROM tallies WHERE messages <> 0",
    "moves": (
        "SELECT index, line, plant, lot, kind, step, t.at, net_g, product, origin, reo_g, claimed_g, into_lot,"
        " shipment, oxides, feed, lawful, {at} FROM moves t {joined}"
    ),
    "past_moves": (
        "SELECT index, line, plant, lot, kind, step, t.at, net_g, product, origin, into_lot, until, shipment, {at}"
        " FROM past_moves t {joined}"
    ),
    "holdings": "SELECT * FROM holdings WHERE moves <> 0",
    "lot_states": "SELECT * FROM lot_states",
    "shipments": "SELECT * FROM shipments",
    "flows": "SELECT * FROM flows WHERE moves <> 0",
    "outputs": "SELECT * FROM outputs WHERE lines <> 0",
    "stocks": "SELECT * FROM stocks WHERE moves <> 0",
    "element_flows": "SELECT * FROM element_flows WHERE moves <> 0",
    "custody_findings": "SELECT * FROM custody_findings",
    "unfiled": "SELECT index, plant, month, outcome, rule, {at} FROM unfiled t {joined}",
    "flagged": "SELECT index, key, rule, field, remedy, {at} FROM flagged t {joined} WHERE rule IS NOT NULL",
}
"""What must be the same whatever the order: by coordinates, never by our own numbers."""


async def state(connection: database.Connection) -> dict[str, list[str]]:
    """The canonical state of a database."""
    found = {}
    for name, query in STATE.items():
        text = query.replace("{at}", "l.topic, l.partition, l.log_offset").replace(
            "{joined}", "JOIN ledger l USING (message)"
        )
        rows: list[asyncpg.Record] = await connection.fetch(text)
        found[name] = sorted(repr(dict(row)) for row in rows)
    return found
