"""`?`: the keys that work right now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

HIDDEN = {"tab", "shift+tab", "ctrl+p", "ctrl+c"}


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss_me", "back", id="help.back", key_display="esc"),
    ]

    def __init__(self, active: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self._lines = sorted({_told(one) for one in active if one.binding.description and one.enabled})

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="dialog"):
            yield Static(Text("\n".join(self._lines)), classes="text")

    def on_mount(self) -> None:
        self.query_one("#dialog").border_title = " keys that work here "
        self.query_one("#dialog").border_subtitle = " esc back   : runs any of them by name "

    def action_dismiss_me(self) -> None:
        self.dismiss()


def _told(one: ActiveBinding) -> str:
    names = {"question_mark": "?", "colon": ":", "slash": "/"}
    key = one.binding.key_display or names.get(one.binding.key, one.binding.key)
    return f"{key:<12} {one.binding.description}"
