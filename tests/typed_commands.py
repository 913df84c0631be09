"""What a person sees who types `monazite ...`, and what a program reads."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from regulator_desk import Desk

WIDTH = 80
Ran = subprocess.CompletedProcess[str]


async def monazite(desk: Desk, *arguments: object, width: int = WIDTH) -> Ran:
    """What a person sees who types this on a terminal of so many columns."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "monazite", *map(str, arguments)],
        env=os.environ | {"COLUMNS": f"{width}", "MONAZITE_DATABASE__URL": desk.url},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


async def shown(desk: Desk, *arguments: object, width: int = WIDTH) -> str:
    ran = await monazite(desk, *arguments, width=width)
    assert ran.returncode == 0, ran.stderr
    assert max(map(len, ran.stdout.splitlines())) <= width
    return ran.stdout


async def read(desk: Desk, *arguments: object) -> Any:
    ran = await monazite(desk, *arguments, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)
