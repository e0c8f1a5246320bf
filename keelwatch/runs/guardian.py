"""The guardian: watches one run from a process and session of its own, and when the run is gone or
frozen takes back what it did, or says that it is orphaned."""

from __future__ import annotations

import os
import select
import signal
import socket
from contextlib import suppress
from enum import StrEnum

from keelwatch.ledger.sqlite import open_ledger
from keelwatch.runs.aftermath import take_over
from keelwatch.runs.guardlink import BEAT, BYE, MISSES, READY
from keelwatch.runs.locks import try_lock
from keelwatch.runs.mark import read_mark, wait_gone, write_mark
from keelwatch.runs.pulse import keep_waking
from keelwatch.runs.signals import unmoved
from keelwatch.runs.spec import read_spec
from keelwatch.runs.table import ProcessTable
from keelwatch.workspace.errors import ExitCode

PATIENCE_S = 2.0  # for the ledger: undoing does not wait for a lock somebody froze with
PREDECESSOR_S = 5.0
LAST_WORDS_S = 3.0


class Loss(StrEnum):
    GONE = "died"
    FROZEN = "froze"


def guard(table: ProcessTable, run: str, fd: int) -> ExitCode:
    """The body of the process `ENTRY guard RUN FD`; FD is its end of the line."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, unmoved)  # it ends with its run, not with a terminal or a shutdown
    spec = read_spec(run)
    line = socket.socket(fileno=fd)
    mark = read_mark(spec.folder / "process.json")
    pidfd = mark.open() if mark else None
    lock = try_lock(spec.folder / "guardian.lock", PREDECESSOR_S)
    if lock is None:
        return ExitCode.REFUSED
    write_mark(spec.folder / "guardian.json")
    keep_waking(table.tick_s)
    store = open_ledger(patience_s=PATIENCE_S)
    loss = _watch(line, table.tick_s) if pidfd is not None else Loss.GONE
    if pidfd is not None:
        _make_sure(pidfd, loss)
    return take_over(store, table, run, f"the run {loss}", by="guardian").exit_code


def _watch(line: socket.socket, tick_s: float) -> Loss:
    """Returns when the run's end of the line is closed, or silent for `MISSES` beats. A goodbye is
    answered and changes nothing: also a run that is about to end may freeze."""
    line.settimeout(0)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    with suppress(OSError):
        line.send(READY)
    misses = 0
    while misses <= MISSES:
        heard = poll.poll(tick_s * 1000)
        misses = 0 if heard else misses + 1
        try:
            words = line.recv(4096) if heard else BEAT
            if not words:
                return Loss.GONE
            line.send(BYE if BYE in words else BEAT)
        except BlockingIOError:
            continue
        except OSError:
            return Loss.GONE
    return Loss.FROZEN


def _make_sure(pidfd: int, loss: Loss) -> None:
    """No undo beside a living run: first it is dead, then we act."""
    if loss is Loss.GONE and wait_gone(pidfd, LAST_WORDS_S):
        return
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    wait_gone(pidfd, LAST_WORDS_S)
    os.close(pidfd)
