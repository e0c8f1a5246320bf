"""Work that must not hold up the event loop, in threads that hold up nobody either.

asyncio's own executor has six threads on a small machine, which everybody shares, and a process waits for
all of them before it ends. Here each call has a daemon thread of its own: one that never returns costs its
caller a deadline, and nobody else anything.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress


async def aside[T](what: str, work: Callable[[], T]) -> T:
    """What `work` returns or raises; `what` names its thread. Cancelled, it goes on unheard."""
    loop = asyncio.get_running_loop()
    mine: asyncio.Future[T] = loop.create_future()

    def perform() -> None:
        try:
            found = work()
        except BaseException as error:  # noqa: BLE001 whatever it is, it is the caller's
            failure = _raisable(error)
            _hand_over(loop, mine, lambda: mine.set_exception(failure))
        else:
            _hand_over(loop, mine, lambda: mine.set_result(found))

    threading.Thread(target=perform, name=what, daemon=True).start()
    return await mine


def _hand_over[T](
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[T], settle: Callable[[], None]
) -> None:
    with suppress(RuntimeError):  # that loop is closed: nobody waits any more
        loop.call_soon_threadsafe(lambda: None if future.done() else settle())


def _raisable(error: BaseException) -> BaseException:
    """A future refuses a `StopIteration`, and an exit or interrupt is none of a thread's."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
