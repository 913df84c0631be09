"""What every command that asks the platform shares: where the database and Kafka are, and how to answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from monazite.configuration import load
from monazite.errors import CommandError

# What speaks to PostgreSQL is imported when a command needs it: a plant's installation has no driver.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from monazite_consumers.database import Connection
    from monazite_consumers.settings import PlatformSettings

Answer = TypeVar("Answer")

DEFAULT_DATA = Path("~/.local/share/monazite")

Data = Annotated[
    Path,
    typer.Option(
        "--data", envvar="MONAZITE_DATA", help="The data directory of `monazite up`; its servers are used when it runs."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


def settings(data: Path = DEFAULT_DATA) -> "PlatformSettings":
    """Settings from file and environment; addresses that they leave out are those of the running `monazite up`."""
    from monazite_consumers.settings import DatabaseSettings, KafkaSettings, PlatformSettings

    found = load(PlatformSettings)
    if found.database.url and found.kafka.bootstrap:
        return found
    try:
        from monazite.embedded.servers import addresses_at

        addresses = addresses_at(data)
    except ImportError:
        addresses = None
    changes: dict[str, Any] = {}
    if addresses is not None and not found.database.url:
        changes["database"] = DatabaseSettings(url=addresses.postgres)
    if addresses is not None and not found.kafka.bootstrap:
        changes["kafka"] = KafkaSettings(bootstrap=addresses.kafka)
    return found.model_copy(update=changes)


def ask(
    data: Path,
    question: Callable[["Connection"], Awaitable[Answer]],
    *,
    database: str | None = None,
    session: dict[str, str] | None = None,
) -> Answer:
    """Puts a question to the database that is named, or else to the one of the settings.

    Raises:
        CommandError: there is no database to ask, or it refuses.
    """
    from monazite_consumers.database import DATABASE_ERRORS, connect, require_schema

    url = database or settings(data).database.url
    if not url:
        raise CommandError("no database: start `monazite up`, or set MONAZITE_DATABASE__URL")

    async def answer() -> Answer:
        connection = await connect(url, session)
        try:
            await require_schema(connection)
            return await question(connection)
        finally:
            await connection.close()

    try:
        return asyncio.run(answer())
    except DATABASE_ERRORS as error:
        raise CommandError(f"the database refuses: {error}") from error


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


console = Console(highlight=False)


def print_notices(data: Path) -> None:
    """What every screen must say: that data are simulated, that the clock is driven."""
    from monazite_consumers.queries import notices

    for said in ask(data, notices):
        console.print(said, style="yellow")
