"""Kafka and PostgreSQL from the images that the project names, and both ends of the main path: a plant, a regulator."""

import gc
import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Self

import pytest
import yaml
from aiokafka import AIOKafkaConsumer
from docker.errors import DockerException, ImageNotFound
from pydantic import TypeAdapter, ValidationError
from testcontainers.community.postgres import PostgresContainer
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from monazite_contracts import builders
from monazite_contracts.alerts import Alert
from monazite_contracts.envelope import Source, record_key
from monazite_contracts.events import Stream
from monazite_contracts.receipts import Receipt
from monazite_contracts.seal import encode_base64url
from monazite_contracts.topics import ALERTS, PLANT_TOPICS, receipts_topic
from monazite_producers.chain import Chain
from monazite_producers.publisher import Outgoing, Publisher, PublisherSettings

REQUIRED = "REQUIRE_CONTAINERS"
"""Set where Docker is promised: a missing engine then fails what it would otherwise skip."""

ROOT = Path(__file__).parents[2]
DEPLOYED = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
KAFKA_IMAGE, POSTGRES_IMAGE = (DEPLOYED[name]["image"] for name in ("kafka", "postgres"))

HEARD_WITHIN_S = 60
CLIENT_PORT, NETWORK_PORT, CONTROLLER_PORT = 9092, 19092, 9093
START_SCRIPT = "/tmp/start"

REGISTRY = {
    "enterprises": [{"code": "shihe", "name": "Shihe (invented)", "simulated": True}],
    "plants": [{"code": builders.MINE, "name": "Shihe mine (invented)", "province": "nei-mongol", "simulated": True}],
    "operations": [{"plant": builders.MINE, "enterprise": "shihe", "since": "2023-01-01"}],
    "gateway_keys": [
        {
            "id": builders.KEY_ID,
            "plant": builders.MINE,
            "gateway": "gw-1",
            "public": encode_base64url(bytes(builders.a_signing_key().verify_key)),
            "since": "2023-01-01T00:00:00+08:00",
        }
    ],
    "approvals": [{"enterprise": "shihe", "activity": "mining", "since": "2023-01-01"}],
    "allocations": [
        {
            "decision": "invented 1",
            "batch": "1",
            "year": 2023,
            "holder": "shihe",
            "kind": "mining_rock",
            "issued_on": "2023-03-24",
            "tonnes_reo": 20,
            "evidence": "invented",
            "invented": True,
        }
    ],
}
"""One mine that may draw 20 t REO in 2023; a production of `builders` draws 11.04 t."""


class ApacheKafkaContainer(DockerContainer):
    """One broker that is its own controller; it waits for the script that tells it which address to advertise."""

    def __init__(self, image: str = KAFKA_IMAGE, startup_timeout_s: int = 60) -> None:
        super().__init__(image)
        self.startup_timeout_s = startup_timeout_s
        self.with_exposed_ports(CLIENT_PORT)
        self.with_command(["sh", "-c", f"until [ -s {START_SCRIPT} ]; do sleep 0.1; done; exec bash {START_SCRIPT}"])
        self.with_envs(
            KAFKA_NODE_ID="1",
            KAFKA_PROCESS_ROLES="broker,controller",
            KAFKA_LISTENERS=f"CLIENT://:{CLIENT_PORT},NETWORK://:{NETWORK_PORT},CONTROLLER://:{CONTROLLER_PORT}",
            KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="CLIENT:PLAINTEXT,NETWORK:PLAINTEXT,CONTROLLER:PLAINTEXT",
            KAFKA_INTER_BROKER_LISTENER_NAME="NETWORK",
            KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
            KAFKA_CONTROLLER_QUORUM_VOTERS=f"1@localhost:{CONTROLLER_PORT}",
            KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
            KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
            KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
            KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        )

    @property
    def bootstrap(self) -> str:
        return f"{self.get_container_host_ip()}:{self.get_exposed_port(CLIENT_PORT)}"

    def start(self) -> Self:
        super().start()
        advertised = f"CLIENT://{self.bootstrap},NETWORK://$(hostname):{NETWORK_PORT}"
        script = f"export KAFKA_ADVERTISED_LISTENERS={advertised}\nexec /etc/kafka/docker/run\n"
        self.copy_into_container(script.encode(), START_SCRIPT)
        ready = LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(self.startup_timeout_s)
        ready.wait_until_ready(self)
        return self


