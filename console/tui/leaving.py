"""The question that `demo` asks on the way out."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static


class LeaveScreen(ModalScreen[bool]):
    """Keep the sandbox running, or stop it. Keeping has the focus: it loses nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "answer(False)", "keep", id="leave.keep"),
        Binding("s", "answer(True)", "stop", id="leave.stop"),
        Binding("left,right", "app.focus_next", show=False),
    ]

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name_of_sandbox = name

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(
                f"Leave the console. What about the sandbox {self._name_of_sandbox!r}?", markup=False
            )
            with Horizontal():
                yield Button("k  keep it running", id="keep", compact=True)
                yield Button("s  stop it", id="stop", compact=True)

    def on_mount(self) -> None:
        self.query_one("#keep").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "stop")

    def action_answer(self, stop: bool) -> None:  # noqa: FBT001 - Textual passes action arguments by position
        self.dismiss(stop)
