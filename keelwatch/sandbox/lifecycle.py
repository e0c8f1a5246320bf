"""`up`, `down`, `status`: what a console or a test does with a sandbox as a whole."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keelwatch.sandbox import control, endpoints, processes
from keelwatch.sandbox.endpoints import Endpoints
from keelwatch.sandbox.find_servers import find_servers
from keelwatch.sandbox.layout import CUSTOMERS_PER_SECOND, DEFAULT_SEED, HISTORY_DAYS, IDENTITY_VARIABLE
from keelwatch.sandbox.ports import BLOCK
from keelwatch.sandbox.processes import Process
from keelwatch.workspace import KeelwatchError, SourceError, UsageError, boot_id, endpoints_path, sandbox_dir

UP_SECONDS = 120.0
DOWN_SECONDS = 15.0
LOWEST_BASE = 1024
HIGHEST_BASE = 65_535 - BLOCK
SCARCE_BYTES = 16 * 1024 * 1024  # less than the first log, key and database page need

Narrator = Callable[[str], None]

# A supervisor outlives the call that started it, not seldom also this process; kept so that it is reaped.
_supervisors: dict[str, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True, slots=True)
class Options:
    """How a new sandbox is made. `ports` replaces single ports by the names in `ports.OFFSETS`;
    `requests_per_second` is the background customers' rate (0: none). A `history_days` shorter than 35
    starts sooner, and leaves windows longer than that partial."""

    base_port: int | None = None
    ports: Mapping[str, int] | None = None
    seed: int = DEFAULT_SEED
    requests_per_second: float = CUSTOMERS_PER_SECOND
    history_days: float = HISTORY_DAYS


def up(name: str = "main", options: Options | None = None, on_step: Narrator | None = None) -> Endpoints:
    """The running sandbox `name`, started with `options` when it is not running (a running one stays as
    it is). Safe to call twice, or at once.

    Raises `SourceError` when a server is missing or does not start (nothing is left running then) or the
    state folder cannot be written, `UsageError` for a bad name or port.
    """
    folder = sandbox_dir(name)
    _check_base_port(options)
    with _writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(folder):
        if (running := _running(name)) is not None:
            return running
        find_servers()
        _sweep(name)
        _clean(folder)
        return _start(name, folder, options or Options(), on_step)


def down(name: str = "main") -> bool:
    """End everything of sandbox `name` and drop its data; its logs stay. False when nothing ran.

    Raises `SourceError` when a process survives even SIGKILL.
    """
    folder = sandbox_dir(name)
    if not folder.is_dir():
        return False
    with _locked(folder):
        asked = _ask_to_end(name)
        swept = _sweep(name)
        _clean(folder)
        if (own := _supervisors.pop(name, None)) is not None:
            _wait(own)
        return asked or swept


def status(name: str = "main") -> Endpoints | None:
    """The endpoints of the running sandbox; None when it is not running (or is still starting)."""
    return _running(name)


def mark_of(name: str) -> str:
    """How the ids of all sandboxes `name` of this state folder begin."""
    place = hashlib.sha256(str(sandbox_dir(name).resolve()).encode()).hexdigest()[:10]
    return f"{name}.{place}."


def _check_base_port(options: Options | None) -> None:
    base = options.base_port if options is not None else None
    if base is not None and not LOWEST_BASE <= base <= HIGHEST_BASE:
        raise UsageError(
            f"{base} cannot be the first of {BLOCK} ports", f"one from {LOWEST_BASE} to {HIGHEST_BASE}"
        )


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turns what the disk says into a `SourceError`."""
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"cannot write {error.filename or folder}: {error.strerror}",
            "the state folder must be writable, with space left; KEELWATCH_STATE names another",
        ) from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One `up` or `down` of a sandbox at a time; the kernel drops the lock with its holder."""
    with _writing(folder):
        file = (folder / "lock").open("w")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _running(name: str) -> Endpoints | None:
    found = endpoints.load(endpoints_path(name))
    if found is None or found.boot_id != boot_id() or found.state != "ready":
        return None
    return found if found.supervisor.process.is_alive() else None


def _clean(folder: Path) -> None:
    """Everything but the lock and the logs of the last time."""
    for entry in folder.iterdir():
        if entry.name in {"lock", "logs"}:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def _start(name: str, folder: Path, options: Options, on_step: Narrator | None) -> Endpoints:
    shutil.rmtree(folder / "logs", ignore_errors=True)
    with _writing(folder):
        (folder / "logs").mkdir(mode=0o700)
    supervisor = _supervisors[name] = _spawn(name, folder, options)
    try:
        _await_ready(supervisor, folder, on_step)
        found = _running(name)
        if found is None:
            raise SourceError(f"the sandbox {name} ended as soon as it was ready", f"see {folder / 'logs'}")
    except BaseException:
        # Ctrl-C too: a sandbox half up is of no use, and nobody else would take it down.
        supervisor.terminate()
        _wait(supervisor)
        _sweep(name)
        raise
    finally:
        if supervisor.stdout is not None:
            supervisor.stdout.close()
    return found


def _spawn(name: str, folder: Path, options: Options) -> subprocess.Popen[bytes]:
    identity = mark_of(name) + secrets.token_hex(4)
    argv = [sys.executable, "-P", "-m", "keelwatch.sandbox.supervisor"]
    argv += ["--name", name, "--id", identity, "--folder", str(folder), "--seed", str(options.seed)]
    argv += ["--rate", str(options.requests_per_second), "--history-days", str(options.history_days)]
    argv += ["--ports", json.dumps(dict(options.ports or {}))]
    argv += ["--base", str(options.base_port)] if options.base_port is not None else []
    with _writing(folder):
        log = (folder / "logs" / "supervisor.log").open("w")
    with log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
            env=os.environ | {IDENTITY_VARIABLE: identity},
            start_new_session=True,
        )


def _await_ready(supervisor: subprocess.Popen[bytes], folder: Path, on_step: Narrator | None) -> None:
    for news in _news(supervisor):
        if "error" in news:
            kind: type[KeelwatchError] = UsageError if news.get("usage") else SourceError
            raise kind(str(news["error"]), str(news.get("hint") or f"logs: {folder / 'logs'}"))
        if news.get("ready"):
            return
        if on_step is not None:
            on_step(f"{news.get('step')} after {news.get('after_s')} s")
    raise _silent_end(folder / "logs" / "supervisor.log")


def _silent_end(log: Path) -> SourceError:
    last = "\n".join(log.read_text(errors="replace").strip().splitlines()[-8:])
    if last:
        return SourceError(f"the sandbox's supervisor did not start; the end of {log}:\n{last}")
    free = shutil.disk_usage(log.parent).free
    if free < SCARCE_BYTES:
        return SourceError(
            f"the disk of {log.parent} is full ({free} bytes left): the sandbox cannot start",
            "free some space, or let KEELWATCH_STATE name a folder of another disk",
        )
    return SourceError(
        f"the sandbox's supervisor ended without a word ({log} is empty)",
        "was it killed? See dmesg for want of memory, then try again",
    )


def _news(supervisor: subprocess.Popen[bytes]) -> Iterator[dict[str, object]]:
    """The supervisor's JSON lines, until it ends or `UP_SECONDS` have passed."""
    assert supervisor.stdout is not None
    handle = supervisor.stdout.fileno()
    deadline = time.monotonic() + UP_SECONDS
    pending = b""
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([handle], [], [], left)[0]:
            break
        chunk = os.read(handle, 65_536)
        if not chunk:
            return
        *lines, pending = (pending + chunk).split(b"\n")
        yield from (json.loads(line) for line in lines)
    raise SourceError(f"the sandbox was not ready within {UP_SECONDS:g} s")


