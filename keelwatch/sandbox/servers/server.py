"""What the supervisor must know of a server to start, watch and stop it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keelwatch.sandbox.layout import Layout
from keelwatch.workspace import SourceError

Step = Callable[[], Awaitable[None]]
Question = Callable[[], Awaitable[bool]]


COMMAND_SECONDS = 60.0


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Server:
    """`prepare` runs once, before the first start. `ready` is asked at the first start, `serves` at later
    ones: a standby that restarts while its primary is held by a fault must not be thought broken. No fault
    of its component stops what `is_beside` the platform: it is there to watch it.

    It starts when all of `needs` are ready and all of `after_preparing` have done with `prepare`."""

    name: str
    component: str
    region: str | None
    argv: tuple[str, ...]
    ready: Question
    serves: Question
    prepare: Step = _nothing
    needs: tuple[str, ...] = ()
    after_preparing: tuple[str, ...] = ()
    within_s: float = 45.0
    stop_signal: signal.Signals = signal.SIGTERM
    on_orphaned: str = "KILL"
    setpriv: tuple[str, ...] = ()
    is_beside: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def log(self, layout: Layout) -> Path:
        return layout.logs / f"{self.name}.log"


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """A command line for one of our own processes; `-P` keeps the working folder off `sys.path`."""
    return (sys.executable, "-P", "-m", module, *arguments)


async def run(argv: Sequence[str], what: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return its output. Raises `SourceError` naming `what`."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | dict(environment or {}),
        start_new_session=True,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
    except (TimeoutError, asyncio.CancelledError):
        # The whole group: a child left behind would hold the pipe open, and `wait` with it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        raise
    text = output.decode(errors="replace")
    if process.returncode != 0:
        last = "\n".join(text.strip().splitlines()[-8:])
        raise SourceError(f"{what} failed with exit code {process.returncode}:\n{last}")
    return text


async def answers_http(port: int, path: str) -> bool:
    """Whether 127.0.0.1:`port` answers GET `path` with 200 within a second."""
    return await fetch(port, path) is not None


async def fetch(port: int, path: str) -> bytes | None:
    """What 127.0.0.1:`port` answers to GET `path` within a second, head and body; None unless it is 200."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                answer = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
    return answer if b" 200 " in answer.partition(b"\r\n")[0] else None
