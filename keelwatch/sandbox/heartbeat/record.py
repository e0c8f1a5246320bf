"""The file of attempts: one JSON line each, and the numbers that were used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

LARGEST_BYTES = 4_000_000
TAIL_BYTES = 4096


class Record:
    def __init__(self, path: Path, largest_bytes: int = LARGEST_BYTES) -> None:
        self._path = path
        self._older = path.with_name(path.name + ".1")
        self._largest = largest_bytes
        self.last = max((_last_number(each) for each in (self._older, path)), default=0)
        self._file = path.open("ab", buffering=0)

    def write(self, **line: object) -> None:
        """On the disk's way when this returns: a killed writer has told everything."""
        if self._file.tell() >= self._largest:
            self._file.close()
            self._path.replace(self._older)
            self._file = self._path.open("ab", buffering=0)
        self._file.write(json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        self._file.close()


def _last_number(path: Path) -> int:
    """The highest `n` at the end of the file; 0 without one. A line cut off by a kill counts for nothing."""
    return max(_numbers(path), default=0)


def _numbers(path: Path) -> Iterator[int]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            lines = file.read().splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield int(json.loads(line)["n"])
        except (ValueError, KeyError, TypeError):
            continue
