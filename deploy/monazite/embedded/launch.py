"""Runs as the child, before the program: gives up root, ties the child's life to its parent's, becomes the program.

Started by path with `python -I -S`, so it may import nothing but the standard library.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>
NUMBERS = 5


def main(arguments: list[str]) -> None:
    """Arguments: parent's pid, signal on its death, user id, group id (-1: as it is), report, then the program's argv.

    The report is a pipe that closes when the program runs; what stands in it is why it does not.
    """
    parent, death_signal, uid, gid, report = (int(argument) for argument in arguments[:NUMBERS])
    os.set_inheritable(report, False)  # noqa: FBT003 - takes no keyword
    try:
        _prepare(parent, death_signal, uid, gid)
        os.execv(arguments[NUMBERS], arguments[NUMBERS:])  # noqa: S606 - a known program and its arguments, no shell
    except OSError as error:
        os.write(report, f"{arguments[NUMBERS]}: {error}".encode())
        sys.exit(127)


def _prepare(parent: int, death_signal: int, uid: int, gid: int) -> None:
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # Only now: the kernel forgets the death signal when the user id changes.
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # The parent may have died before the kernel knew whom to tell.
    if os.getppid() != parent:
        raise ProcessLookupError("the parent process is gone")


if __name__ == "__main__":
    main(sys.argv[1:])
