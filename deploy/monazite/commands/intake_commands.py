"""`monazite intake`: what only a person decides about what intake reads."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from monazite.commands.platform_options import DEFAULT_DATA, Data, Json, ask, console, print_json, settings
from monazite.errors import CommandError

# What speaks to PostgreSQL and Kafka is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection
    from monazite_consumers.intake.adopting import Adoption

app = typer.Typer(help="Decide what intake may not decide by itself.", no_args_is_help=True)


@app.callback()
def _intake() -> None:
    """Keeps `adopt` a command of its own."""


@app.command()
def adopt(  # noqa: PLR0913 - one parameter for each option
    topic: Annotated[str, typer.Argument(help="A plant topic.")],
    partition: Annotated[int, typer.Argument(min=0, help="Its partition that stands still.")],
    by: Annotated[str, typer.Option("--by", help="Who answers for it; kept with it.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Only show; change nothing.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: Json = False,
) -> None:
    """Go on with a log that is not the one that was being read: its topic was recreated, or the broker lost records."""
    if not by.strip():
        raise typer.BadParameter("name who answers for it", param_hint="--by")
    bootstrap = settings(data).kafka.bootstrap
    if not bootstrap:
        raise CommandError("no Kafka: start `monazite up`, or set MONAZITE_KAFKA__BOOTSTRAP")

    async def question(connection: "Connection") -> "Adoption":
        from aiokafka import AIOKafkaConsumer, TopicPartition
        from aiokafka.errors import KafkaError

        from monazite_consumers.intake import adopting
        from monazite_consumers.intake.logs import READER, reading

        try:
            async with reading(lambda: AIOKafkaConsumer(bootstrap_servers=bootstrap, **READER)) as reader:
                planned = await adopting.plan(connection, reader, TopicPartition(topic, partition))
        except KafkaError as error:
            raise CommandError(f"Kafka refuses: {error}") from error
        if not as_json:
            _show(planned)
        if not check:
            await adopting.adopt(connection, planned, by.strip())
        return planned

    adoption = ask(data, question)
    if as_json:
        print_json({
            "topic": topic, "partition": partition, "log_generation": adoption.log_generation,
            "reason": adoption.reason, **adoption.consequences, "adopted": not check,
        })  # fmt: skip
    elif check:
        console.print("Nothing was changed.", style="yellow")
    else:
        console.print(f"Adopted by {by.strip()}: intake goes on by itself within seconds.", style="bold green")


def _show(adoption: "Adoption") -> None:
    tp = adoption.partition
    console.print(Text(f"{tp.topic} {tp.partition}", style="bold"))
    for name, text in adoption.consequences.items():
        console.print(Text(f"  {name:<8} {text}"), soft_wrap=True)
