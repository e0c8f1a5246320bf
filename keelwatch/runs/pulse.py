"""A sign of life that others can see without a line to the process: the time of a file, renewed every
beat. A lock tells that a process exists; its pulse, that it moves."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from keelwatch.runs.guardlink import MISSES
from keelwatch.runs.locks import is_held
from keelwatch.runs.mark import read_mark

MARGIN = 2  # beats more than run and guardian give each other: they come first


def beat(folder: Path, who: str) -> None:
    """`who` is `process` or `guardian`. Needs no space on the disk once the file is there."""
    path = folder / f"{who}.pulse"
    with suppress(OSError):
        path.touch(mode=0o600)
        os.utime(path)


def keep_beating(folder: Path, who: str, tick_s: float) -> None:
    """Beat from a thread of its own, until the process ends or freezes."""

    def go_on() -> None:
        while True:
            beat(folder, who)
            time.sleep(tick_s)

    threading.Thread(target=go_on, name="pulse", daemon=True).start()


def frozen(folders: Sequence[Path], tick_s: float) -> list[Path]:
    """Those run folders of which some process exists and none moves, watched for as long as it takes to
    be sure. A run or guardian that moves will deal with a frozen partner itself."""
    first = {folder: _pulses(folder) for folder in folders}
    still = {folder for folder in folders if first[folder]}
    for _ in range(MISSES + MARGIN):
        if not still:
            break
        time.sleep(tick_s)
        still = {folder for folder in still if _pulses(folder) == first[folder]}
    return sorted(still)


def kill_processes(folder: Path) -> None:
    """End both processes of a run, each told by pid and start time."""
    for who in ("process", "guardian"):
        if mark := read_mark(folder / f"{who}.json"):
            mark.kill()


def _pulses(folder: Path) -> dict[str, int]:
    locks = {"process": "alive.lock", "guardian": "guardian.lock"}
    return {who: _pulse(folder, who) for who, lock in locks.items() if is_held(folder / lock)}


def _pulse(folder: Path, who: str) -> int:
    try:
        return (folder / f"{who}.pulse").stat().st_mtime_ns
    except OSError:
        return 0
