"""What leaves the commands: the one shape of their JSON, and what happens when it cannot be written.

What the encoding of a stream lacks is written as an escape.

A full disk, or a reader that left, never ends a command in its middle: it does what it was asked to and
says at the end that its words were lost. So no fault is set, and no run stopped, by half.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Buffer, Mapping
from pathlib import Path
from typing import TextIO

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


class Outlet(io.FileIO):
    """A descriptor whose first trouble is kept in `trouble` instead of raised; what follows is dropped."""

    trouble: OSError | None = None

    def write(self, data: Buffer, /) -> int:
        if self.trouble is None:
            try:
                return super().write(data)
            except OSError as error:
                self.trouble = error
        return memoryview(data).nbytes


def guard_output() -> None:
    """From now on stdout and stderr never raise; `settle` says what became of them."""
    sys.stdout = _guarded(sys.stdout)
    sys.stderr = _guarded(sys.stderr)


def _guarded(stream: TextIO | None) -> TextIO:
    """A closed descriptor becomes /dev/null: the next file opened would take its number, and our words."""
    if stream is None:
        return Path(os.devnull).open("w", encoding="utf-8")
    if not isinstance(stream, io.TextIOWrapper):
        return stream  # whoever embeds us brought a stream of their own
    stream.flush()
    outlet = Outlet(stream.fileno(), "w", closefd=False)
    at_once = stream.line_buffering or stream.write_through
    # What a terminal's encoding lacks is escaped: a name with an accent is no reason to end in a fault.
    return io.TextIOWrapper(
        io.BufferedWriter(outlet),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=at_once,
    )


def is_lost() -> bool:
    """Whether what is written to stdout goes nowhere any more."""
    sys.stdout.flush()
    return _trouble() is not None


def settle(code: int) -> int:
    """Write out what is left; returns the exit code of the whole command.

    Output that was lost is a 5, like a ledger that cannot be written, unless `code` is worse: nobody can
    act on an answer that never arrived. A reader that left (`| head`) has what it wanted and changes nothing.
    """
    sys.stdout.flush()
    trouble = _trouble()
    if trouble is None or trouble.errno == errno.EPIPE:
        return code
    from keelwatch.workspace import ExitCode, narrate, worst

    narrate(f"error: the output could not be written: {trouble.strerror}")
    return int(worst([ExitCode(code), ExitCode.SOURCE]))


def _trouble() -> OSError | None:
    outlet = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return outlet.trouble if isinstance(outlet, Outlet) else None


def emit_json(command: str, environment: str | None, at: float, body: Mapping[str, object]) -> None:
    """Print one document."""
    from keelwatch.workspace import write_out

    write_out(json_document(command, environment, at, body))


def json_document(command: str, environment: str | None, at: float, body: Mapping[str, object]) -> str:
    """One document: schema, time (Unix seconds) and environment first, then `body`."""
    import json

    from keelwatch.workspace.visible import visible_json

    head = {"schema": f"keelwatch/{command}/1", "at": at, "environment": environment}
    document = json.dumps({**head, **body}, indent=2, ensure_ascii=not _takes_every_character())
    return visible_json(document)


def _takes_every_character() -> bool:
    """Elsewhere JSON escapes its characters itself: the escapes of a terminal are none of JSON's."""
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "").startswith("utf")


def counted(count: int, what: str) -> str:
    """`1 problem`, `2 problems`"""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
