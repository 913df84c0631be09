"""A platform at work: plants that publish to it, what it says, and conditions to wait for."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import asyncpg
from prometheus_client.parser import text_string_to_metric_families
from topic_reading import records_of

from monazite.stack import Stack
from monazite_consumers import database
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.decisions.redeciding import registry_changed
from monazite_consumers.queries import rebuilt
from monazite_consumers.reconciling import Account, reconcile
from monazite_consumers.registry.applying import APPLYING_SESSION, apply, plan
from monazite_consumers.rules.entries import NOUNS
from monazite_contracts.builders import a_production, a_signing_key, a_source
from monazite_contracts.envelope import record_key
from monazite_contracts.seal import encode_base64url, seal_headers
from monazite_contracts.topics import PLANT_TOPICS
from monazite_producers.chain import Chain
from monazite_producers.publisher import Outgoing, Publisher, PublisherSettings

PROVINCE = "inner-mongolia"
HOLDER = "shihe"
PLANTS = tuple(f"shihe-mine-{number}" for number in range(1, 7))
REO_G = 11_040_000
"""What one production of the builders draws: 20 t, 8 % moisture, 60 % TREO."""

INTAKE_QUICKLY = {"MONAZITE_INTAKE__SESSION_TIMEOUT_S": "2"}
"""A killed member is succeeded after two seconds."""

DECIDING_AND_TELLING = ("intake", "relay", "watch")
"""The services of a module that asks nothing of custody and reports: each takes a second of a processor to start."""


class Gateway:
    """One plant's gateway: numbers, chains and seals what it is given."""

    def __init__(self, plant: str, incarnation: str = "0" * 32) -> None:
        self.plant = plant
        self.source = a_source(plant, incarnation=incarnation)
        self.chain = Chain(self.source)
        self._records = 0
        self._name = incarnation[:8]

    def produce(self, events: int = 1) -> Outgoing:
        """The next envelope, with so many lots of concentrate."""
        made = []
        for _ in range(events):
            self._records += 1
            made.append(a_production(plant=self.plant, record=f"{self._name}-{self._records}"))
        return self.send(self.chain.form(made).value)

    def send(self, value: bytes) -> Outgoing:
        """A value under this gateway's seal."""
        headers = seal_headers(value, key_id(self.plant), a_signing_key(self.plant))
        topic = PLANT_TOPICS[self.source.stream]
        return Outgoing(topic, record_key(self.plant, "gw-1"), value, tuple(headers), datetime.now(UTC))


def key_id(plant: str) -> str:
    """The id of a plant's only key."""
    return f"{plant}.gw-1.2023"


def a_registry(tonnes_reo: int = 1_000_000, **settings: Any) -> dict[str, Any]:
    """Six mines of one listed holder, with a cap that is large enough unless told otherwise."""
    since = "2020-01-01"
    return {
        "enterprises": [{"code": HOLDER, "name": "Shihe Invented Minerals", "simulated": True}],
        "plants": [{"code": p, "name": p, "province": PROVINCE, "simulated": True} for p in PLANTS],
        "operations": [{"plant": p, "enterprise": HOLDER, "since": since} for p in PLANTS],
        "gateway_keys": [
            {
                "id": key_id(p),
                "plant": p,
                "gateway": "gw-1",
                "public": encode_base64url(bytes(a_signing_key(p).verify_key)),
                "since": f"{since}T00:00:00Z",
            }
            for p in PLANTS
        ],
        "approvals": [{"enterprise": HOLDER, "activity": "mining", "since": since}],
        "allocations": [
            {
                "decision": "Invented [2023] 1", "batch": "1", "year": 2023, "holder": HOLDER, "kind": "mining_rock",
                "issued_on": "2023-01-01", "tonnes_reo": tonnes_reo, "evidence": "invented", "invented": True,
            }
        ],
        "settings": {"settle_minutes": 0} | settings,
    }  # fmt: skip


