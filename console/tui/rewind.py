"""`[` and `]`: the screens go to a moment in the past, while the present goes on being watched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.message import Message

from console.feed import FeedLike, world_of
from console.tui.messages import Replayed
from console.view.world import Origin, Replay, World
from keelwatch.workspace import KeelwatchError, redact
from slo.verdict import verdict

if TYPE_CHECKING:
    from slo.snapshot import State

STEP_S = 300


class Rewind:
    """The moment that is looked at, and the thread that has it evaluated.

    Of moments asked for in haste only the newest is evaluated. Until it is there the screens go on showing
    what they showed, under its own time, and say what they wait for.
    """

    def __init__(self, feed: FeedLike, post: Callable[[Message], object]) -> None:
        self._feed = feed
        self._post = post
        self._target: float | None = None
        self._past: World | None = None
        self._asked = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="rewind", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ended = True
        self._asked.set()

    def step(self, steps: int, now: float) -> None:
        """Go that many steps from where we are, on times of a clock's full 5 minutes; past now is live."""
        at = now if self._target is None else self._target
        first = -(-at // STEP_S) if steps < 0 else at // STEP_S
        target = (first + steps) * STEP_S
        if target >= now:
            self.leave()
        else:
            self._target = target
            self._asked.set()

    def leave(self) -> None:
        self._target = self._past = None

    def arrived(self, message: Replayed, live: World) -> bool:
        """Whether this is the moment that was asked for last; then it is shown from here on."""
        if message.at != self._target:
            return False
        if message.look is not None:
            self._past = world_of(message.look, message.at)
        else:
            self._past = replace(
                live, origin=Origin.LIVE, now=message.at, snapshot=None, trouble=message.trouble, changes=()
            )
        return True

    def over(self, live: World) -> World:
        """`live`, or the past moment that is on show; with what is still being asked for."""
        if self._past is None:
            return replace(live, seeking=self._target) if self._target is not None else live
        return replace(
            self._past,
            running=live.running,
            left=live.left,
            replay=Replay(live.now, _worst(live)),
            seeking=self._target if self._target != self._past.now else None,
        )

    def _run(self) -> None:
        while True:
            self._asked.wait()
            self._asked.clear()
            if self._ended:
                return
            if (at := self._target) is not None:
                self._post(self._evaluate(at))

    def _evaluate(self, at: float) -> Replayed:
        try:
            return Replayed(at, self._feed.look_at(at))
        except KeelwatchError as error:
            return Replayed(at, None, redact(error.message))
        except Exception as error:  # noqa: BLE001 - the screen must outlive any fault of a replay
            return Replayed(at, None, redact(f"internal error: {type(error).__name__}: {error}"))


def _worst(world: World) -> State | None:
    """The worst state now; None while it is not known."""
    if world.stale or world.snapshot is None:
        return None
    return verdict(world.snapshot).worst
