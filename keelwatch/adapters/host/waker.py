"""A process with all that it has started: who they are, whether they are stopped, and waking them.

Also a program, started as `python -I -S waker.py FILE`: it detaches itself and wakes them when their time is
over, whoever else has died by then. So it stands on nothing but the standard library.

FILE holds {"tree": [[pid, start_ticks], ...], "until": boot time (s)}; its first is the root. Without FILE
there is nothing left to wake, and the waker ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")
LOOK_S = 0.25

Member = tuple[int, int]
"""A pid, and when it began (clock ticks after boot): together they name one process of this boot."""


def stat_of(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty when it is gone."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()  # the command's name before it may hold blanks and brackets


def is_alive(member: Member) -> bool:
    fields = stat_of(member[0])
    return bool(fields) and int(fields[19]) == member[1] and fields[0] not in {"Z", "X"}


def is_stopped(member: Member) -> bool:
    fields = stat_of(member[0])
    return bool(fields) and int(fields[19]) == member[1] and fields[0] == "T"


def tree_of(root: Member) -> list[Member]:
    """`root` and whatever descends from it, root first; empty when it is gone."""
    if not is_alive(root):
        return []
    begun: dict[int, int] = {}
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and (fields := stat_of(int(entry.name))):
            begun[int(entry.name)] = int(fields[19])
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, todo = [], [root[0]]
    while todo:
        pid = todo.pop()
        found.append((pid, begun.get(pid, -1)))
        todo += children.get(pid, [])
    return found


def send(member: Member, number: signal.Signals) -> bool:
    """Whether it was signalled: through a pidfd, under which its start is compared, so never a stranger.

    Raises `PermissionError` when it is not ours.
    """
    try:
        handle = os.pidfd_open(member[0])
    except OSError:
        return False
    try:
        if not is_alive(member):
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def known(file: Path) -> tuple[list[Member], float]:
    """Who was to be stopped, and until when (boot time); nobody when there is no such file."""
    try:
        told = json.loads(file.read_text())
        return [(int(pid), int(ticks)) for pid, ticks in told["tree"]], float(told["until"])
    except (OSError, ValueError, KeyError, TypeError):
        return [], 0.0


def everybody(file: Path) -> list[Member]:
    """Who was to be stopped, and what has come of the root since."""
    listed, _ = known(file)
    return list(dict.fromkeys([*listed, *(tree_of(listed[0]) if listed else [])]))


def wake(members: Iterable[Member]) -> None:
    """The root comes last, lest it miss that a child of it was stopped."""
    for member in reversed(list(members)):
        with contextlib.suppress(PermissionError):
            send(member, signal.SIGCONT)


def main() -> None:
    if os.fork():
        return
    os.setsid()
    file = Path(sys.argv[1])
    while file.exists():
        _, until = known(file)
        left_s = until - time.clock_gettime(time.CLOCK_BOOTTIME)
        if left_s <= 0:
            wake(everybody(file))
            file.unlink(missing_ok=True)
            return
        time.sleep(min(left_s, LOOK_S))


if __name__ == "__main__":
    main()
