"""The run's end of the line to its guardian: a socket pair. Each side sends a byte per beat; the
kernel closes the line with its owner, whatever kills it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress

from keelwatch.runs.mark import wait_gone
from keelwatch.runs.spec import RunSpec
from keelwatch.workspace.errors import KernelError

MISSES = 6  # beats without a word before the other side counts as frozen
READY = b"R"
BEAT = b"."
BYE = b"B"
FAREWELL_S = 1.0
READY_WITHIN_S = 15.0


class GuardianLink:
    """Keeps one ready guardian beside the run. `ensure` is called before acting; `attend` again and
    again, by one thread, and replaces a guardian that died or froze."""

    def __init__(self, spec: RunSpec, tick_s: float) -> None:
        self._spec = spec
        self._tick_s = tick_s
        self._mutex = threading.Lock()
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._pidfd = -1
        self._misses = 0
        self._beat_at = 0.0
        self._is_dismissed = False
        self._farewell = threading.Event()

    def ensure(self) -> None:
        """Return with a guardian that said it is ready. Raises `KernelError` when none can be had."""
        with self._mutex:
            if self._line is None:
                self._start()

    def dismiss(self) -> None:
        """The run has closed in good order and is about to end: make sure that its guardian is awake to
        see that, for nobody would notice a frozen one later. It watches on until the process is gone."""
        with self._mutex:
            self._is_dismissed = True
            line = self._line
        if line is None:
            return
        with suppress(OSError):
            line.send(BYE)
        if not self._farewell.wait(FAREWELL_S):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def attend(self) -> None:
        """Look after the guardian for at most one beat. Raises `KernelError` when it was lost and no
        other could be started."""
        line, pidfd = self._line, self._pidfd
        if line is None:
            time.sleep(self._tick_s)
            return
        due_s = self._beat(line)
        ready, _, _ = select.select([line.fileno(), pidfd], [], [], due_s)
        if line.fileno() in ready:
            self._hear(line)
        if pidfd in ready or self._misses > MISSES:
            self._replace()

    def _beat(self, line: socket.socket) -> float:
        """Send a beat when one is due; returns the seconds to the next. Unanswered beats are counted,
        not seconds: after a suspend both sides have had the same number of chances to speak."""
        now = time.monotonic()
        if now >= self._beat_at + self._tick_s:
            self._beat_at = now
            self._misses += 1
            with suppress(OSError):
                line.send(BEAT)
        return max(0.0, self._beat_at + self._tick_s - now)

    def _hear(self, line: socket.socket) -> None:
        with suppress(OSError):
            words = line.recv(4096)
            if words:
                self._misses = 0
            if BYE in words:
                self._farewell.set()

    def _replace(self) -> None:
        with self._mutex:
            if not self._is_dismissed:
                self._drop()
                self._start()
                return
        self._farewell.set()  # it is gone; nothing is owed any more
        time.sleep(self._tick_s)

    def _drop(self) -> None:
        assert self._line is not None
        assert self._process is not None
        self._line.close()
        self._line = None
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        wait_gone(self._pidfd, 2.0)
        os.close(self._pidfd)
        self._process.poll()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        spec = self._spec
        with theirs, (spec.folder / "log").open("ab") as log:
            try:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", spec.entry, "guard", spec.id, str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            except OSError as error:
                raise KernelError(f"no guardian could be started: {error.strerror}") from None
        ours.settimeout(READY_WITHIN_S)
        try:
            answer = ours.recv(1)
        except OSError:
            answer = b""
        if answer != READY:
            process.kill()
            process.wait()
            ours.close()
            raise KernelError(
                "the guardian did not become ready, so nothing is done", f"see {spec.folder}/log"
            )
        ours.settimeout(0)
        self._process, self._pidfd = process, os.pidfd_open(process.pid)
        self._misses, self._beat_at, self._line = 0, 0.0, ours
