"""`monazite serve`, `migrate`, `up`, `down`: running the platform."""

import asyncio
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from monazite.commands.platform_options import DEFAULT_DATA, Data, console, settings
from monazite.errors import CommandError

# Each command imports what it needs: a plant's installation has neither servers nor services.
# ruff: noqa: PLC0415

STOP_WAIT_S = 30

Service = Literal["intake", "relay", "watch", "custody", "reports"]


def serve(
    service: Annotated[
        Literal["intake", "relay", "watch", "custody", "reports"], typer.Argument(help="Which service.")
    ],
    *,
    port_file: Annotated[Path | None, typer.Option(help="Write the port of /metrics and /health here.")] = None,
) -> None:
    """Run one of the platform's services until SIGTERM."""
    import uvloop

    from monazite_consumers import app

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    found = settings()
    if not found.database.url or not found.kafka.bootstrap:
        raise CommandError("set MONAZITE_DATABASE__URL and MONAZITE_KAFKA__BOOTSTRAP")

    def announce(port: int) -> None:
        logging.getLogger("monazite").info("%s serves /metrics and /health on port %s", service, port)
        if port_file is not None:
            port_file.write_text(f"{port}\n")

    uvloop.run(app.run(service, found, announce))


def migrate() -> None:
    """Bring the database's schema to this release."""
    from monazite_consumers.database import migrate as bring

    url = settings().database.url
    if not url:
        raise CommandError("set MONAZITE_DATABASE__URL")
    for name in asyncio.run(bring(url)) or ["nothing to do"]:
        console.print(name)


def up(data: Data = DEFAULT_DATA) -> None:
    """Start Kafka, PostgreSQL and the platform here, until Ctrl-C or `monazite down`."""
    from monazite import stack

    settings()  # a typo in file or environment is said before anything starts
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with stack.running(data, on_progress=lambda text: console.print(text, style="dim")) as running:
        console.print("[bold green]monazite is up[/]")
        console.print(f"  Kafka       {running.addresses.kafka}")
        console.print(f"  PostgreSQL  {running.addresses.postgres}", soft_wrap=True)
        for name, service in running.services.items():
            console.print(f"  {name:<11} {service.url}/health  {service.url}/metrics")
        console.print(f"  data        {data.expanduser()}")
        console.print("Next: [bold]monazite registry apply DIR --by YOU[/], [bold]monazite caps[/], "
                      "[bold]monazite watch alerts[/]; stop with Ctrl-C or [bold]monazite down[/].")  # fmt: skip
        try:
            while not (dead := [name for name, child in running.children.items() if not child.alive]):
                time.sleep(0.5)
        except KeyboardInterrupt:
            return
        raise CommandError(f"{', '.join(dead)} ended; its log is in {running.servers.folder.logs}")


def down(data: Data = DEFAULT_DATA) -> None:
    """Stop what `monazite up` started."""
    from monazite.embedded.servers import occupant

    pid = occupant(data)
    if pid is None:
        console.print(f"nothing runs on {data.expanduser()}")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WAIT_S
    while occupant(data) is not None:
        if time.monotonic() > deadline:
            raise CommandError(f"process {pid} did not stop within {STOP_WAIT_S} s")
        time.sleep(0.1)
    console.print("stopped")