@dataclass
class Platform:
    """A running stack, and how much has been published to it."""

    stack: Stack
    published: int = 0
    gateways: dict[str, Gateway] = field(default_factory=lambda: {plant: Gateway(plant) for plant in PLANTS})

    @asynccontextmanager
    async def connection(self, **settings: str) -> AsyncIterator[database.Connection]:
        """A connection of our own, with long limits."""
        opened = await database.connect(self.stack.addresses.postgres, APPLYING_SESSION | settings)
        try:
            yield opened
        finally:
            opened.terminate()

    async def ask(self, sql: str, *arguments: Any) -> Any:
        """One value."""
        async with self.connection() as opened:
            return await opened.fetchval(sql, *arguments)

    async def apply(self, nouns: dict[str, Any]) -> None:
        """Makes a registry the one in force, as `monazite registry apply` does."""
        declared = {noun: [found] if isinstance(found, dict) else found for noun, found in nouns.items()}
        entries = [(noun, NOUNS[noun].model_validate(e)) for noun, found in declared.items() for e in found]

        async def decide_again(connection: Any, before: Any, after: Any, _: Any) -> None:
            await registry_changed(connection, before, after)

        async with self.connection() as opened:
            at = (await read_platform(opened)).instant or datetime.now(UTC)
            await apply(opened, await plan(opened, entries), "test", at, decide_again)

    async def publish(self, messages: Iterable[Outgoing]) -> None:
        """Publishes and counts."""
        wanted = list(messages)
        async with Publisher(PublisherSettings(self.stack.addresses.kafka, "test")) as publisher:
            await publisher.publish(wanted)
        self.published += len(wanted)

    def work(self, envelopes: int = 5, events: int = 10) -> list[Outgoing]:
        """So many further envelopes of every plant, their gateways taking turns."""
        return [gateway.produce(events) for _ in range(envelopes) for gateway in self.gateways.values()]

    async def received(self) -> int:
        """Messages that the positions account for."""
        return int(await self.ask("SELECT coalesce(sum(received), 0) FROM intake_positions"))

    async def decided(self, limit_s: float = 180) -> None:
        """Waits until everything that was published is decided."""

        async def is_so() -> bool:
            return await self.received() >= self.published

        try:
            await until("everything is decided", is_so, limit_s)
        except AssertionError as error:
            error.add_note("\n".join(s.child.log_tail() for n, s in self.stack.services.items() if n != "watch"))
            raise

    async def told(self, limit_s: float = 180) -> None:
        """Waits until everything that was decided is published."""

        async def is_so() -> bool:
            return bool(await self.ask("SELECT count(*) = 0 FROM outbox WHERE published_at IS NULL"))

        await until("everything is told", is_so, limit_s)

    async def drawn_g(self) -> int:
        """What the holder's rock-mining cap of 2023 has drawn."""
        found = await self.ask(
            "SELECT drawn_g FROM caps WHERE holder = $1 AND year = 2023 AND kind = 'mining_rock'", HOLDER
        )
        return int(found or 0)

    async def account(self) -> Account:
        """The reconciliation."""
        async with self.connection() as opened:
            return await reconcile(opened)

    async def proven(self) -> Account:
        """Everything adds up, here and in Kafka: each offset once, the sums of the rows, and a rebuild."""
        account = await self.account()
        assert account.reconciled
        assert account.received == self.published
        async with self.connection() as opened:
            kept = await opened.fetchval("SELECT count(*) FROM ledger")
            assert kept == self.published
            applied = await opened.fetchval("SELECT count(*) FROM events WHERE outcome = 'applied'")
            assert await self.drawn_g() == applied * REO_G
            assert await rebuilt(opened, keep=False) == []
        return account

    async def read(self, topic: str) -> list[Any]:
        """Every record of a topic, from its start to its end now."""
        return await records_of(self.stack.addresses.kafka, topic)

    async def health(self, service: str) -> dict[str, Any]:
        """What a service says of itself."""
        return dict(json.loads(await self._get(service, "/health")))

    async def healthy(self, service: str) -> bool:
        """Whether it can do its work."""
        return bool((await self.health(service))["healthy"])

    async def metrics(self, service: str) -> "Metrics":
        """What a service's metrics say."""
        return Metrics((await self._get(service, "/metrics")).decode())

    async def _get(self, service: str, path: str) -> bytes:
        def get() -> bytes:
            try:
                url = self.stack.services[service].url + path
                with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - ours, on this machine
                    return bytes(response.read())
            except urllib.error.HTTPError as error:
                with error:
                    return error.read()

        return await asyncio.to_thread(get)


class Metrics:
    """A scrape."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self.samples = [sample for family in families for sample in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """The sum over all samples of a name that have these labels."""
        wanted = labels.items()
        return sum(s.value for s in self.samples if s.name == name and wanted <= s.labels.items())

    @property
    def names(self) -> set[str]:
        """Every name."""
        return {sample.name for sample in self.samples}


AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a question meets while a server is away or a service restarts."""


async def until(what: str, is_so: Callable[[], Awaitable[bool]], limit_s: float = 90, poll_s: float = 0.1) -> None:
    """Waits for a condition; a server that is away meanwhile makes it not so yet."""
    deadline = monotonic() + limit_s
    last: Exception | None = None
    while True:
        try:
            if await is_so():
                return
        except AWAY as error:
            last = error
        assert monotonic() < deadline, f"waited {limit_s} s until {what}; last: {last}"
        await asyncio.sleep(poll_s)


async def waiting_for_a_lock(platform: Platform, of: Sequence[str] = ()) -> list[int]:
    """The process ids of sessions that wait for a lock, of statements that contain one of these words."""
    async with platform.connection() as opened:
        rows = await opened.fetch(
            "SELECT pid, query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
        )
    return [row["pid"] for row in rows if not of or any(word in row["query"] for word in of)]
