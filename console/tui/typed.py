"""Two questions that a stray key does not answer: a name to be typed, and a reason to be given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from console.tui.worldly import Line


class TypedDialog(ModalScreen[bool]):
    """Yes only once `word` is typed. Cancel has the focus until then, so enter alone does nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="typed.cancel", key_display="esc"),
        Binding("pageup", "scroll_text(-5)", show=False, id="typed.up"),
        Binding("pagedown", "scroll_text(5)", show=False, id="typed.down"),
    ]

    def __init__(self, title: str, lines: Sequence[str], word: str, deed: str) -> None:
        super().__init__()
        self._heading = title
        self._lines = lines
        self._word = word
        self._deed = deed
        self._typed = ""

    def compose(self) -> ComposeResult:
        with Vertical(id="asked"):
            with VerticalScroll(id="lines", can_focus=False):
                yield Static(Text("\n".join(self._lines)), classes="text", markup=False)
            yield Line("typed")
            with Horizontal():
                yield Button("esc  cancel", id="no", compact=True)
                yield Button(self._deed, id="yes", compact=True, disabled=True)

    def on_mount(self) -> None:
        self.query_one("#asked").border_title = f" {self._heading} "
        self.query_one("#no").focus()
        self._show()

    def on_key(self, event: events.Key) -> None:
        if event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.character is not None and event.is_printable:
            self._typed += event.character
        else:
            return
        event.stop()
        self._show()

    def _show(self) -> None:
        is_right = self._typed == self._word
        yes = self.query_one("#yes", Button)
        yes.disabled = not is_right
        (yes if is_right else self.query_one("#no", Button)).focus()
        then = f"enter: {self._deed}" if is_right else "Cancel has the focus; enter alone does nothing"
        self.query_one("#typed", Line).say(f"Type {self._word}: {self._typed}_   ({then})")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes" and self._typed == self._word)

    def action_cancel(self) -> None:
        self.dismiss(False)  # noqa: FBT003 - the answer itself

    def action_scroll_text(self, lines: int) -> None:
        self.query_one("#lines", VerticalScroll).scroll_relative(y=lines, animate=False)


class ReasonDialog(ModalScreen[str]):
    """A sentence; an empty one is no answer. Leaving answers with an empty text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="reason.cancel", key_display="esc"),
    ]

    def __init__(self, title: str, lines: Sequence[str], ask: str = "why, in a sentence") -> None:
        super().__init__()
        self._heading = title
        self._lines = lines
        self._ask = ask

    def compose(self) -> ComposeResult:
        with Vertical(id="asked"):
            with VerticalScroll(id="lines", can_focus=False):
                yield Static(Text("\n".join(self._lines)), classes="text", markup=False)
            yield Line("typed")
            note = Input(id="note", compact=True, placeholder=self._ask)
            note.cursor_blink = False
            yield note

    def on_mount(self) -> None:
        self.query_one("#asked").border_title = f" {self._heading} "
        self.query_one("#typed", Line).say(f"{self._ask}; enter: do it, esc: not now")
        self.query_one("#note").focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if event.value.strip():
            self.dismiss(event.value.strip())
        else:
            self.query_one("#typed", Line).say(f"nothing is done without: {self._ask}")

    def action_cancel(self) -> None:
        self.dismiss("")
