"""Runs as the child, before the program: gives up root, ties the child's life to its parent's, becomes the program.

Started by path with `python -I -S`, so it may import nothing but the standard library.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def main(arguments: list[str]) -> None:
    """Arguments: parent's pid, signal on its death, user id and group id (-1: as they are), then the program's argv."""
    parent, death_signal, uid, gid = (int(argument) for argument in arguments[:4])
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
        sys.exit("the parent process is gone")
    os.execv(arguments[4], arguments[4:])  # noqa: S606 - a known program with its argument list, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
