"""`monazite watch alerts`: what a regulator sees, live."""

import asyncio
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.text import Text

from monazite.commands.platform_options import DEFAULT_DATA, Data, console, settings
from monazite.errors import CommandError
from monazite.tables import SEVERITY_STYLES
from monazite.terminal_figures import minute
from monazite_contracts.alerts import Alert
from monazite_contracts.topics import ALERTS, province_topic

app = typer.Typer(help="Follow what the platform publishes.", no_args_is_help=True)


@app.callback()
def _watch() -> None:
    """Keeps `alerts` a command of its own."""


@app.command()
def alerts(
    province: Annotated[str | None, typer.Option(help="A province's own topic instead of the nation's.")] = None,
    *,
    data: Data = DEFAULT_DATA,
    once: Annotated[bool, typer.Option("--once", help="Stop at the end of the topic.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document a line.")] = False,
) -> None:
    """Follow alerts from the first to the newest, each change once."""
    bootstrap = settings(data).kafka.bootstrap
    if not bootstrap:
        raise CommandError("no Kafka: start `monazite up`, or set MONAZITE_KAFKA__BOOTSTRAP")
    topic = province_topic(province) if province else ALERTS
    try:
        asyncio.run(_follow(bootstrap, topic, once=once, as_json=as_json))
    except KeyboardInterrupt:
        return


async def _follow(bootstrap: str, topic: str, *, once: bool, as_json: bool) -> None:
    # Starting a terminal command should not load a client.
    from aiokafka import AIOKafkaConsumer, TopicPartition  # noqa: PLC0415
    from aiokafka.errors import KafkaError  # noqa: PLC0415

    seen: dict[str, tuple[int, int]] = {}
    partition = TopicPartition(topic, 0)  # alerts are few and have one
    try:
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
            if topic not in await consumer.topics():
                raise CommandError(f"there is no topic {topic}: it comes with the first registry that is applied")
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            while not once or await consumer.position(partition) < end:
                for record in (await consumer.getmany(timeout_ms=1_000)).get(partition, ()):
                    _tell(record.value, seen, as_json=as_json)
        if not seen and not as_json:
            console.print("no alerts published yet")
    except KafkaError as error:
        raise CommandError(f"Kafka refuses: {error}") from error


def _tell(value: bytes, seen: dict[str, tuple[int, int]], *, as_json: bool) -> None:
    try:
        alert = Alert.model_validate_json(value)
    except ValidationError:
        return  # acknowledgements travel on the same topic
    if seen.get(alert.id, (0, 0)) >= (alert.epoch, alert.revision):
        return
    seen[alert.id] = (alert.epoch, alert.revision)
    if as_json:
        typer.echo(value.decode())
    else:
        console.print(line(alert))


def line(alert: Alert) -> Any:
    """One alert on one line, in its severity's colour."""
    raised = alert.condition == "raised"
    mark = "▲" if raised else "▽"
    style = SEVERITY_STYLES[alert.severity] if raised else "green"
    text = Text(f"{minute(alert.changed_at)} ", style="dim")
    text += Text(f"{mark} {alert.severity:<11} {alert.condition:<9} ", style=style)
    return text + Text(alert.summary) + Text("  simulated" if alert.simulated else "", style="yellow")
