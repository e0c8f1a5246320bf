"""Starting a run: a name is typed first, and then the screen goes on to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.tui.acting import ActingScreen
    from console.tui.typed import TypedDialog


def start_when_typed(
    screen: ActingScreen,
    dialog: TypedDialog,
    start: Callable[[bool], str],
    then: Callable[[str], None],
    otherwise: str = "not started; nothing was done",
) -> None:
    """`start` is given whether the console is armed, and returns the run's id, with which `then` is called
    back on `screen`; `otherwise` is told when the dialog was left."""
    started: list[str] = []

    def begin(armed: bool) -> str:  # noqa: FBT001 - as `start` takes it
        started.append(start(armed))
        return f"run {started[0]} has started"

    def start_if(wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
        if not wanted:
            screen.tell(otherwise)
            return
        armed = screen.console_app.world.armed
        screen.tell("starting ...")
        screen.act(lambda: begin(armed), lambda: then(started[0]))

    screen.app.push_screen(dialog, start_if)
