"""Which faults can be set here and now, and why the others cannot: each one asked of whoever would do it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from keelwatch.adapters import sandbox
from keelwatch.adapters.faults.place import sandbox_of
from keelwatch.adapters.host.named import NOT_DECLARED, told_by
from keelwatch.adapters.host.waker import Member, is_alive
from keelwatch.ledger import JsonObject
from keelwatch.workspace.errors import ExitCode, KeelwatchError, UsageError

SET, KILL, HANG = "fault.set", "process.kill", "process.hang"
LOOK_S = 5.0
TRY_S = 5.0
THROWN_AWAY = ("unshare", "--net")
"""What is tried in a network of its own leaves nothing behind."""
BY_KERNEL = {
    "netem": ("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"),
    "nftables": ("nft", "add", "table", "inet", "keelwatch_probe"),
}


@dataclass(frozen=True, slots=True)
class Possible:
    """`verb` sets it; empty where no verb of ours does, and an experiment's own actions may. `why` and
    `remedy` are empty for what is `allowed`; `code` is what not being able to tell ends with."""

    verb: str
    fault: str
    value: str
    allowed: bool
    why: str = ""
    remedy: str = ""
    code: ExitCode = ExitCode.PASS


def possible(args: JsonObject) -> Iterator[Possible]:
    """`args` name a workspace and an environment, as a verb's do. Raises `InputError` for a bad workspace."""
    yield from _of_sandbox(args)
    yield from _of_processes(args)
    for name, command in BY_KERNEL.items():
        yield _by_kernel(name, command)


def _of_sandbox(args: JsonObject) -> Iterator[Possible]:
    try:
        found = sandbox.fault_kinds(sandbox_of(args), LOOK_S)
    except KeelwatchError as error:
        yield _none(SET, "every fault of a sandbox", error)
        return
    for one in found:
        yield Possible(SET, one.target, one.value, not one.refusal, one.refusal)


def _of_processes(args: JsonObject) -> Iterator[Possible]:
    try:
        told = told_by(sandbox_of(args, NOT_DECLARED))
    except KeelwatchError as error:
        yield from (_none(verb, "every process", error) for verb in (KILL, HANG))
        return
    for name, member in told.items():
        why = _why_not(member)
        remedy = "run keelwatch as the user who started the sandbox" if why else ""
        yield from (Possible(verb, name, "", not why, why, remedy) for verb in (KILL, HANG))


def _none(verb: str, fault: str, error: KeelwatchError) -> Possible:
    """That an environment is no sandbox is an answer; that one does not run is a source that is away."""
    code = ExitCode.PASS if isinstance(error, UsageError) else error.exit_code
    return Possible(verb, fault, "", allowed=False, why=error.message, remedy=error.hint, code=code)


def _why_not(member: Member) -> str:
    """Empty when we may signal it: the kernel is asked, with the signal that does nothing."""
    try:
        handle = os.pidfd_open(member[0])
    except ProcessLookupError:
        return "it does not run now"
    except OSError as error:
        return f"this kernel does not let a process be held on to: {error.strerror}"
    try:
        if not is_alive(member):
            return "it does not run now"
        signal.pidfd_send_signal(handle, 0)  # no signal, only the question
    except PermissionError:
        return "it belongs to another user"
    except ProcessLookupError:
        return "it does not run now"
    finally:
        os.close(handle)
    return ""


def _by_kernel(name: str, command: tuple[str, ...]) -> Possible:
    why = _tried(command)
    remedy = "between a sandbox's regions the faults of link do the same" if why else ""
    return Possible("", f"host {name}", "", not why, why, remedy)


def _tried(command: tuple[str, ...]) -> str:
    """Why it cannot be done; empty when it has just been done, in a network that is gone again."""
    missing = [one for one in (THROWN_AWAY[0], command[0]) if shutil.which(one) is None]
    if missing:
        return f"{missing[0]} is not installed"
    try:
        done = subprocess.run(
            [*THROWN_AWAY, "--", *command], capture_output=True, text=True, timeout=TRY_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{command[0]} cannot be tried: {type(error).__name__}"
    words = " ".join(done.stderr.split())
    return "" if done.returncode == 0 else words or f"{command[0]} ended with {done.returncode}"
