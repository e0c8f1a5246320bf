"""A command that is given up takes along what it started: Chaos Toolkit ends the command alone, and the rest
would go on acting until the experiment is over."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import chaoslib.provider.process


def install() -> None:
    """Once, before the experiment runs."""
    ours = SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired)
    chaoslib.provider.process.subprocess = ours


def run(arguments: Any, *, timeout: float | None, env: Any, shell: bool, **_: Any) -> Any:
    """As `subprocess.run` does it, in the group of this process, which ends with the run."""
    command = subprocess.Popen(
        arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=env,
        shell=shell,
    )
    with command:
        try:
            said, errors = command.communicate(timeout=timeout)
        except BaseException:
            kill_tree(command.pid)
            raise
    return subprocess.CompletedProcess(arguments, command.returncode, said, errors)


def kill_tree(pid: int) -> None:
    """Parents first: one that is gone starts nobody any more."""
    children = _children()
    waiting = [pid]
    while waiting:
        one = waiting.pop(0)
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
        waiting += children[one]


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):  # it has just ended
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
                found[int(parent)].append(int(entry.name))
    return found
