"""The composition root: builds connections, brokers and clocks, and runs one service until it is told to stop."""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from monazite_consumers import connections, metrics, register, topics
from monazite_consumers.custody.following import Custody
from monazite_consumers.database import (
    ANSWER_WITHIN_S,
    DATABASE_ERRORS,
    Connection,
    back_off,
    connect,
    require_schema,
)
from monazite_consumers.decisions.deciding import read_platform
from monazite_consumers.errors import SchemaError
from monazite_consumers.health import Health
from monazite_consumers.intake.consuming import Intake
from monazite_consumers.relay.publishing import Relay
from monazite_consumers.reports.closing import Reports
from monazite_consumers.serving import served
from monazite_consumers.settings import PlatformSettings
from monazite_consumers.watch.judging import Watch
from monazite_consumers.watch.knowing import Ends
from monazite_consumers.watch.measuring import measure

log = logging.getLogger(__name__)

RETRY_BACKOFF_MS = 1_000
"""While a broker is away its client asks this often, and says so each time: the default was 20 tries a second."""

METADATA_AGE_MS = 10_000
"""After which a topic that was recreated is noticed at the latest; the client's own default is five minutes."""

Running = Callable[[PlatformSettings, Health], Awaitable[None]]


async def _intake(settings: PlatformSettings, health: Health) -> None:
    await _ready(settings, health)
    # Arguments are raw records: nothing for the framework to cast or to decode.
    broker = KafkaBroker(
        settings.kafka.bootstrap,
        apply_types=False,
        allow_auto_create_topics=False,  # ours are rows in a table, with partitions and timestamps of their own
        metadata_max_age_ms=METADATA_AGE_MS,
        logger=log,
        log_level=logging.DEBUG,
        retry_backoff_ms=RETRY_BACKOFF_MS,
    )

    def connected() -> Awaitable[Connection]:
        return connect(settings.database.url, answer_within_s=ANSWER_WITHIN_S)

    intake = Intake(broker, connected, settings.intake, health)
    pulse = asyncio.create_task(intake.pulse())
    checking = asyncio.create_task(intake.seals.run())
    failures = 0
    try:
        while True:
            try:
                await broker.connect()
                await intake.start()
            except (OSError, KafkaError) as error:
                health.red("kafka", f"{type(error).__name__}: {error}")
                log.warning("waiting to join the group: %s: %s", type(error).__name__, error)
                await intake.stop()
                await back_off(failures)
                failures += 1
                continue
            failures = 0
            over: asyncio.Future[Any] = asyncio.ensure_future(intake.superseded.wait())
            await asyncio.wait({over, intake.failed, pulse, checking}, return_when=asyncio.FIRST_COMPLETED)
            over.cancel()
            await intake.stop()
            for ended in (intake.failed, pulse, checking):
                if ended.done():
                    ended.result()
    finally:
        pulse.cancel()
        checking.cancel()
        await broker.stop()


async def _ready(settings: PlatformSettings, health: Health) -> None:
    """Waits for both servers, a schema that is ours, and the topics of the table."""
    attempt = 0
    while True:
        try:
            connection = await connect(settings.database.url, answer_within_s=ANSWER_WITHIN_S)
            try:
                await require_schema(connection)
                platform = await read_platform(connection)
                registry = await register.load(connection)
            finally:
                await connection.close()
            await topics.ensure(settings.kafka, registry, driven=platform.instant is not None)
        except (*DATABASE_ERRORS, KafkaError, SchemaError) as error:
            health.red("start", f"{type(error).__name__}: {error}")
            log.warning("waiting to start: %s: %s", type(error).__name__, error)
            await back_off(attempt)
            attempt += 1
        else:
            health.green("start")
            return


async def _relay(settings: PlatformSettings, health: Health) -> None:
    await _ready(settings, health)
    await Relay(settings.database.url, settings.kafka, health).run()


async def _watch(settings: PlatformSettings, health: Health) -> None:
    await _ready(settings, health)
    ends = Ends(settings.kafka)
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(Watch(settings.database.url, health, ends=ends).run())
            both.create_task(measure(settings.database.url))
    finally:
        await ends.stop()


async def _custody(settings: PlatformSettings, health: Health) -> None:
    await _ready(settings, health)
    await Custody(settings.database.url, health).run()


async def _reports(settings: PlatformSettings, health: Health) -> None:
    await _ready(settings, health)
    await Reports(settings.database.url, health, settings.reports).run()


SERVICES: dict[str, Running] = {
    "intake": _intake,
    "watch": _watch,
    "relay": _relay,
    "custody": _custody,
    "reports": _reports,
}
"""Every service by its name, as `monazite serve` takes it."""


GARBAGE_AFTER = 500_000
"""Objects made before cycles are looked for: a batch makes tens of thousands, hardly any of them in cycles."""


async def run(service: str, settings: PlatformSettings, announce: Callable[[int], None]) -> None:
    """Runs one service until SIGTERM or SIGINT; `announce` is called with the port of its metrics and health."""
    health = Health()
    health.red("start", "starting")
    connections.endure_closed_transports()
    connections.keep_cancellations_apart()
    connections.ask_with_pauses()
    gc.freeze()  # what was imported stays
    gc.set_threshold(GARBAGE_AFTER)
    metrics.BUILD.labels(version("monazite")).set(1)
    async with served(health, settings.service.host, settings.service.port) as port:
        announce(port)
        work = asyncio.ensure_future(SERVICES[service](settings, health))
        _stop_on_signal(work)
        try:
            await work
        except asyncio.CancelledError:
            log.info("%s stops", service)


def _stop_on_signal(work: "asyncio.Future[Any]") -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
