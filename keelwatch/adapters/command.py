"""A command of the user's, run to its end: no shell, a process group of its own, and bounded in time.

It dies with the run that wanted it: by the kernel's word, and with all it has started by the guardian's.
"""

from __future__ import annotations

import os
import selectors
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from keelwatch.adapters.patience import Deadline
from keelwatch.runs.child import RUN_VARIABLE, tied
from keelwatch.workspace.errors import SourceError, UnknownResult
from keelwatch.workspace.sink import redact

KEPT = 8192  # bytes of output, the last ones
LINES = 10
LONGEST = 800  # characters of them that are worth recording
CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Ended:
    """`status`: its exit status, negative for the signal that ended it. `output`: the last lines of stdout
    and stderr, without any secret that is known."""

    status: int
    output: str

    @property
    def words(self) -> str:
        how = f"exit status {self.status}" if self.status >= 0 else f"ended by signal {-self.status}"
        return f"{how}: {self.output}" if self.output else how


def found(argv: Sequence[str], folder: Path) -> str:
    """The program that would run. Raises `SourceError` when there is none."""
    program = argv[0] if "/" not in argv[0] else str(folder / argv[0])
    path = shutil.which(program)
    if path is None:
        raise SourceError(f"there is no program {argv[0]!r}", "is it installed here, and on PATH?")
    return path


def run_command(argv: Sequence[str], folder: Path, run: str, within_s: float, text: str = "") -> Ended:
    """Run it in `folder`, with `text` on its stdin.

    Raises `SourceError` when it cannot be started, and `UnknownResult` when it was killed as the time was
    over.
    """
    with tempfile.TemporaryFile() as told:
        told.write(text.encode())
        told.seek(0)
        try:
            process = subprocess.Popen(
                tied([found(argv, folder), *argv[1:]]),
                cwd=folder,
                env={**os.environ, RUN_VARIABLE: run},
                stdin=told,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        except OSError as error:
            raise SourceError(f"cannot start {argv[0]}: {error.strerror}") from None
    try:
        return _followed(process, argv[0], Deadline.within(within_s), within_s)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _followed(process: subprocess.Popen[bytes], name: str, deadline: Deadline, within_s: float) -> Ended:
    """Its end is that of the program: what it left in the background may hold its output open for ever."""
    assert process.stdout is not None
    out = process.stdout.fileno()
    os.set_blocking(out, False)
    tail, end = b"", os.pidfd_open(process.pid)
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(end, selectors.EVENT_READ)
            selector.register(out, selectors.EVENT_READ)
            while process.poll() is None:
                if deadline.left_s <= 0:
                    said = f"; it said: {_last_lines(tail)}" if tail.strip() else ""
                    raise UnknownResult(
                        f"{name} did not end within {within_s:g} s and was killed{said}",
                        "what it had done by then, only you can tell",
                    )
                ready = [key.fd for key, _ in selector.select(deadline.left_s)]
                if out in ready and not (news := _read(out)):
                    selector.unregister(out)
                elif out in ready:
                    tail = (tail + news)[-KEPT:]
    finally:
        os.close(end)
    while news := _read(out):
        tail = (tail + news)[-KEPT:]
    return Ended(process.returncode, _last_lines(tail))


def _read(out: int) -> bytes:
    """What is there now; nothing at its end, or when nothing is there."""
    try:
        return os.read(out, CHUNK)
    except BlockingIOError:
        return b""


def _last_lines(tail: bytes) -> str:
    lines = redact(tail.decode(errors="replace")).splitlines()[-LINES:]
    plain = ["".join(one if one.isprintable() else " " for one in line).strip() for line in lines]
    text = " | ".join(line for line in plain if line)
    return text if len(text) <= LONGEST else f"... {text[-LONGEST:]}"
