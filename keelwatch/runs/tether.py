"""Started as `python -I -S tether.py RUN_PID -- PROGRAM ARGS...`: asks the kernel to kill this process
when the thread that started it ends, then becomes PROGRAM. An exec keeps the wish; doing it between
fork and exec instead would run Python in a forked thread, which can deadlock."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, program = int(sys.argv[1]), sys.argv[3:]
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died before the wish was heard
        sys.exit(70)
    os.execvp(program[0], program)  # noqa: S606 -- the argument list comes from our own caller


if __name__ == "__main__":
    main()
