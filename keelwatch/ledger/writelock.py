"""One writer at a time: a flock beside the database.

SQLite's own waiting sleeps in growing steps of up to 100 ms, which is what makes the slow tail of
appends beside other writers; this one asks again every half millisecond, and a writer holds the lock
for about one disk sync.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keelwatch.workspace.errors import KernelError

FIRST_PAUSE_S = 0.0005
LONGEST_PAUSE_S = 0.005


class WriteLock:
    """Held by one writer at a time, over all processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def held(self, patience_s: float) -> Iterator[None]:
        """Raises `KernelError` after `patience_s`: a writer that was frozen with the lock in hand must
        not freeze everybody else."""
        self._take(patience_s)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _take(self, patience_s: float) -> None:
        deadline = time.monotonic() + patience_s
        pause_s = FIRST_PAUSE_S
        while not _try(self._fd):
            if time.monotonic() > deadline:
                raise KernelError(
                    f"the ledger was locked by another writer for {patience_s:g} s ({self._path})",
                    f"a frozen process may hold it: fuser {self._path}",
                )
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.2, LONGEST_PAUSE_S)

    def close(self) -> None:
        os.close(self._fd)


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
