"""Does a process still move? A lock tells that it exists; a frozen one holds its locks for ever.

Every process of this room wakes at least once per beat, and the kernel counts that (context switches in
/proc), whatever the disk, the clock or the process's own bookkeeping are doing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from keelwatch.runs.guardlink import MISSES
from keelwatch.runs.locks import is_held
from keelwatch.runs.mark import PROC, ProcessMark, read_mark

MARGIN = 2  # beats more than run and guardian give each other: they come first
LAST_STEPS = 1  # a thread still takes one on its way into being stopped
COUNTERS = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")


def keep_waking(tick_s: float) -> None:
    """Wake once per beat from a thread of its own, until the process ends or freezes; for one whose other
    threads may wait long for something."""

    def go_on() -> None:
        while True:
            time.sleep(tick_s)

    threading.Thread(target=go_on, name="pulse", daemon=True).start()


def frozen(folders: Sequence[Path], tick_s: float) -> list[Path]:
    """Those run folders of which some process exists and none moves, watched for as long as it takes to
    be sure. A run or guardian that moves will deal with a frozen partner itself."""
    last = {folder: _pulses(folder) for folder in folders}
    moves = {folder: 0 for folder, pulses in last.items() if pulses and None not in pulses.values()}
    for _ in range(MISSES + MARGIN):
        if not moves:
            break
        time.sleep(tick_s)
        now = {folder: _pulses(folder) for folder in moves}
        moves = {folder: count + (now[folder] != last[folder]) for folder, count in moves.items()}
        moves = {folder: count for folder, count in moves.items() if count <= LAST_STEPS}
        last = now
    return sorted(moves)


def kill_processes(folder: Path) -> None:
    """End both processes of a run, each told by pid and start time."""
    for mark in _marks(folder):
        mark.kill()


def _marks(folder: Path) -> list[ProcessMark]:
    """Of the processes that exist by their locks."""
    names = {"process.json": "alive.lock", "guardian.json": "guardian.lock"}
    held = (read_mark(folder / name) for name, lock in names.items() if is_held(folder / lock))
    return [mark for mark in held if mark]


def _pulses(folder: Path) -> dict[ProcessMark, int | None]:
    return {mark: pulse(mark.pid) for mark in _marks(folder)}


def pulse(pid: int) -> int | None:
    """A number that grows while the process moves; None where the kernel does not tell."""
    total, told = 0, False
    for status in (PROC / str(pid) / "task").glob("*/status"):
        try:
            lines = status.read_text(errors="replace").splitlines()
        except OSError:  # that thread has just ended
            continue
        for line in lines:
            name, _, value = line.partition(":")
            if name in COUNTERS:
                total, told = total + int(value), True
    return total if told else None
