"""Naming a process so that it can be signalled later without ever hitting another one."""

from __future__ import annotations

import json
import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from keelwatch.workspace.clock import boot_id

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A pid is reused; a pid with its start time (clock ticks since boot) and boot is not."""

    pid: int
    start_ticks: int
    boot: str

    def open(self) -> int | None:
        """A pidfd of exactly this process, or None when it is gone. The caller closes it."""
        if self.boot != boot_id():
            return None
        try:
            pidfd = os.pidfd_open(self.pid)
        except OSError:
            return None
        if _start_ticks(self.pid) == self.start_ticks:  # asked after opening: the pidfd now pins the pid
            return pidfd
        os.close(pidfd)
        return None

    def send(self, number: signal.Signals) -> bool:
        """Signal it; False when it is gone."""
        pidfd = self.open()
        if pidfd is None:
            return False
        try:
            signal.pidfd_send_signal(pidfd, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(pidfd)
        return True

    def kill(self, within_s: float = 2.0) -> bool:
        """SIGKILL it and wait until it is gone; False when it was gone already."""
        pidfd = self.open()
        if pidfd is None:
            return False
        try:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            return wait_gone(pidfd, within_s)
        finally:
            os.close(pidfd)


def own_mark() -> ProcessMark:
    pid = os.getpid()
    return ProcessMark(pid, _start_ticks(pid) or 0, boot_id())


def write_mark(path: Path) -> ProcessMark:
    """Leave this process's mark at `path`, whole or not at all."""
    mark = own_mark()
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(mark)))
    draft.replace(path)
    return mark


def read_mark(path: Path) -> ProcessMark | None:
    try:
        found = json.loads(path.read_text())
        return ProcessMark(int(found["pid"]), int(found["start_ticks"]), str(found["boot"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def wait_gone(pidfd: int, within_s: float) -> bool:
    """Whether the process behind `pidfd` ends within that time."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(within_s * 1000))


def kill_marked(variable: str, value: str) -> int:
    """SIGKILL every process whose environment has `variable=value`; returns how many.

    Repeats until a pass finds none, since a dying tree may still fork.
    """
    killed = 0
    for _ in range(20):
        found = list(marked(variable, value))
        if not found:
            break
        for pid in found:
            with suppress(OSError):
                pidfd = os.pidfd_open(pid)
                try:
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                    wait_gone(pidfd, 1.0)
                    killed += 1
                finally:
                    os.close(pidfd)
    return killed


def marked(variable: str, value: str) -> Iterator[int]:
    """Pids of the other processes whose environment has `variable=value`."""
    entry = f"{variable}={value}".encode()
    for folder in PROC.iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with suppress(OSError):
                if entry in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)


def _start_ticks(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat; the command name before it may hold spaces and brackets."""
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[19])
