"""Chooses free TCP ports on the loopback address."""

import errno
import random
import socket
from pathlib import Path

from monazite.embedded.errors import PortTakenError

LOOPBACK = "127.0.0.1"
LOWEST = 10240
HIGHEST = 65535
ATTEMPTS = 500
# Where the kernel says from which ports it serves outgoing connections, and what it says by default.
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
EPHEMERAL_DEFAULT = (32768, 60999)


def free(count: int, preferred: tuple[int, ...] = ()) -> tuple[int, ...]:
    """So many different ports that nobody listens on: the preferred ones when all of them are free, else others."""
    if len(preferred) == count and len(set(preferred)) == count and all(is_free(port) for port in preferred):
        return preferred
    # Not the kernel's ephemeral ports: while a server restarts, an outgoing connection could be given its port,
    # and a client that keeps trying to reach an ephemeral port on its own machine can end up connected to itself.
    first, last = _ephemeral()
    candidates = [port for port in range(LOWEST, HIGHEST + 1) if not first <= port <= last] or range(LOWEST, HIGHEST)
    chosen: list[int] = []
    # At random, so that copies that start at the same moment seldom choose alike.
    for port in random.SystemRandom().sample(candidates, min(ATTEMPTS, len(candidates))):
        if is_free(port):
            chosen.append(port)
        if len(chosen) == count:
            return tuple(chosen)
    raise PortTakenError(f"No {count} free ports found on {LOOPBACK}. Stop some of the servers on this machine.")


def is_free(port: int) -> bool:
    """Whether a server could listen here at this moment."""
    with socket.socket() as attempt:
        # Servers set this too: connections in TIME_WAIT do not count as taken.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def _ephemeral() -> tuple[int, int]:
    try:
        first, last = EPHEMERAL.read_text().split()
    except OSError:
        return EPHEMERAL_DEFAULT
    return int(first), int(last)