def _wait(supervisor: subprocess.Popen[bytes]) -> None:
    try:
        supervisor.wait(DOWN_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        supervisor.wait()


def _ask_to_end(name: str) -> bool:
    """Ask the supervisor over its socket and wait until it is gone; False when it does not answer."""
    found = endpoints.load(endpoints_path(name))
    if found is None or found.boot_id != boot_id() or not found.supervisor.process.is_alive():
        return False
    handle = os.open(sandbox_dir(name), os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(2)
            client.connect(f"/proc/self/fd/{handle}/{control.SOCKET}")
            client.sendall(b'{"do": "down"}\n')
            client.recv(4096)
    except OSError:
        return False
    finally:
        os.close(handle)
    return processes.wait_for_end(found.supervisor.process, DOWN_SECONDS)


def _sweep(name: str) -> bool:
    """End whatever an earlier sandbox `name` left, until there is nothing: what is just being started has no
    environment to be found by yet."""
    has_ended = False
    while found := _left_by(name):
        if left := processes.end(found):
            pids = ", ".join(str(process.pid) for process in left)
            raise SourceError(f"processes of the sandbox {name} cannot be ended: {pids}", f"kill -9 {pids}")
        has_ended = True
    return has_ended


def _left_by(name: str) -> list[Process]:
    """By environment, and by pid with start time."""
    recorded = endpoints.load(endpoints_path(name))
    known = recorded.processes if recorded is not None and recorded.boot_id == boot_id() else ()
    listed = [child.process for child in known if child.process.is_alive()]
    descendants = processes.with_descendants(process.pid for process in listed)
    return sorted({*processes.marked(mark_of(name)), *listed, *descendants})
