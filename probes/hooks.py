"""Named Python functions of a user, for what a journey's language cannot say.

    def check_pdf(context, *, path): ...

`context` is a `HookContext`; the other arguments come from `with`. It may return a mapping: each key becomes
a capture. `AssertionError` fails the step with its text. Each call has a thread of its own, an `async def`
also a loop of its own: one that never returns holds up neither the others nor the end of the process.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from keelwatch.workspace.document import Plain as JsonValue
from keelwatch.workspace.errors import UsageError
from probes.answer import Answer
from probes.aside import aside


@dataclass(frozen=True, slots=True)
class HookContext:
    """What a hook may read, and `ask(method, path, json=None)`: a request like a step's, with its session."""

    journey: str
    region: str
    captures: Mapping[str, JsonValue]
    ask: Callable[..., Awaitable[Answer]]


async def call(uses: str, folder: Path, context: HookContext, arguments: Mapping[str, JsonValue]) -> object:
    """What the hook `FILE.py:FUNCTION` of `folder` returns; its own exceptions pass.

    Raises `UsageError` when there is no such file or function.
    """
    function = await aside(f"load {uses}", partial(load, uses, folder))
    if inspect.iscoroutinefunction(function):
        return await _on_its_own_loop(uses, function, context, arguments)
    return await aside(uses, partial(function, context, **arguments))


async def _on_its_own_loop(
    uses: str,
    function: Callable[..., Coroutine[None, None, object]],
    context: HookContext,
    arguments: Mapping[str, JsonValue],
) -> object:
    """What the coroutine returns. Its requests are made on this loop, with the journey's session; when this
    call is cancelled, so is the coroutine, and a request in flight."""
    asked_by = asyncio.get_running_loop()
    over = threading.Event()
    cancel: list[Callable[[], object]] = []

    async def ask(*args: object, **kwargs: object) -> Answer:
        if over.is_set():
            raise asyncio.CancelledError
        request = asyncio.run_coroutine_threadsafe(_awaited(context.ask(*args, **kwargs)), asked_by)
        return await asyncio.wrap_future(request)

    async def perform() -> object:
        task, own = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        cancel.append(lambda: own.call_soon_threadsafe(task.cancel))
        return await function(replace(context, ask=ask), **arguments)

    try:
        return await aside(uses, lambda: asyncio.run(perform()))
    finally:
        over.set()
        for end in cancel:
            with suppress(RuntimeError):  # it has returned: its loop is closed
                end()


async def _awaited(answer: Awaitable[Answer]) -> Answer:
    return await answer


def load(uses: str, folder: Path) -> Callable[..., object]:
    """The function; its file is loaded under a private name, and never put on `sys.path`."""
    file, _, name = uses.rpartition(":")
    path = (folder / file).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise UsageError(f"the hook {uses} is outside {folder}")
    function = getattr(_module(path, uses), name, None)
    if not callable(function):
        raise UsageError(f"no function {name!r} in {path}")
    found: Callable[..., object] = function
    return found


def _module(path: Path, uses: str) -> ModuleType:
    private = f"_keelwatch_hook_{sha256(str(path).encode()).hexdigest()[:16]}"
    if private in sys.modules:
        return sys.modules[private]
    spec = importlib.util.spec_from_file_location(private, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"the hook {uses} has no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[private] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[private]
        raise
    return module
