"""Runs a service as `monazite serve` does, after arming a crash point: python -m chaos.child SERVICE PORT_FILE."""

import json
import os
import sys
from pathlib import Path

from chaos.seams import HITS, NTH, SEAM, arm
from monazite_consumers import database

SESSION = "CHAOS_SESSION"
"""Environment of a child: settings of its database sessions, as JSON, in place of the shipped ones."""


def main() -> None:
    """One service."""
    _, service, port_file = sys.argv
    if os.environ.get(SESSION):
        limits = json.loads(os.environ[SESSION])
        for session in (database.DECIDING_SESSION, database.LOCK_SESSION):
            session.update({name: limit for name, limit in limits.items() if name in session})
    if os.environ.get(SEAM):
        arm(os.environ[SEAM], int(os.environ[NTH]), Path(os.environ[HITS]))
    from monazite.cli import main as command

    sys.argv = ["monazite", "serve", service, "--port-file", port_file]
    command()


if __name__ == "__main__":
    main()
