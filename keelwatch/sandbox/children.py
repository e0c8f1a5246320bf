"""Keeps one server running: starts it, waits until it is ready, restarts it when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from keelwatch.sandbox.endpoints import Child
from keelwatch.sandbox.layout import IDENTITY_VARIABLE, Layout
from keelwatch.sandbox.processes import start_ticks
from keelwatch.sandbox.servers.server import Question, Server
from keelwatch.workspace import KeelwatchError, SourceError, narrate

FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 5.0
STEADY_S = 30.0
STOP_GRACE_S = 6.0
POLL_S = 0.05


class State(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    HELD = "held"  # stopped by a fault
    CRASHED = "crashed"
    ENDED = "ended"


@dataclass(slots=True)
class Keeper:
    """Owns the process of one `Server`. All methods run in the supervisor's event loop."""

    server: Server
    layout: Layout
    setpriv: str
    changed: Callable[[], None]
    state: State = State.WAITING
    restarts: int = 0
    child: Child | None = None
    is_prepared: asyncio.Event = field(default_factory=asyncio.Event)
    is_up: asyncio.Event = field(default_factory=asyncio.Event)
    _process: asyncio.subprocess.Process | None = None
    _watch: asyncio.Task[None] | None = None
    _held: bool = False

    async def start(self) -> None:
        """Prepare and start; returns when ready. Raises `SourceError` naming the server and its log."""
        await self.server.prepare()
        self.is_prepared.set()
        await self._spawn()
        await self._await(self.server.ready)
        self._watch = asyncio.create_task(self._keep(), name=f"keep {self.server.name}")

    async def _spawn(self) -> None:
        self._set(State.STARTING)
        pdeathsig = f"--pdeathsig={self.server.on_orphaned}"
        log = os.open(self.server.log(self.layout), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # The parent-death signal follows the thread that forks: always the supervisor's main thread.
            self._process = await asyncio.create_subprocess_exec(
                *(self.setpriv, *self.server.setpriv, pdeathsig, "--", *self.server.argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.layout.folder,
                env=self._environment(),
                start_new_session=True,
            )
        finally:
            os.close(log)
        pid = self._process.pid
        ticks = start_ticks(pid) or 0
        self.child = Child(self.server.name, self.server.component, self.server.region, pid, ticks)
        self.changed()

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return kept | {IDENTITY_VARIABLE: self.layout.id} | dict(self.server.environment)

    async def _await(self, question: Question) -> None:
        deadline = time.monotonic() + self.server.within_s
        while time.monotonic() < deadline:
            if self._process is None or self._process.returncode is not None:
                raise self._failure("ended while it started")
            if await question():
                self._set(State.READY)
                self.is_up.set()
                return
            await asyncio.sleep(POLL_S)
        raise self._failure(f"was not ready within {self.server.within_s:g} s")

    def _failure(self, what: str) -> SourceError:
        log = self.server.log(self.layout)
        with contextlib.suppress(OSError):
            lines = log.read_text(errors="replace").strip().splitlines()[-8:]
            return SourceError(f"{self.server.name} {what}; the end of {log}:\n" + "\n".join(lines), "")
        return SourceError(f"{self.server.name} {what}; it left no log at {log}")

    async def _keep(self) -> None:
        """Restart after each end that nobody asked for; the pause grows while it keeps dying."""
        pause_s = FIRST_BACKOFF_S
        while True:
            began = time.monotonic()
            if self._process is not None:
                await self._process.wait()
            if self._held or self.state is State.ENDED:
                return
            self._set(State.CRASHED)
            self.restarts += 1
            pause_s = FIRST_BACKOFF_S if time.monotonic() - began > STEADY_S else pause_s
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_BACKOFF_S)
            await self._start_again()

    async def _start_again(self) -> None:
        """One try. One that hangs is killed, so that `_keep` sees its end and tries once more."""
        try:
            await self._spawn()
            await self._await(self.server.serves)
        except (KeelwatchError, OSError):
            self._signal(signal.SIGKILL)

    @property
    def lives(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def crash(self) -> None:
        """kill -9, once; the keeper starts it again."""
        self._signal(signal.SIGKILL)

    def reload(self) -> None:
        """Tell it to read its configuration anew, as HAProxy's master understands it."""
        self._signal(signal.SIGUSR2)

    async def hold(self, *, by_kill: bool = False) -> None:
        """Stop it until `release`; `by_kill`: it gets no chance to tidy up."""
        self._held = True
        if by_kill:
            self._signal(signal.SIGKILL)
        await self._stop()
        self._set(State.HELD)

    async def release(self) -> None:
        """Start it again after `hold`; returns at once, and the keeper goes on trying."""
        if not self._held:
            return
        self._held = False
        self._watch = asyncio.create_task(self._revive(), name=f"keep {self.server.name}")

    async def _revive(self) -> None:
        await self._start_again()
        await self._keep()

    async def end(self) -> None:
        self._set(State.ENDED)
        await self._stop()

    async def _stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        if self._process is None:
            return
        self._signal(self.server.stop_signal)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_GRACE_S)
        except TimeoutError:
            narrate(f"{self.server.name} did not stop within {STOP_GRACE_S:g} s and is killed")
            self._signal(signal.SIGKILL)
            await self._process.wait()
        self.child = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _set(self, state: State) -> None:
        self.state = state
        self.changed()
