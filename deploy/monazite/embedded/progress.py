"""Shows people what a start is waiting for."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn, TransferSpeedColumn


def silent(_message: str) -> None:
    """Tells nobody."""


@contextmanager
def bar(title: str, size: int | None) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, when that is a terminal; what it yields takes the bytes that have arrived.

    Without a size in bytes the bar only shows that something goes on.
    """
    console = Console(file=sys.stderr)
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn()]
    measured = [DownloadColumn(), TransferSpeedColumn()] if size else []
    with Progress(*columns, *measured, console=console, disable=not console.is_terminal, transient=True) as shown:
        task = shown.add_task(title, total=size)
        yield lambda count: shown.advance(task, count)
