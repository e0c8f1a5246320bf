"""Finds and ends the processes of a sandbox, and no others.

A process is ours when its environment carries `KEELWATCH_SANDBOX=<id>`, or when pid *and* start time
match what `endpoints.json` recorded (a pid alone may have been reused). PostgreSQL's children overwrite
their environment; they are found through their postmaster.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from keelwatch.sandbox.layout import IDENTITY_VARIABLE

PROC = Path("/proc")


@dataclass(frozen=True, slots=True, order=True)
class Process:
    """`start_ticks` is field 22 of `/proc/PID/stat`: clock ticks after boot."""

    pid: int
    start_ticks: int

    def is_alive(self) -> bool:
        return start_ticks(self.pid) == self.start_ticks


def start_ticks(pid: int) -> int | None:
    """When `pid` started; None when there is no such process, or only its zombie."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in {"Z", "X"} else int(fields[19])


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (the command before it may hold blanks)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def marked(prefix: str) -> list[Process]:
    """Live processes whose sandbox id starts with `prefix`, with all their descendants."""
    wanted = f"{IDENTITY_VARIABLE}={prefix}".encode()
    roots = [pid for pid in _pids() if _environment_holds(pid, wanted)]
    return with_descendants(roots)


def with_descendants(roots: Iterable[int]) -> list[Process]:
    children: dict[int, list[int]] = {}
    for pid in _pids():
        if (fields := _stat(pid)) is not None:
            children.setdefault(int(fields[1]), []).append(pid)
    seen: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in seen:
            seen.add(pid)
            todo += children.get(pid, [])
    found = ((pid, start_ticks(pid)) for pid in sorted(seen) if pid != os.getpid())
    return [Process(pid, ticks) for pid, ticks in found if ticks is not None]


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]


def _environment_holds(pid: int, wanted: bytes) -> bool:
    try:
        environment = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    return any(entry.startswith(wanted) for entry in environment.split(b"\0"))


def end(processes: Iterable[Process], grace_s: float = 3.0) -> list[Process]:
    """TERM, then KILL after `grace_s`. Returns those that still live a second later."""
    alive = [process for process in processes if process.is_alive()]
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 1.0)):
        for process in alive:
            _signal(process, number)
        alive = _wait_gone(alive, wait_s)
    return alive


def _signal(process: Process, number: signal.Signals) -> None:
    """Through a pidfd, and only after the start time was compared under it: never a stranger."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(process.pid)
        try:
            if process.is_alive():
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)


def _wait_gone(processes: list[Process], wait_s: float) -> list[Process]:
    deadline = time.monotonic() + wait_s
    while (alive := [process for process in processes if process.is_alive()]) and time.monotonic() < deadline:
        wait_for_end(alive[0], min(0.05, wait_s))
    return alive


def wait_for_end(process: Process, wait_s: float) -> bool:
    """Whether `process` ended within `wait_s`; sleeps on a pidfd, does not poll."""
    try:
        handle = os.pidfd_open(process.pid)
    except OSError:
        return True
    try:
        if process.is_alive():
            poller = select.poll()
            poller.register(handle, select.POLLIN)
            poller.poll(wait_s * 1000)
    finally:
        os.close(handle)
    return not process.is_alive()
