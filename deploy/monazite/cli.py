"""The command line: one table of contents for plants, regulators and operations."""

import sys

import typer

from monazite.commands import contracts_commands, registry_commands

app = typer.Typer(
    name="monazite",
    help="Real-time volume control and traceability of rare earths.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
app.add_typer(contracts_commands.app, name="contracts")
app.add_typer(registry_commands.app, name="registry")


def main() -> None:
    """Runs the command line."""
    sys.exit(app())
