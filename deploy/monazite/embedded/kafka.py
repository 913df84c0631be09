"""A real Apache Kafka, broker and controller in one process, run as our own child."""

import asyncio
import base64
import os
import secrets
import shutil
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from monazite.embedded import children, jars, java
from monazite.embedded.children import Program
from monazite.embedded.folder import DataFolder
from monazite.embedded.ports import LOOPBACK

NODE = 1
HEAP = "-Xmx384m"
# Which system properties the chosen slf4j binding reads: warnings only, with a time.
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
# One node, one copy of everything, quick to start.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": str(NODE),
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "auto.create.topics.enable": "false",  # topics are rows in our table
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",  # on one machine a member that is silent for a second is gone
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    # After a kill, the broker is let in again when its old session has ended; the default of 9 s is for networks.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "log.cleaner.dedupe.buffer.size": "33554432",  # its default is a third of our heap
}


def brought(folder: DataFolder, on_progress: Callable[[str], None]) -> tuple[str, ...]:
    """The command line of a Java that has Kafka on its class path; downloads what is missing."""
    return _java(folder, java.find(on_progress), jars.class_path(on_progress))


def program(folder: DataFolder, run: tuple[str, ...], port: int, controller_port: int) -> Program:
    """Kafka on this data directory and these ports; formats the storage when it is new."""
    if not (folder.kafka / "log" / "meta.properties").exists():
        _format(folder, run, port, controller_port)
    configuration = _configure(folder, folder.kafka / "log", port, controller_port)
    return Program(
        name="kafka",
        argv=(*run, HEAP, "kafka.Kafka", str(configuration)),
        log=folder.logs / "kafka.log",
        env=_environment(),
        stop_wait_s=30,
        ready=lambda _pid: is_ready(port),
        before_start=lambda: _clear(folder),
    )


def is_ready(port: int) -> bool:
    """Whether a client that asks for the cluster's metadata is told of a broker."""
    try:
        # A closed port is the usual answer for a second; the client would log each refusal as an error.
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    # In a thread of its own: the caller's may be running an event loop.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _knows_broker(port)).result()


async def _knows_broker(port: int) -> bool:
    client = AIOKafkaClient(bootstrap_servers=f"{LOOPBACK}:{port}", request_timeout_ms=5_000)
    try:
        await client.bootstrap()
        return any(broker.port == port for broker in client.cluster.brokers())
    except KafkaError:
        return False
    finally:
        await client.close()


def _java(folder: DataFolder, java_path: Path, class_path: list[Path]) -> tuple[str, ...]:
    return (
        str(java_path),
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",  # no files in /tmp that a kill leaves behind; the next line likewise
        f"-Djava.io.tmpdir={_temporary(folder)}",
        "-Djava.awt.headless=true",
        *LOGGING,
        "-cp",
        os.pathsep.join(str(path) for path in class_path),
    )


def _configure(folder: DataFolder, logs: Path, port: int, controller_port: int) -> Path:
    settings = SETTINGS | {
        "log.dirs": str(logs),
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.quorum.voters": f"{NODE}@{LOOPBACK}:{controller_port}",
    }
    path = folder.kafka / "server.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return path


def _format(folder: DataFolder, run: tuple[str, ...], port: int, controller_port: int) -> None:
    """Formats under another name first: an interrupted start leaves no half storage behind."""
    _clear(folder)
    staging = folder.kafka / "log.new"
    shutil.rmtree(staging, ignore_errors=True)
    shutil.rmtree(folder.kafka / "log", ignore_errors=True)
    configuration = _configure(folder, staging, port, controller_port)
    # Short-lived: the second compiler would not pay.
    tool = (*run, "-Xmx64m", "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format")
    arguments = ("--cluster-id", _cluster_id(), "--config", str(configuration))
    log = folder.logs / "kafka-format.log"
    children.call(Program("kafka-format", (*tool, *arguments), log, _environment()))
    staging.replace(folder.kafka / "log")


def _cluster_id() -> str:
    """As Kafka writes one: 16 bytes in URL-safe base 64. A leading minus would look like an option."""
    return base64.urlsafe_b64encode(bytes([secrets.randbelow(128)]) + secrets.token_bytes(15)).decode().rstrip("=")


def _temporary(folder: DataFolder) -> Path:
    return folder.kafka / "tmp"


def _clear(folder: DataFolder) -> None:
    shutil.rmtree(_temporary(folder), ignore_errors=True)
    _temporary(folder).mkdir()


def _environment() -> dict[str, str]:
    """Little of ours: KAFKA_OPTS, CLASSPATH and the like would be obeyed. JDK_JAVA_OPTIONS is meant for every Java."""
    kept = ("PATH", "HOME", "LD_LIBRARY_PATH", "JDK_JAVA_OPTIONS")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LANG": "C.UTF-8"}
