"""A run's samples and words: one JSON object per line, hashed as they are written. Not facts: their
sha256 is in the closing fact, and a failover's append never queues behind them."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from keelwatch.ledger.fact import JsonObject, canonical, parse_object
from keelwatch.runs.fields import number
from keelwatch.workspace.errors import KernelError

PIECE = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class StreamLine:
    """`at` is Unix time (s); `record` holds `sample` or `say`."""

    at: float
    record: JsonObject


class StreamWriter:
    """Appends to `path`, also after a crash: a torn last line is ended, never overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = path.open("ab", buffering=0)
            self._hash, self._lines, is_torn = _digest(path)
        except OSError as error:
            raise KernelError(
                f"cannot write the stream {path}: {error.strerror}", "check space and mode"
            ) from None
        if is_torn:
            self._write(b"\n")

    def write(self, record: JsonObject) -> None:
        """Secrets are masked. Raises `KernelError` when the disk is full."""
        self._write(canonical({"at": time.time(), **record}).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        try:
            written = self._file.write(line)
        except OSError as error:
            raise KernelError(
                f"cannot write the stream {self._path}: {error.strerror}", "free some space"
            ) from None
        self._hash.update(line[:written])
        self._lines += 1

    def close(self) -> JsonObject:
        """What the closing fact says of the stream."""
        self._file.close()
        return {"sha256": self._hash.hexdigest(), "lines": self._lines}


def stream_summary(path: Path) -> JsonObject:
    """The same for the stream of a run that is dead."""
    if not path.exists():
        return {"sha256": hashlib.sha256().hexdigest(), "lines": 0}
    digest, lines, _ = _digest(path)
    return {"sha256": digest.hexdigest(), "lines": lines}


def _digest(path: Path) -> tuple[hashlib._Hash, int, bool]:
    """Hash, number of lines, and whether the last one lacks its end; in pieces, for streams grow long."""
    digest, lines, last = hashlib.sha256(), 0, b"\n"
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            lines += piece.count(b"\n")
            last = piece[-1:]
    return digest, lines, last != b"\n"


def read_stream(path: Path, offset: int) -> tuple[list[StreamLine], int]:
    """Whole lines from byte `offset` on, about a megabyte at most, and the offset after them."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read(PIECE)
            data += b"" if data.endswith(b"\n") else file.readline()
    except FileNotFoundError:
        return [], offset
    except OSError as error:
        raise KernelError(f"cannot read the stream {path}: {error.strerror}") from None
    end = data.rfind(b"\n") + 1
    return [line for text in data[:end].splitlines() if (line := _parse(text))], offset + end


def _parse(text: bytes) -> StreamLine | None:
    try:
        record = parse_object(text.decode())
    except ValueError:  # torn by a crash
        return None
    return StreamLine(number(record, "at"), record)
