"""Who is alive, told by locks: the kernel drops a flock with its holder, so a held one is never a guess."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from keelwatch.workspace.errors import KernelError

GLANCE_S = 0.3  # `is_held` holds a lock for an instant; a taker outlasts that
PAUSE_S = 0.01


class FileLock:
    """Held until `release` or the end of this process; not inherited by children."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def write(self, text: str) -> None:
        """Leave word in the file about who holds the lock."""
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def release(self) -> None:
        os.close(self._fd)


def try_lock(path: Path, patience_s: float = GLANCE_S) -> FileLock | None:
    """The lock, or None when another process keeps it for `patience_s`. Raises `KernelError`."""
    fd = _open(path)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(fd)
                return None
            time.sleep(PAUSE_S)
        else:
            return FileLock(fd)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock now. Shared, so that two who look do not see each other."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise KernelError(f"cannot lock {path}: {error.strerror}", "check space, owner and mode") from None
