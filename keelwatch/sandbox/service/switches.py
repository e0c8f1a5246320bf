"""The portal's flags as a process meets them: read from the sandbox's file, and again when it has changed."""

from __future__ import annotations

from pathlib import Path

from keelwatch.sandbox.flags import Flags, from_json, usual


class Switches:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = (0, 0)
        self._flags: Flags = usual()

    def is_on(self, flag: str, region: str) -> bool:
        self._read_when_changed()
        return self._flags[flag][region]

    def _read_when_changed(self) -> None:
        try:
            found = self._path.stat()
        except OSError:
            return
        seen = (found.st_mtime_ns, found.st_ino)
        if seen != self._seen:
            self._flags = from_json(self._path.read_text())
            self._seen = seen
