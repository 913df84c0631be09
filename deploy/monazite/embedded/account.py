"""The unprivileged system user that PostgreSQL runs as when we are root, because it refuses to run as root."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from monazite.embedded.children import Account
from monazite.embedded.errors import EmbeddedError

NAME = "monazite-postgres"
# Exists on every Linux; the last resort where users cannot be added.
FALLBACK = "nobody"


def unprivileged() -> Account | None:
    """The user to give up root for, made when missing; None when we are not root."""
    if os.geteuid() != 0:
        return None
    account = _find(NAME) or _add() or _find(FALLBACK)
    if account is None:
        raise EmbeddedError(f"PostgreSQL refuses to run as root. Add a user: useradd --system {NAME}")
    return account


def closed_parent(path: Path, account: Account) -> Path | None:
    """The first folder above this path that the account may not enter."""
    for folder in reversed(path.resolve().parents):
        status = folder.stat()
        bit = stat.S_IXOTH
        if status.st_uid == account.uid:
            bit = stat.S_IXUSR
        elif status.st_gid == account.gid:
            bit = stat.S_IXGRP
        if not status.st_mode & bit:
            return folder
    return None


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _add() -> Account | None:
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if program is None:
        return None
    # Its status is no news: another start may have added the user a moment ago.
    subprocess.run(
        [program, "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", NAME],
        check=False,
        capture_output=True,
    )
    return _find(NAME)
