"""What processes have used, from /proc: CPU seconds and the peak of resident memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil


def cpu_s(pid: int) -> float:
    """User and system CPU seconds of one process so far; 0 when it is gone."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


def peak_bytes(pid: int) -> int:
    """The highest resident memory so far (VmHWM) of a process and of those that it has started, added up."""
    return sum(_peak_bytes(each) for each in (pid, *(child.pid for child in psutil.Process(pid).children())))


def _peak_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"no VmHWM for process {pid}")


@dataclass(frozen=True)
class Usage:
    """CPU seconds by who used them."""

    by_name: Mapping[str, float]

    def since(self, before: "Usage") -> dict[str, float]:
        """What was used in between, the greatest first; who has come or gone meanwhile is counted from nothing."""
        used = {name: total - before.by_name.get(name, 0.0) for name, total in self.by_name.items()}
        return dict(sorted(used.items(), key=lambda item: -item[1]))


def usage(services: Mapping[str, int], kafka: int, postmaster: int) -> Usage:
    """Of the services' processes, of Kafka, and of PostgreSQL's, each backend under the service that it serves."""
    found = {name: cpu_s(pid) for name, pid in services.items()}
    found["kafka"] = cpu_s(kafka)
    clients = {
        connection.laddr.port: name
        for name, pid in services.items()
        for connection in psutil.Process(pid).net_connections("tcp")
    }
    for backend in psutil.Process(postmaster).children():
        name = _backend(backend, clients)
        found[name] = found.get(name, 0.0) + cpu_s(backend.pid)
    return Usage(found)


def _backend(process: psutil.Process, clients: Mapping[int, str]) -> str:
    """`postgres: user database 127.0.0.1(41234) idle` serves a client; others name themselves."""
    try:
        title = " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return "postgres, gone"
    host, _, rest = title.partition("(")
    port = rest.partition(")")[0]
    if not host.startswith("postgres: ") or not port.isdigit():
        return title.strip() or "postgres"
    return f"postgres for {clients.get(int(port), 'others')}"
