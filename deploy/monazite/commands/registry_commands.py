"""`monazite registry`: the regulator's own data."""

import typer

app = typer.Typer(help="Plan and apply the regulator's own data.", no_args_is_help=True)
