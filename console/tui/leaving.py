"""The question that `demo` asks on the way out."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Button

from console.tui.dialog import Choice


class LeaveScreen(Choice):
    """Keep the sandbox running, or stop it. Keeping has the focus: it loses nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "answer(False)", "keep", id="leave.keep"),
        Binding("s", "answer(True)", "stop", id="leave.stop"),
    ]

    def __init__(self, name: str) -> None:
        keep = Button("k  keep it running", id="no", compact=True)
        stop = Button("s  stop it", id="yes", compact=True)
        super().__init__(f"Leave the console. What about the sandbox {name!r}?", keep, stop)
