"""`monazite contracts`: what plants and platform say to each other."""

import typer

app = typer.Typer(help="Show, validate and export the message contracts.", no_args_is_help=True)