class Plant:
    """The mine's gateway: each production is a lot of its own, in the next envelope of one chain."""

    def __init__(self) -> None:
        self.source: Source = builders.a_source()
        self._chain = Chain(self.source)

    async def produce(self, bootstrap: str, record: str) -> None:
        formed = self._chain.form([builders.a_production(record=record)])
        message = Outgoing(
            PLANT_TOPICS[Stream.PRODUCTION],
            record_key(self.source.plant, self.source.gateway),
            formed.value,
            tuple(builders.sealed_headers(formed.value)),
            datetime.now(UTC),
        )
        async with Publisher(PublisherSettings(bootstrap)) as publisher:
            await publisher.publish([message])

    async def receipt(self, bootstrap: str, sequence: int) -> Receipt:
        """The first receipt that covers an envelope."""
        topic = receipts_topic(self.source.plant)
        found: Receipt = await _first(bootstrap, topic, Receipt, lambda receipt: receipt.decided_through >= sequence)
        return found


class Regulator:
    """Who listens to the nation's alerts."""

    async def alert(self, bootstrap: str, rule: str) -> Alert:
        """The first alert of a rule."""
        found: Alert = await _first(bootstrap, ALERTS, Alert, lambda alert: alert.rule == rule)
        return found


async def _first(bootstrap: str, topic: str, kind: type[Any], wanted: Callable[[Any], bool]) -> Any:
    """The first message of a topic that is of a kind and wanted, from the topic's beginning."""
    read = TypeAdapter(kind).validate_json
    deadline = monotonic() + HEARD_WITHIN_S
    heard = []
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        while monotonic() < deadline:
            for record in [r for records in (await consumer.getmany(timeout_ms=500)).values() for r in records]:
                heard.append(record.value)
                with suppress(ValidationError):  # a topic carries more than one kind
                    message = read(record.value)
                    if wanted(message):
                        return message
    raise AssertionError(f"{topic}: nothing such within {HEARD_WITHIN_S} s, only {heard}")


@pytest.fixture
def plant() -> Plant:
    return Plant()


@pytest.fixture
def regulator() -> Regulator:
    return Regulator()


Require = Callable[[bool, str], None]


@pytest.fixture(scope="session")
def require() -> Require:
    """`require(so, reason)`: skips unless it is so; where containers are promised, fails."""

    def check(so: bool, reason: str) -> None:  # noqa: FBT001 - reads as a sentence
        if so:
            return
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, but {reason}")
        pytest.skip(reason)

    return check


@pytest.fixture(scope="session")
def engine(require: Require) -> DockerClient:
    """A Docker engine that answers."""
    answer = _asked()
    require(isinstance(answer, DockerClient), f"no Docker engine answers: {answer}")
    return answer


def _asked() -> Any:
    """A client whose engine answers, or what is wrong."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of a failed connection the client leaves its socket open
        try:
            client = DockerClient()
            client.client.ping()
        except DockerException as error:
            complaint = str(error)
        else:
            return client
        gc.collect()
        return complaint


@pytest.fixture(scope="session")
def images(engine: DockerClient, require: Require) -> Callable[[Sequence[str]], None]:
    """`images([name, …])`: they are here, or were pulled."""

    def present(names: Sequence[str]) -> None:
        for name in names:
            try:
                engine.client.images.get(name)
            except ImageNotFound:
                complaint = _pulled(engine, name)
                require(complaint is None, f"the image {name} is not here and cannot be pulled: {complaint}")

    return present


def _pulled(engine: DockerClient, name: str) -> str | None:
    try:
        engine.client.images.pull(name)
    except DockerException as error:
        return str(error)
    return None


@pytest.fixture(scope="session")
def kafka_container(images: Callable[[Sequence[str]], None]) -> Iterator[ApacheKafkaContainer]:
    images([KAFKA_IMAGE])
    with ApacheKafkaContainer() as container:
        yield container


@pytest.fixture(scope="session")
def postgres_container(images: Callable[[Sequence[str]], None]) -> Iterator[PostgresContainer]:
    images([POSTGRES_IMAGE])
    with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
        yield container


@pytest.fixture
def registry_folder(tmp_path: Path) -> Path:
    """The small registry, as files that anybody may read: a container's user is not ours."""
    folder = tmp_path / "registry"
    folder.mkdir()
    declared = folder / "shihe.yaml"
    declared.write_text(json.dumps(REGISTRY), encoding="utf-8")
    folder.chmod(0o755)
    declared.chmod(0o644)
    return folder
