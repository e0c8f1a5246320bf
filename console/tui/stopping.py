"""Telling a run to stop: confirmed first, and then what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.tui.acting import ActingScreen
    from keelwatch.runs import StopReport


def stop_when_confirmed(
    screen: ActingScreen,
    lines: Sequence[str],
    stop: Callable[[], StopReport],
    then: Callable[[], None],
) -> None:
    """`lines` are read first; `then` is called back on `screen` once the run is told."""
    from console.tui.dialog import StopDialog

    def stop_if(wanted: bool | None) -> None:  # noqa: FBT001 - the dialog's answer
        if wanted:
            screen.act(lambda: told_to("stop", stop()), then)

    screen.app.push_screen(StopDialog(lines), stop_if)


def told_to(what: str, report: StopReport) -> str:
    """What became of telling a run to stop, or to pause."""
    lost = f" (not recorded: {report.error})" if report.error else ""
    found = f"is told to {what}" if report.signalled else "has no process"
    return f"{report.run} {found}{lost}"
