"""A tool's process, tied to its run: Locust, chaoslib, a load generator. It never outlives the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from keelwatch.runs import tether
from keelwatch.workspace.errors import InternalError, SourceError

RUN_VARIABLE = "KEELWATCH_RUN"  # in the environment of everything a run starts: how its leftovers are found
TOOL_VARIABLES = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TZ",
        "TMPDIR",
        "PYTHONPATH",
        "VIRTUAL_ENV",
        "KEELWATCH_STATE",
        "XDG_STATE_HOME",
    }
)
"""What a tool gets of our environment where it is not trusted with all of it: no token of anybody."""
PAUSE_S = 0.02


class Child:
    """A process group of its own. `process` is the plain `subprocess.Popen`, its stdout a pipe when
    none was given."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def stop(self, first: signal.Signals = signal.SIGINT, grace_s: float = 5.0) -> int:
        """Ask the group to end, wait `grace_s`, then kill what is left of it. Returns the exit status of
        the child (negative: the signal that ended it)."""
        self._signal(first)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(grace_s)
        self._signal(signal.SIGKILL)
        return self.process.wait()

    def wait(self, within_s: float) -> int | None:
        """The exit status, or None when it still runs after that time."""
        deadline = time.monotonic() + within_s
        while (status := self.process.poll()) is None and time.monotonic() < deadline:
            time.sleep(PAUSE_S)
        return status

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


def start_child(
    run: str,
    argv: Sequence[str],
    env: Mapping[str, str],
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
    cwd: Path | None = None,
    keep: Collection[str] | None = None,
) -> Child:
    """Start `argv` so that it dies with the calling thread, which must be the main one. `keep` names the
    variables it gets of our environment beside `env`: all of them, unless given.

    Raises `SourceError` when it cannot be started.
    """
    if threading.current_thread() is not threading.main_thread():
        raise InternalError("a child must be started from the main thread: it dies with the one that did")
    ours = {name: value for name, value in os.environ.items() if keep is None or name in keep}
    try:
        process = subprocess.Popen(
            tied(argv),
            env={**ours, **env, RUN_VARIABLE: run},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            process_group=0,
            cwd=cwd or Path.cwd(),
        )
    except OSError as error:
        raise SourceError(f"cannot start {argv[0]}: {error.strerror}", "is it installed?") from None
    return Child(process)


def tied(argv: Sequence[str]) -> list[str]:
    """The command line that becomes `argv` and dies with the thread that starts it."""
    return [sys.executable, "-I", "-S", tether.__file__ or "", str(os.getpid()), "--", *argv]
