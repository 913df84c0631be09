"""What a person sees who types `monazite ...`, and what a program reads."""

import asyncio
import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest
from regulator_desk import Desk

from monazite.cli import main
from monazite.commands.platform_options import console

WIDTH = 80
Ran = subprocess.CompletedProcess[str]


def typed(*arguments: object, columns: int = WIDTH, **environment: str) -> Ran:
    """A command with its whole way in and out, but in our process: one of its own takes longer than most questions."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["monazite", *map(str, arguments)])
        patch.setattr(console, "_width", columns)
        for name, value in {"COLUMNS": f"{columns}", **environment}.items():
            patch.setenv(name, value)
        try:
            main()
            status = 0
        except SystemExit as end:
            status = int(end.code or 0)
    return Ran(arguments, status, *(stream.buffer.getvalue().decode() for stream in (out, err)))


async def monazite(desk: Desk, *arguments: object, width: int = WIDTH) -> Ran:
    """What a person sees who types this on a terminal of so many columns."""
    # In a thread: a command runs an event loop of its own.
    return await asyncio.to_thread(typed, *arguments, columns=width, MONAZITE_DATABASE__URL=desk.url)


async def shown(desk: Desk, *arguments: object, width: int = WIDTH) -> str:
    ran = await monazite(desk, *arguments, width=width)
    assert ran.returncode == 0, ran.stderr
    assert max(map(len, ran.stdout.splitlines())) <= width
    return ran.stdout


async def read(desk: Desk, *arguments: object) -> Any:
    ran = await monazite(desk, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
