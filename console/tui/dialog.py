"""Lines to read over a screen, and questions that one key answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from console.tui.text_screen import TextScreen
from keelwatch.workspace.visible import visible


class LinesDialog(TextScreen):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss_me", "back", id="lines.back", key_display="esc"),
    ]


class Choice(ModalScreen[bool]):
    """A question, and a button for each answer: `yes`, and `no`, which loses nothing and has the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("left,right", "app.focus_next", show=False)]

    def __init__(self, question: str, *answers: Button) -> None:
        super().__init__()
        self._question = visible(question)
        self._answers = answers

    def compose(self) -> ComposeResult:
        with Vertical(id="question"):
            yield Static(Text(self._question), markup=False)
            with Horizontal():
                yield from self._answers

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_answer(self, yes: bool) -> None:  # noqa: FBT001 - Textual passes action arguments by position
        self.dismiss(yes)


class RunDialog(Choice):
    """What will run, and the command that does the same. `r` runs it; any way out does not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "answer(True)", "run", id="run.yes"),
        Binding("escape,q", "answer(False)", "back", id="run.no", key_display="esc"),
    ]

    def __init__(self, lines: Sequence[str]) -> None:
        run, leave = (
            Button("r  run it", id="yes", compact=True),
            Button("esc  not now", id="no", compact=True),
        )
        super().__init__("\n".join(lines), run, leave)


class StopDialog(Choice):
    """What will be stopped, and the command that does the same. The key that asked is not the one that
    answers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "answer(True)", "stop", id="stop.yes"),
        Binding("escape,q", "answer(False)", "back", id="stop.no", key_display="esc"),
    ]

    def __init__(self, lines: Sequence[str]) -> None:
        stop, leave = (
            Button("s  stop it", id="yes", compact=True),
            Button("esc  let it go on", id="no", compact=True),
        )
        super().__init__("\n".join(lines), stop, leave)
