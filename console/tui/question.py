"""What a run asks of a person: in question is exactly what, and each answer says what it leads to."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from console.tui.worldly import Line
from console.view.question import Answer, Asked, answer_lines

INSIDE = 6  # columns of a dialog that are no text
WIDEST = 100
NOT_NOW = "esc: not now; it goes on waiting. A letter chooses, enter answers"


def room(width: int) -> int:
    """Columns of text in the dialog on a screen of `width`."""
    return min(width - 2, WIDEST) - INSIDE


class QuestionDialog(ModalScreen[tuple[str, str] | None]):
    """A choice and its note, or None. A letter chooses an answer, and only enter gives it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="question.back", key_display="esc"),
        Binding("pageup", "scroll_text(-5)", show=False, id="question.up"),
        Binding("pagedown", "scroll_text(5)", show=False, id="question.down"),
        Binding("left", "app.focus_previous", show=False, id="question.left"),
        Binding("right", "app.focus_next", show=False, id="question.right"),
    ]

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked
        self._noted: Answer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="asked"):
            with VerticalScroll(id="lines", can_focus=False):
                yield Static(Text("\n".join(self.asked.lines)), classes="text", markup=False)
            yield Static(id="answers", classes="text", markup=False)
            yield Line("chosen")
            note = Input(id="note", compact=True)
            note.cursor_blink = False
            note.display = False
            yield note
            with Horizontal():
                yield Button("esc  not now", id="no", compact=True)
                for at, one in enumerate(self.asked.answers):
                    yield Button(f"{one.key}  {one.choice}", id=f"answer-{at}", compact=True)

    def on_mount(self) -> None:
        self.query_one("#asked").border_title = f" {self.asked.title} "
        lines = answer_lines(self.asked, room(self.app.size.width))
        self.query_one("#answers", Static).update(Text("\n".join(lines)))
        self.query_one("#no").focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """What enter would do, in words: the focus of a button is colour alone."""
        chosen = self._answer_of(event.widget.id)
        line = self.query_one("#chosen", Line)
        if self._noted is not None and event.widget.id == "note":
            line.say(f"{self._noted.choice}: {_wanted(self._noted)}; enter answers, esc: another choice")
        elif chosen is None:
            line.say(NOT_NOW)
        else:
            line.say(f"chosen: {chosen.choice}; enter answers, esc: not now")

    def on_key(self, event: events.Key) -> None:
        if self._noted is not None:
            return
        for at, one in enumerate(self.asked.answers):
            if event.character == one.key:
                event.stop()
                self.query_one(f"#answer-{at}").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        chosen = self._answer_of(event.button.id)
        if chosen is None:
            self.dismiss(None)
        elif chosen.wants_note:
            self._noted = chosen
            note = self.query_one("#note", Input)
            note.display = True
            note.placeholder = _wanted(chosen)
            note.focus()
        else:
            self.dismiss((chosen.choice, ""))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if self._noted is not None and event.value.strip():
            self.dismiss((self._noted.choice, event.value.strip()))

    def action_back(self) -> None:
        """First out of the note, then out of the question."""
        if self._noted is None:
            self.dismiss(None)
            return
        self._noted = None
        note = self.query_one("#note", Input)
        note.value = ""
        note.display = False
        self.query_one("#no").focus()

    def action_scroll_text(self, lines: int) -> None:
        self.query_one("#lines", VerticalScroll).scroll_relative(y=lines, animate=False)

    def _answer_of(self, identity: str | None) -> Answer | None:
        if identity is None or not identity.startswith("answer-"):
            return None
        return self.asked.answers[int(identity.removeprefix("answer-"))]


def _wanted(answer: Answer) -> str:
    return "the evidence" if answer.choice == "done" else "why, in a sentence"
